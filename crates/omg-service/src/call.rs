//! What travels down the stack.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use omg_cache::{Cacheable, Keep, Key};
use omg_core::{Code, Fault, Reporter};
use omg_proto::{QueryKind, Request};

use crate::limits::Handle;
use crate::view::View;

/// A request as it comes from a connection.
#[derive(Clone, Debug)]
pub struct Call {
    /// User id of the peer, from the kernel.
    pub(crate) uid: u32,
    /// Process id of the peer, for traces.
    pub(crate) pid: Option<u32>,
    /// An encoded [`Request`].
    pub(crate) body: Bytes,
    /// Where it says how far it has come.
    pub(crate) reporter: Reporter,
}

impl Call {
    /// A call of this user, which says nothing before its answer.
    pub fn new(uid: u32, pid: Option<u32>, body: Bytes) -> Self {
        Self { uid, pid, body, reporter: Reporter::silent() }
    }

    /// Has it say how far it has come.
    #[must_use]
    pub fn reporting(self, reporter: Reporter) -> Self {
        Self { reporter, ..self }
    }
}

/// A call that was read: its bytes are a request within its limits.
#[derive(Clone, Debug)]
pub(crate) struct Parsed {
    pub(crate) call: Call,
    pub(crate) shape: Shape,
}

/// What the layers above the caches must know of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    One(QueryKind),
    Batch { items: u32, tokens: u32 },
}

impl Shape {
    pub(crate) fn of(request: &Request<'_>) -> Self {
        match request {
            Request::One(query) => Self::One(query.kind()),
            Request::Batch(queries) => Self::Batch {
                items: u32::try_from(queries.len()).unwrap_or(u32::MAX),
                tokens: queries.iter().map(|query| tokens(query.kind())).sum::<u32>().max(1),
            },
        }
    }

    /// What it costs of the user's allowance.
    pub(crate) fn tokens(self) -> u32 {
        match self {
            Self::One(kind) => tokens(kind),
            Self::Batch { tokens, .. } => tokens,
        }
    }

    /// Queries in it.
    pub(crate) fn items(self) -> u64 {
        match self {
            Self::One(_) => 1,
            Self::Batch { items, .. } => u64::from(items),
        }
    }
}

/// Relative cost of a query that no cache answers.
fn tokens(kind: QueryKind) -> u32 {
    match kind {
        QueryKind::Ping
        | QueryKind::Status
        | QueryKind::Info
        | QueryKind::Search
        | QueryKind::Stats => 1,
        QueryKind::Suggest | QueryKind::Explicit | QueryKind::Why | QueryKind::Rdeps => 2,
        QueryKind::List
        | QueryKind::Updates
        | QueryKind::Tree
        | QueryKind::Size
        | QueryKind::Groups
        | QueryKind::Accept
        | QueryKind::Store => 10,
        QueryKind::Owns
        | QueryKind::Provides
        | QueryKind::Files
        | QueryKind::Plan
        | QueryKind::WhyNot
        | QueryKind::Refresh
        | QueryKind::Review
        | QueryKind::Stage
        | QueryKind::Build
        | QueryKind::Sync
        | QueryKind::Archive => 20,
    }
}

/// One query with the view that answers it.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// Taken once; what the caches keep is keyed by its generation.
    pub(crate) view: Arc<View>,
    /// An encoded `Request::One`.
    pub(crate) body: Bytes,
    pub(crate) kind: QueryKind,
    pub(crate) limits: Handle,
    /// Where it says how far it has come; to nobody for most kinds.
    pub(crate) reporter: Reporter,
}

impl Cacheable for Ask {
    fn key(&self) -> Option<Key> {
        match self.kind {
            // Their answers depend on the time of day, on what the view does not know, or they do
            // something.
            QueryKind::Ping
            | QueryKind::Status
            | QueryKind::Stats
            | QueryKind::Plan
            | QueryKind::WhyNot
            | QueryKind::Refresh
            | QueryKind::Review
            | QueryKind::Accept
            | QueryKind::Stage
            | QueryKind::Build
            | QueryKind::Sync
            | QueryKind::Store
            | QueryKind::Archive => None,
            _ => Some(Key { generation: self.view.generation, request: self.body.clone() }),
        }
    }

    fn keep(&self) -> Keep {
        let memory = match self.kind {
            QueryKind::Ping | QueryKind::Status | QueryKind::Stats => Duration::ZERO,
            QueryKind::Info => self.limits.info_time(),
            _ => self.limits.search_time(),
        };
        // What is cheaper to compute than to read back stays off the disk.
        let disk = matches!(
            self.kind,
            QueryKind::Search
                | QueryKind::Suggest
                | QueryKind::Rdeps
                | QueryKind::Owns
                | QueryKind::Provides
        );
        Keep { memory, disk }
    }
}

/// The fault for bytes that are no request.
pub(crate) fn unreadable(error: &omg_proto::Error) -> Fault {
    let code = match error {
        omg_proto::Error::Undecodable { .. } => Code::Protocol,
        _ => Code::Limit,
    };
    Fault::caused_by(code, "the request can't be read", error)
}
