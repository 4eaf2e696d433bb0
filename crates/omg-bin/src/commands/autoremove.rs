//! `omg autoremove`: what is needed by nothing any more.

use clap::Args;
use omg_core::{Change, Fault, Operation, PlanOptions};

use super::change::{self, Manner};
use super::{Group, Verb};
use crate::session::Session;

/// Remove what is needed by nothing any more.
#[derive(Args, Debug)]
pub(crate) struct Autoremove {
    #[command(flatten)]
    manner: Manner,
    /// With configuration files
    #[arg(long)]
    purge: bool,
}

impl Verb for Autoremove {
    const NAME: &'static str = "autoremove";
    const GROUP: Group = Group::Change;
    const ABOUT: &'static str = "Remove what was installed for others that are gone";
    const EXAMPLES: &'static str = "\
  omg autoremove                 shows what goes, asks, does it
  omg list --orphans             the same as a plain list";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let mut change = Change::new(Operation::Autoremove, Vec::<String>::new());
        change.options = PlanOptions { purge: self.purge, ..PlanOptions::default() };
        change::run(session, change, self.manner)
    }
}
