//! `omg install`: have packages.

use clap::Args;
use omg_core::{Change, Fault, Operation, PlanOptions, Task};

use super::change::{self, Manner};
use super::{Group, Verb, orders, owns, undo};
use crate::distribution::Distribution;
use crate::session::Session;

/// Install packages.
#[derive(Args, Debug)]
pub(crate) struct Install {
    /// PKG, PKG=VERSION, PKG/SUITE, REPO/PKG, ./FILE; PKG- removes
    #[arg(required = true, value_name = "PACKAGE")]
    packages: Vec<String>,
    #[command(flatten)]
    manner: Manner,
    /// PKG is to provide it; else the first one
    #[arg(long, value_name = "WANTED=PKG", value_parser = change::provider)]
    provider: Vec<(String, String)>,
    /// Install again what is installed
    #[arg(long)]
    reinstall: bool,
    /// Leave out what is only recommended
    #[arg(long, aliases = ["no-install-recommends", "without-recommends"])]
    no_recommends: bool,
    /// Upgrade the whole system with it
    #[arg(short, long)]
    upgrade: bool,
    /// Refuse AUR recipes changed since: 3d, 12h, 0
    #[arg(long, value_name = "TIME", value_parser = change::seconds)]
    min_age: Option<u64>,
}

impl Verb for Install {
    const NAME: &'static str = "install";
    const ALIASES: &'static [&'static str] = &["i"];
    const GROUP: Group = Group::Change;
    const ABOUT: &'static str = "Install packages, after showing all that it would do";
    const EXAMPLES: &'static str = "\
  omg install vim                shows the plan, asks, does it
  omg install -y vim=2:9.0.1378-2 ./local.deb nano-
  omg install --provider awk=gawk base
  omg install -n vim             what it would do, and nothing more
  omg install -n --json vim      the plan as JSON
  omg install -n -q vim          +NAME VERSION comes, -NAME goes";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let targets =
            self.packages.iter().map(|package| target(package)).collect::<Result<Vec<_>, _>>()?;
        let mut change = Change::new(Operation::Install, targets);
        change.providers = self.provider;
        change.options = PlanOptions {
            reinstall: self.reinstall,
            without_recommends: self.no_recommends,
            follow: self.upgrade,
            min_age_s: self.min_age,
            ..PlanOptions::default()
        };
        let debian = Distribution::or_debian(session.globals.root.as_deref());
        let code = change::run(session, change.clone(), self.manner)?;
        if debian == Distribution::Debian && !self.manner.is_dry() {
            choose(session, &change, self.manner)?;
        }
        Ok(code)
    }
}

/// Has packages that were there for others count as chosen now that the user named them, as apt-get does.
/// Where the change brought anything, the engine has done that.
fn choose(session: &mut Session, change: &Change, manner: Manner) -> Result<(), Fault> {
    let here = undo::installed(session)?;
    let packages: Vec<String> = change
        .targets
        .iter()
        .filter(|target| {
            here.iter().any(|((name, _), it)| name == *target && it.automatic == Some(true))
        })
        .cloned()
        .collect();
    if packages.is_empty() {
        return Ok(());
    }
    let task = Task::Mark { packages, automatic: false };
    let outcome = session.engine()?.order(task, manner.terms(), |_| ())?;
    if !outcome.notices.is_empty() {
        orders::tell(session, outcome, "");
    }
    Ok(())
}

/// A package file gets its whole path, because the daemon works elsewhere. `pkg/suite` is none.
fn target(text: &str) -> Result<String, Fault> {
    let path = ["/", "./", "../"].iter().any(|start| text.starts_with(start));
    let archive = std::path::Path::new(text).extension().is_some_and(|it| it == "deb")
        || text.contains(".pkg.tar");
    if path || (archive && std::path::Path::new(text).is_file()) {
        owns::absolute(text)
    } else {
        Ok(text.to_owned())
    }
}
