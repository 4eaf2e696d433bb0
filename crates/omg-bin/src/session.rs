//! One run of `omg`: the flags that every verb has, where output goes, and the link to the daemon.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use omg_core::{Code, Fault, Progress};
use omg_proto::{Query, Reply, Request};
use serde::Serialize;

use crate::connect::{self, Answer, Link};
use crate::engine::Engine;
use crate::places;
use crate::render::{ColorChoice, Document, Output, Screen, emit};
use crate::settings::{Ui, When};

/// Flags that mean the same with every verb.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Globals {
    /// Print one JSON object
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Colour: auto, always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(crate) color: ColorChoice,
    /// Don't show long output in a pager
    #[arg(long, global = true)]
    pub(crate) no_pager: bool,
    /// No bars while something is fetched or done
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
    /// Names or numbers only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Work in this directory
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(crate) directory: Option<PathBuf>,
    /// Another system's root [env: OMG_ROOT]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) root: Option<PathBuf>,
}

/// A script or page in the JSON contract.
#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
}

/// One run.
pub(crate) struct Session {
    /// The common flags.
    pub(crate) globals: Globals,
    /// Where the answer is written.
    pub(crate) out: Output,
    /// Results of a search on a terminal, from the settings.
    pub(crate) search_limit: Option<u32>,
    /// When long output goes through the pager.
    pager: When,
    link: Option<Link>,
    engine: Option<Engine>,
}

impl Session {
    /// A run that has not asked anything yet.
    pub(crate) fn new(globals: Globals, ui: &Ui) -> Self {
        let screen = Screen::detect(globals.color);
        let pager = if globals.no_pager || globals.json { When::Never } else { ui.pager };
        Self {
            globals,
            out: Output::new(screen),
            search_limit: ui.limit,
            pager,
            link: None,
            engine: None,
        }
    }

    /// Shows what has been written so far, through the pager if it is long.
    pub(crate) fn show(&mut self) -> Result<(), Fault> {
        let named = places::variable("OMG_PAGER").or_else(|| places::variable("PAGER"));
        let program = || named.unwrap_or_else(|| OsString::from("less -FRX"));
        let pager = if self.pager == When::Never { None } else { Some(program()) };
        emit(&self.out, pager, self.pager == When::Always)?;
        self.out.clear();
        Ok(())
    }

    /// Sends one query and waits. The first one finds, or starts, the daemon.
    pub(crate) fn ask(&mut self, query: Query<'_>) -> Result<Answer, Fault> {
        self.call(&Request::One(query))
    }

    /// As [`ask`](Self::ask), for what takes long: `heard` is told how far it has come.
    pub(crate) fn ask_with(
        &mut self,
        query: Query<'_>,
        heard: &mut dyn FnMut(Progress),
    ) -> Result<Answer, Fault> {
        let request = Request::One(query);
        check(&request)?;
        self.link()?.call_with(&request, heard)
    }

    fn link(&mut self) -> Result<&mut Link, Fault> {
        Ok(match &mut self.link {
            Some(link) => link,
            none => none.insert(connect::open(self.globals.root.as_deref())?),
        })
    }

    /// The engine that changes the system. The first call starts it, which may ask for a password; it
    /// serves the whole command.
    pub(crate) fn engine(&mut self) -> Result<&mut Engine, Fault> {
        Ok(match &mut self.engine {
            Some(engine) => engine,
            none => none.insert(Engine::start(self.globals.root.as_deref())?),
        })
    }

    /// Sends queries and hands each reply's bytes, in order, to be read by [`reply`]. More queries
    /// than one batch may hold go out in several.
    pub(crate) fn ask_all(&mut self, queries: &[Query<'_>]) -> Result<Vec<Vec<u8>>, Fault> {
        let mut bodies = Vec::with_capacity(queries.len());
        for batch in queries.chunks(Request::BATCH_LIMIT) {
            let answer = self.call(&Request::Batch(batch.to_vec()))?;
            match answer.reply()? {
                Reply::Batch(replies) if replies.len() == batch.len() => bodies.extend(replies),
                other => return Err(unexpected(&other)),
            }
        }
        Ok(bodies)
    }

    fn call(&mut self, request: &Request<'_>) -> Result<Answer, Fault> {
        check(request)?;
        let started = Instant::now();
        let verbose = self.globals.verbose;
        let link = self.link()?;
        let answer = link.call(request)?;
        if verbose {
            let milliseconds = started.elapsed().as_secs_f64() * 1e3;
            let peer = link.peer();
            self.out.note(&format!("omg: {peer} answered in {milliseconds:.2} ms"));
        }
        Ok(answer)
    }

    /// Is a daemon on a socket answering, rather than one started for this command alone?
    pub(crate) fn over_socket(&self) -> bool {
        self.link.as_ref().is_some_and(Link::over_socket)
    }

    /// Prints a text that is one piece: a script, a page.
    pub(crate) fn text(&mut self, text: &str) {
        if self.globals.json {
            self.json("omg.text/1", Text { text });
        } else {
            self.out.push(text);
        }
    }

    /// Prints an object of the JSON contract.
    pub(crate) fn json(&mut self, schema: &str, body: impl Serialize) {
        let text = Document::text(schema, body);
        self.out.push(&text);
    }
}

/// Reads the bytes of one reply of a batch.
pub(crate) fn reply(body: &[u8]) -> Result<Reply<'_>, Fault> {
    match Reply::decode(body) {
        Ok(Reply::Fault(fault)) => Err(fault),
        Ok(reply) => Ok(reply),
        Err(error) => {
            Err(Fault::caused_by(Code::Protocol, "the daemon's answer makes no sense", &error))
        }
    }
}

/// Refuses here what the daemon would refuse, as what it is: a wrong argument.
fn check(request: &Request<'_>) -> Result<(), Fault> {
    let queries = match request {
        Request::One(query) => std::slice::from_ref(query),
        Request::Batch(queries) => queries,
    };
    let limit = |query: &Query<'_>| match query {
        Query::Plan { .. } | Query::Stage { .. } | Query::Build { .. } => Query::TARGETS_LIMIT,
        _ => Query::TEXT_LIMIT,
    };
    let lengths = queries.iter().map(|query| (query.text().len(), limit(query)));
    match lengths.into_iter().find(|(length, limit)| length > limit) {
        Some((length, limit)) => {
            let message = format!("arguments of {length} bytes are over the limit of {limit}");
            Err(Fault::new(Code::Usage, message))
        }
        None => Ok(()),
    }
}

/// The fault for a reply of another kind than the query calls for.
pub(crate) fn unexpected(_: &Reply<'_>) -> Fault {
    Fault::new(Code::Protocol, "the daemon answered another question than was asked")
        .hint("`omg daemon stop`, then try again: the daemon may be of another build")
}
