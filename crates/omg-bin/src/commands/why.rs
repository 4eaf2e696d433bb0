//! `omg why`: the chains from packages the user asked for to this one.

use clap::Args;
use omg_core::{Chain, Fault, RelationKind};
use omg_proto::{Query, Reply};
use serde::Serialize;

use super::Verb;
use super::limit::Limit;
use crate::render::{Output, Style, branches};
use crate::session::{Session, unexpected};

/// Chains shown unless asked otherwise.
const DEFAULT: u32 = 5;

/// Explain why a package is installed.
#[derive(Args, Debug)]
pub(crate) struct Why {
    /// The package
    package: String,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Serialize)]
struct Body<'a> {
    package: &'a str,
    chains: &'a [Chain],
}

impl Verb for Why {
    const NAME: &'static str = "why";
    const ABOUT: &'static str = "Explain why a package is installed";
    const EXAMPLES: &'static str = "  omg why libc6";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let answer = session.ask(Query::Why { package: &self.package })?;
        let reply = answer.reply()?;
        let Reply::Why(chains) = reply else { return Err(unexpected(&reply)) };
        let mut chains = chains;
        let unasked = if session.globals.json { None } else { Some(DEFAULT) };
        let total = chains.len();
        if let Some(limit) = self.limit.or(unasked) {
            chains.truncate(limit as usize);
        }
        if session.globals.json {
            session.json("omg.why/1", Body { package: &self.package, chains: &chains });
        } else {
            write(&mut session.out, &self.package, &chains);
            if total > chains.len() {
                session
                    .out
                    .note(&format!("and {} more ways (--limit 0 for all)", total - chains.len()));
            }
        }
        Ok(0)
    }
}

fn write(out: &mut Output, package: &str, chains: &[Chain]) {
    if chains.is_empty() {
        out.foreign(Style::Name, package)
            .push(" is installed, but nothing that you asked for needs it")
            .line();
    }
    for (at, chain) in chains.iter().enumerate() {
        if at > 0 {
            out.line();
        }
        let depths: Vec<usize> = (0..chain.links.len()).collect();
        let mut kind: Option<RelationKind> = None;
        for (link, branch) in chain.links.iter().zip(branches(&depths, out.screen.unicode)) {
            out.styled(Style::Dim, &branch);
            if let Some(kind) = kind {
                out.styled(Style::Dim, verb(kind)).push(" ");
            }
            out.foreign(Style::Name, &link.name).push(" ").foreign(Style::Version, &link.version);
            if branch.is_empty() {
                out.styled(Style::Dim, "  you asked for it");
            }
            out.line();
            kind = link.kind;
        }
    }
}

/// A relation as a word between two packages.
fn verb(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::PreDepends => "pre-depends on",
        RelationKind::Depends => "depends on",
        RelationKind::Recommends => "recommends",
        RelationKind::Suggests => "suggests",
        RelationKind::Enhances => "enhances",
    }
}
