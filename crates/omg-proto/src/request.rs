//! What can be asked.

use bitcode::{Decode, Encode};
use omg_core::{Change, Operation, PlanOptions};

use crate::Error;

/// Which packages `List` answers with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode)]
pub enum ListFilter {
    /// On this system.
    Installed,
    /// Asked for by the user.
    Explicit,
    /// Pulled in by others.
    Automatic,
    /// What `autoremove` would remove.
    Orphans,
    /// All that could be installed.
    Available,
    /// Installed, and offered by no repository.
    Local,
}

/// What is done with the store of downloads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode)]
pub enum StoreTask {
    /// Nothing; it is only counted.
    Count,
    /// Files that have not been used for longest go, until the rest is within the limit of the
    /// settings.
    Trim,
    /// All files go that no staging under way uses.
    Clear,
}

/// One question. Strings are borrowed from the frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode)]
pub enum Query<'a> {
    /// Are you there? Answered with `Pong`.
    Ping,
    /// Packages that match words.
    Search {
        /// Words, separated by white space; all must match.
        query: &'a str,
        /// At most this many results; all if absent.
        limit: Option<u32>,
    },
    /// All that is known of a package, `name`, `name:arch` or `name=version`.
    Info {
        /// The package.
        package: &'a str,
    },
    /// Counts for this system.
    Status,
    /// Packages that the user asked for; the same as `List(Explicit)`.
    Explicit,
    /// Names like this one.
    Suggest {
        /// A name, perhaps misspelt.
        query: &'a str,
        /// At most this many.
        limit: u32,
    },
    /// Packages by state.
    List {
        /// Which.
        filter: ListFilter,
    },
    /// Installed packages with a newer candidate.
    Updates {
        /// Only those from a repository that carries security fixes.
        security: bool,
    },
    /// Packages that depend on this one.
    Rdeps {
        /// The package.
        package: &'a str,
        /// Only those on this system.
        installed: bool,
    },
    /// Why a package is on this system.
    Why {
        /// The package.
        package: &'a str,
    },
    /// Packages that own a path on this system.
    Owns {
        /// Absolute path; `*` and `?` match as in dpkg -S.
        path: &'a str,
    },
    /// Packages that have a file, a command or a virtual package, installed or not.
    Provides {
        /// Absolute path, or a bare name.
        what: &'a str,
    },
    /// Paths of an installed package, or of an available one where Contents lists are there.
    Files {
        /// The package.
        package: &'a str,
    },
    /// Dependency tree.
    Tree {
        /// The root.
        package: &'a str,
        /// Levels below the root.
        depth: u16,
    },
    /// Space on disk, of one package or, if empty, of all explicit ones, largest first.
    Size {
        /// The package, or empty.
        package: &'a str,
    },
    /// How the daemon is doing.
    Stats,
    /// What a change would do. Answered from the system as it is now, not from a view.
    Plan {
        /// What is to be done.
        operation: Operation,
        /// Of which packages, in the notation of [`Change::targets`]; a line each.
        targets: &'a str,
        /// Which package provides a virtual one: `wanted=package`, a line each.
        providers: &'a str,
        /// How.
        options: PlanOptions,
    },
    /// Why a package is not on this system, or not in a version.
    WhyNot {
        /// `name` or `name=version`.
        package: &'a str,
    },
    /// Groups of packages with their sizes or, if one is named, its members.
    Groups {
        /// The group, or empty.
        group: &'a str,
    },
    /// Fetches anew what is fetched without the administrator's rights: the AUR's dump.
    Refresh,
    /// What changed in a recipe of the AUR since its last review.
    Review {
        /// The package, or its base.
        package: &'a str,
    },
    /// Remembers that a commit of a recipe has been reviewed.
    Accept {
        /// The package, or its base.
        package: &'a str,
        /// The commit, as `Review` answered it.
        commit: &'a str,
    },
    /// Fetches and checks the files that a change needs. Answered with `Staged`, after any number of
    /// `Progress`. Of a plan with recipes to build, the part of the repositories.
    Stage {
        /// As in `Plan`.
        operation: Operation,
        /// As in `Plan`.
        targets: &'a str,
        /// As in `Plan`.
        providers: &'a str,
        /// As in `Plan`.
        options: PlanOptions,
        /// [`omg_core::Plan::digest`] of the plan that was approved; empty for whatever it is now.
        digest: &'a str,
    },
    /// Builds recipes of the plan of a change, confined. What they need from the repositories is
    /// installed by then. Answered with `Built`, after any number of `Progress`.
    Build {
        /// As in `Plan`.
        operation: Operation,
        /// As in `Plan`.
        targets: &'a str,
        /// As in `Plan`.
        providers: &'a str,
        /// As in `Plan`.
        options: PlanOptions,
        /// Package bases, a line each, in the order to build them; all of the plan if empty.
        bases: &'a str,
    },
    /// Fetches the lists of the repositories, without putting them into place. Answered with
    /// `Lists`, after any number of `Progress`.
    Sync,
    /// Counts, trims or clears the store of downloads. Answered with `Store`.
    Store {
        /// What is done.
        task: StoreTask,
    },
    /// Fetches the file of a version that repositories and caches do not have any more from the
    /// distribution's archive, and checks it. Answered with `Archived`, after any number of `Progress`.
    Archive {
        /// The package.
        name: &'a str,
        /// The version, as the distribution writes it.
        version: &'a str,
        /// Its architecture.
        architecture: &'a str,
        /// SHA-256 that the file must have, hexadecimal; empty if none is known.
        sha256: &'a str,
    },
}

/// The kind of a [`Query`], for limits, traces and counters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each names the query of the same name")]
pub enum QueryKind {
    Ping,
    Search,
    Info,
    Status,
    Explicit,
    Suggest,
    List,
    Updates,
    Rdeps,
    Why,
    Owns,
    Provides,
    Files,
    Tree,
    Size,
    Stats,
    Plan,
    WhyNot,
    Groups,
    Refresh,
    Review,
    Accept,
    Stage,
    Build,
    Sync,
    Store,
    Archive,
}

impl QueryKind {
    /// Does it take as long as a network or a build, and tell how far it has come meanwhile?
    pub fn reports(self) -> bool {
        matches!(self, Self::Stage | Self::Build | Self::Sync | Self::Archive)
    }
}

impl<'a> Query<'a> {
    /// Longest text that a query may carry, bytes.
    pub const TEXT_LIMIT: usize = 4096;

    /// Longest text of a [`Query::Plan`]'s targets, bytes.
    pub const TARGETS_LIMIT: usize = 48 * 1024;

    /// The question what a change would do. `targets` and `providers` hold its lists as text; see
    /// [`targets_text`] and [`providers_text`].
    pub fn plan(change: &Change, targets: &'a str, providers: &'a str) -> Self {
        Self::Plan { operation: change.operation, targets, providers, options: change.options }
    }

    /// The question to fetch what a change needs, once the plan with this digest was approved.
    pub fn stage(change: &Change, targets: &'a str, providers: &'a str, digest: &'a str) -> Self {
        let (operation, options) = (change.operation, change.options);
        Self::Stage { operation, targets, providers, options, digest }
    }

    /// The question to build recipes of a change's plan; `bases` has a line each.
    pub fn build(change: &Change, targets: &'a str, providers: &'a str, bases: &'a str) -> Self {
        let (operation, options) = (change.operation, change.options);
        Self::Build { operation, targets, providers, options, bases }
    }

    /// The change of a [`Query::Plan`], [`Query::Stage`] or [`Query::Build`]; `None` for other
    /// queries, and where a choice of a provider is not `wanted=package`.
    pub fn change(&self) -> Option<Change> {
        let (Self::Plan { operation, targets, providers, options }
        | Self::Stage { operation, targets, providers, options, .. }
        | Self::Build { operation, targets, providers, options, .. }) = self
        else {
            return None;
        };
        // What is wanted may have an equals sign of its own, a package's name has none.
        let pair = |line: &str| {
            let (wanted, package) = line.rsplit_once('=')?;
            let whole = !wanted.is_empty() && !package.is_empty();
            whole.then(|| (wanted.to_owned(), package.to_owned()))
        };
        Some(Change {
            operation: *operation,
            // One more than may be is enough to refuse them.
            targets: targets
                .lines()
                .take(Change::TARGET_LIMIT + 1)
                .map(ToOwned::to_owned)
                .collect(),
            providers: providers.lines().map(pair).collect::<Option<_>>()?,
            options: *options,
        })
    }

    /// Its kind.
    pub fn kind(&self) -> QueryKind {
        match self {
            Self::Ping => QueryKind::Ping,
            Self::Search { .. } => QueryKind::Search,
            Self::Info { .. } => QueryKind::Info,
            Self::Status => QueryKind::Status,
            Self::Explicit => QueryKind::Explicit,
            Self::Suggest { .. } => QueryKind::Suggest,
            Self::List { .. } => QueryKind::List,
            Self::Updates { .. } => QueryKind::Updates,
            Self::Rdeps { .. } => QueryKind::Rdeps,
            Self::Why { .. } => QueryKind::Why,
            Self::Owns { .. } => QueryKind::Owns,
            Self::Provides { .. } => QueryKind::Provides,
            Self::Files { .. } => QueryKind::Files,
            Self::Tree { .. } => QueryKind::Tree,
            Self::Size { .. } => QueryKind::Size,
            Self::Stats => QueryKind::Stats,
            Self::Plan { .. } => QueryKind::Plan,
            Self::WhyNot { .. } => QueryKind::WhyNot,
            Self::Groups { .. } => QueryKind::Groups,
            Self::Refresh => QueryKind::Refresh,
            Self::Review { .. } => QueryKind::Review,
            Self::Accept { .. } => QueryKind::Accept,
            Self::Stage { .. } => QueryKind::Stage,
            Self::Build { .. } => QueryKind::Build,
            Self::Sync => QueryKind::Sync,
            Self::Store { .. } => QueryKind::Store,
            Self::Archive { .. } => QueryKind::Archive,
        }
    }

    /// The text it carries; empty if none.
    pub fn text(&self) -> &str {
        match self {
            Self::Search { query, .. } | Self::Suggest { query, .. } => query,
            Self::Info { package }
            | Self::Rdeps { package, .. }
            | Self::Why { package }
            | Self::Files { package }
            | Self::Tree { package, .. }
            | Self::Size { package }
            | Self::WhyNot { package }
            | Self::Review { package }
            | Self::Accept { package, .. }
            | Self::Archive { name: package, .. } => package,
            Self::Plan { targets, .. }
            | Self::Stage { targets, .. }
            | Self::Build { targets, .. } => targets,
            Self::Groups { group } => group,
            Self::Owns { path } => path,
            Self::Provides { what } => what,
            Self::Ping
            | Self::Status
            | Self::Explicit
            | Self::List { .. }
            | Self::Updates { .. }
            | Self::Refresh
            | Self::Sync
            | Self::Store { .. }
            | Self::Stats => "",
        }
    }

    /// The first of its texts that is too long: its length and the limit.
    fn over_limit(&self) -> Option<(usize, usize)> {
        let (limit, others) = match self {
            Self::Plan { providers, .. } => (Self::TARGETS_LIMIT, [*providers, "", ""]),
            Self::Stage { providers, digest: other, .. }
            | Self::Build { providers, bases: other, .. } => {
                (Self::TARGETS_LIMIT, [*providers, *other, ""])
            }
            Self::Accept { commit, .. } => (Self::TEXT_LIMIT, [*commit, "", ""]),
            Self::Archive { version, architecture, sha256, .. } => {
                (Self::TEXT_LIMIT, [*version, *architecture, *sha256])
            }
            _ => (Self::TEXT_LIMIT, ["", "", ""]),
        };
        let text = self.text().len();
        if text > limit {
            return Some((text, limit));
        }
        let over = others.into_iter().find(|other| other.len() > Self::TEXT_LIMIT);
        over.map(|other| (other.len(), Self::TEXT_LIMIT))
    }
}

/// A change's targets as [`Query::Plan`] carries them.
pub fn targets_text(change: &Change) -> String {
    change.targets.join("\n")
}

/// A change's choices of providers as [`Query::Plan`] carries them.
pub fn providers_text(change: &Change) -> String {
    let lines = change.providers.iter().map(|(wanted, package)| format!("{wanted}={package}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The body of a request frame.
///
/// A batch is flat on purpose: it can't hold another batch, so no frame can make the decoder recurse.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Request<'a> {
    /// One query, answered by one reply.
    One(Query<'a>),
    /// Up to [`Request::BATCH_LIMIT`] queries, answered together by [`crate::Reply::Batch`].
    Batch(Vec<Query<'a>>),
}

/// First byte of a request that is no batch.
const ONE: u8 = 0;

impl<'a> Request<'a> {
    /// Most queries in a batch.
    pub const BATCH_LIMIT: usize = 128;

    /// Reads a request body and checks its limits. Strings stay borrowed from `body`, and no body
    /// makes it take more than some kilobytes of memory.
    ///
    /// # Errors
    /// [`Error::Undecodable`], [`Error::BatchTooLong`], [`Error::TextTooLong`].
    pub fn decode(body: &'a [u8]) -> Result<Self, Error> {
        // One byte of a body can be a whole query in memory, so the items are counted before
        // they are made: a batch begins with its kind, then their number (255: that many or more).
        // The codec looks at one bit of the kind only, so all that is not plainly single counts.
        if let &[kind, items, ..] = body
            && kind != ONE
            && usize::from(items) > Self::BATCH_LIMIT
        {
            return Err(Error::BatchTooLong { items: items.into(), limit: Self::BATCH_LIMIT });
        }
        let request: Self = bitcode::decode(body)
            .map_err(|source| Error::Undecodable { what: "request", source })?;
        let queries = match &request {
            Self::One(query) => std::slice::from_ref(query),
            Self::Batch(queries) => queries,
        };
        if queries.len() > Self::BATCH_LIMIT {
            return Err(Error::BatchTooLong { items: queries.len(), limit: Self::BATCH_LIMIT });
        }
        match queries.iter().find_map(Query::over_limit) {
            Some((length, limit)) => Err(Error::TextTooLong { length, limit }),
            None => Ok(request),
        }
    }

    /// The bytes of this request's body.
    pub fn encode(&self) -> Vec<u8> {
        bitcode::encode(self)
    }
}
