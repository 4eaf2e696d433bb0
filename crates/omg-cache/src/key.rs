//! What a tier must know of a request.

use std::time::Duration;

use bytes::Bytes;
use omg_core::Generation;

/// Names an answer: the state that it was computed from, and the question.
///
/// The generation is part of the name, so no answer is found once the system has moved on.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Key {
    /// State of what the answer depends on.
    pub generation: Generation,
    /// The encoded question.
    pub request: Bytes,
}

impl Key {
    /// The same key with bytes of its own: a key that is kept must not keep a read buffer alive.
    pub(crate) fn detached(&self) -> Self {
        Self { generation: self.generation, request: Bytes::copy_from_slice(&self.request) }
    }
}

/// Where and how long an answer is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Keep {
    /// Time in the memory tier; zero keeps it out.
    pub memory: Duration,
    /// Is it worth the disk tier? It stays there as long as its generation.
    pub disk: bool,
}

/// A request that says how its answer is cached.
pub trait Cacheable {
    /// The answer's name; `None` if it must be computed every time.
    fn key(&self) -> Option<Key>;

    /// How its answer is kept.
    fn keep(&self) -> Keep;
}
