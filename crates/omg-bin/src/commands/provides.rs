//! `omg provides`: packages that have a file, a command or a virtual package, installed or not.

use clap::Args;
use omg_core::{Code, Fault};
use omg_proto::{Query, Reply};

use super::limit::Limit;
use super::owns::absolute;
use super::{Verb, found, suggest};
use crate::session::{Session, unexpected};

/// Find the package that has a file or command.
#[derive(Args, Debug)]
pub(crate) struct Provides {
    /// A command, a path, or a virtual package
    #[arg(value_name = "FILE|COMMAND")]
    what: String,
    #[command(flatten)]
    limit: Limit,
}

impl Verb for Provides {
    const NAME: &'static str = "provides";
    const ALIASES: &'static [&'static str] = &["whatprovides"];
    const ABOUT: &'static str = "Find the package, installed or not, that has a file or command";
    const EXAMPLES: &'static str = "\
  omg provides rg                a command
  omg provides /usr/bin/vim      a file
  omg provides mail-transport-agent";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let what = if self.what.contains('/') { absolute(&self.what)? } else { self.what.clone() };
        let answer = session.ask(Query::Provides { what: &what })?;
        let reply = answer.reply()?;
        let Reply::Files { matches, hint } = reply else { return Err(unexpected(&reply)) };
        let mut matches = matches;
        if matches.is_empty() {
            let mut fault =
                Fault::new(Code::NotFound, format!("no package is known to have '{what}'"));
            fault.hint = hint;
            return Err(fault.suggest(if what.contains('/') {
                Vec::new()
            } else {
                suggest::near(session, &what)
            }));
        }
        self.limit.cut(&mut matches);
        found::show(session, &what, &matches, hint.as_deref());
        Ok(0)
    }
}
