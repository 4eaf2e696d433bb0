//! One file per verb, each a straight line: arguments → request → reply → text → exit code.

use clap::{ArgMatches, Args};
use omg_core::Fault;

use crate::session::Session;

mod archived;
mod audit;
mod aur;
mod autoremove;
mod builds;
mod carry;
mod change;
mod completions;
mod config;
mod daemon;
mod doctor;
mod downgrade;
mod explain;
mod explicit;
mod files;
mod found;
mod groups;
mod history;
mod holds;
mod hook;
mod info;
mod info_view;
mod install;
mod limit;
mod list;
mod man;
mod orders;
mod outdated;
mod owns;
mod plan;
mod provides;
mod rdeps;
mod remove;
mod restarts;
mod resume;
mod review_view;
mod search;
mod size;
mod snapshot;
mod status;
mod suggest;
mod tree;
mod undo;
mod update;
mod why;
mod why_not;

/// Under which heading `omg --help` lists a verb.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Group {
    /// Queries.
    Find,
    /// Changes of the system.
    Change,
    /// What was, and the way back.
    Past,
    /// Policy and the log.
    Security,
    /// OMG itself.
    Itself,
}

/// A verb, as its file declares it.
pub(crate) trait Verb: Args {
    /// What users type.
    const NAME: &'static str;
    /// Other spellings.
    const ALIASES: &'static [&'static str] = &[];
    /// Heading.
    const GROUP: Group = Group::Find;
    /// One line.
    const ABOUT: &'static str;
    /// Lines to copy, shown below the help.
    const EXAMPLES: &'static str;

    /// Does it; gives back the exit code.
    fn run(self, session: &mut Session) -> Result<u8, Fault>;
}

/// A file or directory, in the JSON contract.
#[derive(serde::Serialize)]
struct Place<'a> {
    path: &'a str,
}

/// A row of [`VERBS`].
pub(crate) struct Entry {
    /// What users type.
    pub(crate) name: &'static str,
    /// Other spellings.
    pub(crate) aliases: &'static [&'static str],
    /// Heading.
    pub(crate) group: Group,
    /// One line.
    pub(crate) about: &'static str,
    /// Lines to copy.
    pub(crate) examples: &'static str,
    /// Adds its arguments to a clap command.
    pub(crate) arguments: fn(clap::Command) -> clap::Command,
    /// Reads its arguments and does it.
    pub(crate) run: fn(&ArgMatches, &mut Session) -> Result<u8, Fault>,
}

impl Entry {
    const fn of<V: Verb>() -> Self {
        Self {
            name: V::NAME,
            aliases: V::ALIASES,
            group: V::GROUP,
            about: V::ABOUT,
            examples: V::EXAMPLES,
            arguments: V::augment_args,
            run: |matches, session| {
                V::from_arg_matches(matches)
                    .map_err(|error| crate::cli::usage(&error))?
                    .run(session)
            },
        }
    }
}

/// Every verb, in the order of the help.
pub(crate) static VERBS: &[Entry] = &[
    Entry::of::<search::Search>(),
    Entry::of::<info::Info>(),
    Entry::of::<suggest::Suggest>(),
    Entry::of::<list::List>(),
    Entry::of::<explicit::Explicit>(),
    Entry::of::<outdated::Outdated>(),
    Entry::of::<provides::Provides>(),
    Entry::of::<owns::Owns>(),
    Entry::of::<files::Files>(),
    Entry::of::<why::Why>(),
    Entry::of::<why_not::WhyNot>(),
    Entry::of::<rdeps::Rdeps>(),
    Entry::of::<tree::Tree>(),
    Entry::of::<size::Size>(),
    Entry::of::<groups::Groups>(),
    Entry::of::<status::Status>(),
    Entry::of::<install::Install>(),
    Entry::of::<remove::Remove>(),
    Entry::of::<update::Update>(),
    Entry::of::<autoremove::Autoremove>(),
    Entry::of::<orders::Sync>(),
    Entry::of::<orders::MarkVerb>(),
    Entry::of::<orders::Hold>(),
    Entry::of::<orders::Unhold>(),
    Entry::of::<orders::Clean>(),
    Entry::of::<orders::Recover>(),
    Entry::of::<downgrade::Downgrade>(),
    Entry::of::<resume::Resume>(),
    Entry::of::<aur::Aur>(),
    Entry::of::<history::History>(),
    Entry::of::<history::Blame>(),
    Entry::of::<snapshot::Snapshot>(),
    Entry::of::<audit::Audit>(),
    Entry::of::<restarts::Restarts>(),
    Entry::of::<doctor::Doctor>(),
    Entry::of::<daemon::Daemon>(),
    Entry::of::<config::Config>(),
    Entry::of::<hook::Hook>(),
    Entry::of::<completions::Completions>(),
    Entry::of::<man::Man>(),
    Entry::of::<explain::Explain>(),
];
