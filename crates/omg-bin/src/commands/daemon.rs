//! `omg daemon`: the life of the daemon.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use omg_core::{Code, Fault, Stats};
use omg_proto::{Query, Reply, Request};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;

use super::{Group, Verb};
use crate::connect;
use crate::places;
use crate::render::{Style, bytes, count, uptime};
use crate::session::{Session, unexpected};

/// How long a daemon may take to end: its own drain has a deadline below this.
const END: Duration = Duration::from_secs(15);

/// Most bytes of the log that are looked at for its last lines.
const LOG: u64 = 1024 * 1024;

/// Start, stop or look at the daemon.
#[derive(Args, Debug)]
pub(crate) struct Daemon {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Start it, if it does not run
    Start,
    /// End it, when what it is doing is done
    Stop,
    /// Say whether it runs; exit code 3 if not
    Status,
    /// Show the end of its log
    Logs {
        /// How many lines
        #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
        lines: usize,
        /// Go on as it grows
        #[arg(short, long, conflicts_with = "json")]
        follow: bool,
    },
    /// Make it read its settings again
    Reload,
}

#[derive(Serialize)]
struct Body {
    running: bool,
    pid: Option<u32>,
    uptime_s: Option<u64>,
    socket: String,
}

/// The end of the log in the JSON contract.
#[derive(Serialize)]
struct Log<'a> {
    path: String,
    lines: &'a [&'a str],
}

impl Verb for Daemon {
    const NAME: &'static str = "daemon";
    const GROUP: Group = Group::Itself;
    const ABOUT: &'static str = "Start, stop or look at the daemon; it starts when needed";
    const EXAMPLES: &'static str = "\
  omg daemon status
  omg daemon logs -n 20
  omg daemon reload              after a change of settings.toml";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        match self.action {
            Action::Start => start(session),
            Action::Stop => stop(session),
            Action::Status => status(session),
            Action::Logs { lines, follow } => logs(session, lines, follow),
            Action::Reload => reload(session),
        }
    }
}

/// The daemon's own word, if one runs.
fn running() -> Result<Option<Stats>, Fault> {
    let mut link = match connect::running() {
        Ok(link) => link,
        Err(error) if error.is_absent() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let answer = link.call(&Request::One(Query::Stats))?;
    match answer.reply()? {
        Reply::Stats(stats) => Ok(Some(stats)),
        other => Err(unexpected(&other)),
    }
}

fn tell(session: &mut Session, stats: Option<&Stats>, text: &str) {
    if session.globals.json {
        let body = Body {
            running: stats.is_some(),
            pid: stats.map(|stats| stats.pid),
            uptime_s: stats.map(|stats| stats.uptime_s),
            socket: places::socket().display().to_string(),
        };
        session.json("omg.daemon/1", body);
    } else if !session.globals.quiet {
        session.out.foreign(Style::Plain, text).line();
    }
}

fn start(session: &mut Session) -> Result<u8, Fault> {
    let before = running()?;
    if before.is_none() {
        drop(connect::start(session.globals.root.as_deref())?);
    }
    let stats = running()?;
    let pid = stats.as_ref().map_or(0, |stats| stats.pid);
    let word = if before.is_some() { "runs already" } else { "started" };
    tell(session, stats.as_ref(), &format!("omgd {word}, pid {pid}"));
    Ok(0)
}

fn signal(stats: &Stats, signal: Signal) -> Result<(), Fault> {
    let pid = i32::try_from(stats.pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| {
        Fault::new(Code::Protocol, format!("the daemon says that its pid is {}", stats.pid))
    })?;
    kill_process(pid, signal).map_err(|error| {
        Fault::caused_by(Code::Permission, format!("pid {} takes no signal", stats.pid), &error)
    })
}

fn stop(session: &mut Session) -> Result<u8, Fault> {
    let Some(stats) = running()? else {
        tell(session, None, "omgd does not run");
        return Ok(0);
    };
    signal(&stats, Signal::TERM)?;
    let began = Instant::now();
    while connect::running().map_or_else(|error| !error.is_absent(), |_| true) {
        if began.elapsed() > END {
            return Err(Fault::new(
                Code::Timeout,
                format!("omgd (pid {}) has not ended within {} s", stats.pid, END.as_secs()),
            )
            .hint(format!("kill -KILL {}", stats.pid)));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    tell(session, None, &format!("omgd stopped, pid {}", stats.pid));
    Ok(0)
}

fn status(session: &mut Session) -> Result<u8, Fault> {
    let stats = running()?;
    let text = match &stats {
        Some(stats) => format!(
            "omgd runs: pid {}, up {}, {}, {} requests, socket {}",
            stats.pid,
            uptime(stats.uptime_s),
            bytes(stats.rss_bytes),
            count(stats.requests),
            places::socket().display()
        ),
        None => format!("omgd does not run; it would listen on {}", places::socket().display()),
    };
    tell(session, stats.as_ref(), &text);
    Ok(if stats.is_some() { 0 } else { Code::NotFound.exit() })
}

fn reload(session: &mut Session) -> Result<u8, Fault> {
    // A broken file would only be a line in the daemon's log; here somebody is looking.
    crate::settings::Settings::of_user()?;
    let Some(stats) = running()? else {
        tell(session, None, "omgd does not run; it will read the settings when it starts");
        return Ok(0);
    };
    signal(&stats, Signal::HUP)?;
    tell(session, Some(&stats), &format!("omgd reads its settings again, pid {}", stats.pid));
    Ok(0)
}

fn logs(session: &mut Session, lines: usize, follow: bool) -> Result<u8, Fault> {
    let path = places::log()
        .ok_or_else(|| Fault::new(Code::Failure, "there is no place for a log: HOME is not set"))?;
    let elsewhere = "a daemon that systemd started logs to its journal: journalctl --user -u omgd";
    let mut file = std::fs::File::open(&path).map_err(|error| {
        Fault::caused_by(Code::NotFound, format!("{} can't be read", path.display()), &error)
            .hint(elsewhere)
    })?;
    let wrong = |error: &std::io::Error| {
        Fault::caused_by(Code::Unreadable, format!("{} can't be read", path.display()), error)
    };
    let length = file.seek(SeekFrom::End(0)).map_err(|error| wrong(&error))?;
    file.seek(SeekFrom::Start(length.saturating_sub(LOG))).map_err(|error| wrong(&error))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| wrong(&error))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let all: Vec<&str> = text.lines().collect();
    let last = all.get(all.len().saturating_sub(lines)..).unwrap_or_default();
    if session.globals.json {
        session.json("omg.log/1", Log { path: path.display().to_string(), lines: last });
        return Ok(0);
    }
    for line in last {
        session.out.foreign(Style::Plain, line).line();
    }
    if follow { pursue(session, &mut file, &path) } else { Ok(0) }
}

/// Prints what is added to the log until somebody ends us.
fn pursue(session: &mut Session, file: &mut std::fs::File, path: &Path) -> Result<u8, Fault> {
    let mut shown = session.out.take();
    let mut stdout = std::io::stdout().lock();
    loop {
        if stdout.write_all(shown.as_bytes()).and_then(|()| stdout.flush()).is_err() {
            return Ok(0);
        }
        std::thread::sleep(Duration::from_millis(200));
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| {
            Fault::caused_by(Code::Unreadable, format!("{} can't be read", path.display()), &error)
        })?;
        shown = String::from_utf8_lossy(&bytes).lines().fold(String::new(), |mut text, line| {
            text.push_str(&crate::render::clean(line));
            text.push('\n');
            text
        });
    }
}
