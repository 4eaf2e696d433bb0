//! `omg update`: what is newer, and what it would take to have it.

use clap::Args;
use omg_core::{Change, Code, Fault, Operation, PlanOptions, Scope};

use super::change::{self, Manner};
use super::{Group, Verb, holds, orders, outdated};
use crate::session::Session;

/// Exit code where upgrades are pending.
const PENDING: u8 = 10;

/// Bring the system up to date.
#[derive(Args, Debug)]
pub(crate) struct Update {
    #[command(flatten)]
    manner: Manner,
    /// Neither install nor remove anything for it
    #[arg(long, conflicts_with = "full")]
    safe: bool,
    /// Remove what is in the way
    #[arg(long)]
    full: bool,
    /// List what is newer; exit code 10 if anything
    #[arg(long, conflicts_with_all = ["safe", "full"])]
    check: bool,
    /// With the lists as they are
    #[arg(long)]
    no_sync: bool,
    /// Refuse AUR recipes changed since: 3d, 12h, 0
    #[arg(long, value_name = "TIME", value_parser = change::seconds)]
    min_age: Option<u64>,
    #[arg(long, hide = true)]
    devel: bool,
}

impl Verb for Update {
    const NAME: &'static str = "update";
    const ALIASES: &'static [&'static str] = &["upgrade"];
    const GROUP: Group = Group::Change;
    const ABOUT: &'static str = "Fetch the lists, then bring the whole system up to date";
    const EXAMPLES: &'static str = "\
  omg update                     the plan is shown before anything is done
  omg update -n                  what would become newer, with these lists
  omg update --safe              without new packages or removals
  omg full-upgrade               the same as update --full
  omg update --check             exit code 10 if upgrades are pending";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        if self.devel {
            return Err(Fault::new(Code::Usage, "this version has no --devel")
                .hint("packages built from a repository's newest commit are not looked at yet"));
        }
        if self.check {
            let pending = outdated::list(session, false, |_| {})?;
            return Ok(if pending { PENDING } else { 0 });
        }
        let scope = match (self.safe, self.full) {
            (true, _) => Scope::Safe,
            (_, true) => Scope::Full,
            _ => Scope::Standard,
        };
        let mut change = Change::new(Operation::Upgrade, Vec::<String>::new());
        change.options = PlanOptions { scope, min_age_s: self.min_age, ..PlanOptions::default() };
        if !self.no_sync && !self.manner.is_dry() {
            orders::sync(session).map_err(|fault| match fault.code {
                Code::Network => {
                    fault.hint("`omg update --no-sync` goes on with the lists of then")
                }
                _ => fault,
            })?;
        }
        holds::expire(session, self.manner.terms(), self.manner.is_dry())?;
        change::run(session, change, self.manner)
    }
}
