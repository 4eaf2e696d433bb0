//! `omg info`: all that is known of packages.

use clap::Args;
use omg_core::{Code, Details, Fault};
use omg_proto::{Query, Reply};
use serde::Serialize;

use super::{Verb, info_view, suggest};
use crate::render::{Style, complain};
use crate::session::{Session, reply, unexpected};

/// Show all that is known of a package.
#[derive(Args, Debug)]
pub(crate) struct Info {
    /// Packages: NAME, NAME:ARCHITECTURE or NAME=VERSION
    #[arg(required = true, value_name = "PACKAGE")]
    packages: Vec<String>,
}

/// `score` belongs to the keys that `info` shares with `search`; nothing was ranked here.
#[derive(Serialize)]
struct Entry<'a> {
    #[serde(flatten)]
    details: &'a Details<'a>,
    score: Option<u32>,
}

#[derive(Serialize)]
struct Body<'a> {
    packages: Vec<Entry<'a>>,
}

impl Verb for Info {
    const NAME: &'static str = "info";
    const ALIASES: &'static [&'static str] = &["show", "policy"];
    const ABOUT: &'static str = "Show what a package is, its versions, its dependencies";
    const EXAMPLES: &'static str = "\
  omg info vim
  omg info libc6:amd64 bash      several at once, or one architecture
  omg info vim=2:9.0.1378-2      a certain version";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let queries: Vec<_> = self.packages.iter().map(|package| Query::Info { package }).collect();
        let bodies = session.ask_all(&queries)?;
        let mut found: Vec<Details<'_>> = Vec::new();
        let mut missing: Vec<Fault> = Vec::new();
        for (package, body) in self.packages.iter().zip(&bodies) {
            match reply(body) {
                Ok(Reply::Info(details)) if details.is_empty() => {
                    missing.push(not_found(session, package));
                }
                Ok(Reply::Info(details)) => found.extend(details),
                Ok(other) => return Err(unexpected(&other)),
                Err(fault) if fault.code == Code::NotFound => missing.push(fault),
                Err(fault) => return Err(fault),
            }
        }
        // JSON has room for one object only, and the error is the one that must not be missed.
        if let Some(first) = missing.first()
            && (session.globals.json || found.is_empty())
        {
            missing
                .iter()
                .skip(1)
                .for_each(|fault| complain(fault, session.out.screen.error_color));
            return Err(first.clone());
        }
        if session.globals.json {
            let packages = found.iter().map(|details| Entry { details, score: None }).collect();
            session.json("omg.info/1", Body { packages });
        } else {
            for (at, details) in found.iter().enumerate() {
                if at > 0 && !session.globals.quiet {
                    session.out.line();
                }
                if session.globals.quiet {
                    session.out.foreign(Style::Name, details.name).push(" ");
                    session.out.foreign(Style::Version, details.version).line();
                } else {
                    info_view::write(&mut session.out, details);
                }
            }
        }
        for fault in &missing {
            complain(fault, session.out.screen.error_color);
        }
        Ok(missing.first().map_or(0, |fault| fault.code.exit()))
    }
}

fn not_found(session: &mut Session, package: &str) -> Fault {
    let name = package.split([':', '=']).next().unwrap_or(package);
    Fault::new(Code::NotFound, format!("no package is called '{package}'"))
        .suggest(suggest::near(session, name))
        .hint(format!("`omg search {name}` looks in descriptions too"))
}
