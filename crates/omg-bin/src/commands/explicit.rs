//! `omg explicit`: packages that the user asked for.

use clap::Args;
use omg_core::Fault;
use omg_proto::{Query, Reply};
use serde::Serialize;

use super::limit::Limit;
use super::{Verb, list};
use crate::session::{Session, unexpected};

/// List the packages you asked for.
#[derive(Args, Debug)]
pub(crate) struct Explicit {
    /// Print only how many there are
    #[arg(long, short)]
    count: bool,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Serialize)]
struct Count {
    count: u32,
}

impl Verb for Explicit {
    const NAME: &'static str = "explicit";
    const ABOUT: &'static str = "List the packages you asked for, without what they pulled in";
    const EXAMPLES: &'static str = "\
  omg explicit
  omg explicit --count
  omg explicit -q > my-packages.txt";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        if self.count {
            return count(session);
        }
        let answer = session.ask(Query::Explicit)?;
        let reply = answer.reply()?;
        let Reply::List(packages) = reply else { return Err(unexpected(&reply)) };
        let mut packages = packages;
        self.limit.cut(&mut packages);
        list::show(session, &packages, list::write);
        Ok(0)
    }
}

/// From `Status`, which is a few bytes, not from the whole list.
fn count(session: &mut Session) -> Result<u8, Fault> {
    let answer = session.ask(Query::Status)?;
    let reply = answer.reply()?;
    let Reply::Status(status) = &reply else { return Err(unexpected(&reply)) };
    let count = status.packages.explicit;
    if session.globals.json {
        session.json("omg.count/1", Count { count });
    } else {
        session.out.push(&count.to_string()).line();
    }
    Ok(0)
}
