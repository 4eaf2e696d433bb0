//! `omg remove`: what goes when packages go.

use clap::Args;
use omg_core::{Change, Fault, Operation, PlanOptions};

use super::change::{self, Manner};
use super::{Group, Verb};
use crate::session::Session;

/// Remove packages.
#[derive(Args, Debug)]
pub(crate) struct Remove {
    /// Packages
    #[arg(required = true, value_name = "PACKAGE")]
    packages: Vec<String>,
    #[command(flatten)]
    manner: Manner,
    /// With what was installed for them only
    #[arg(short, long, short_alias = 's')]
    recursive: bool,
    /// With their configuration files
    #[arg(long)]
    purge: bool,
}

impl Verb for Remove {
    const NAME: &'static str = "remove";
    const ALIASES: &'static [&'static str] = &["rm"];
    const GROUP: Group = Group::Change;
    const ABOUT: &'static str = "Remove packages, after showing what goes with them";
    const EXAMPLES: &'static str = "\
  omg remove vim                 shows what goes, asks, does it
  omg remove --recursive vim     and what was there for it only
  omg purge vim                  the same as remove --purge
  omg remove -n vim              what would go";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let mut change = Change::new(Operation::Remove, self.packages);
        change.options =
            PlanOptions { recursive: self.recursive, purge: self.purge, ..PlanOptions::default() };
        change::run(session, change, self.manner)
    }
}
