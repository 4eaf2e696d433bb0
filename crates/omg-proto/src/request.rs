//! What can be asked.

use bitcode::{Decode, Encode};

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
}

impl Query<'_> {
    /// Longest text that a query may carry, bytes.
    pub const TEXT_LIMIT: usize = 4096;

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
            | Self::Size { package } => package,
            Self::Owns { path } => path,
            Self::Provides { what } => what,
            Self::Ping
            | Self::Status
            | Self::Explicit
            | Self::List { .. }
            | Self::Updates { .. }
            | Self::Stats => "",
        }
    }
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
        // Half a byte of a body can be a whole query of 32 bytes, so the items are counted before
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
        match queries
            .iter()
            .map(|query| query.text().len())
            .find(|&length| length > Query::TEXT_LIMIT)
        {
            Some(length) => Err(Error::TextTooLong { length, limit: Query::TEXT_LIMIT }),
            None => Ok(request),
        }
    }

    /// The bytes of this request's body.
    pub fn encode(&self) -> Vec<u8> {
        bitcode::encode(self)
    }
}
