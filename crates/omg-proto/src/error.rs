//! Why bytes are not a message.

/// Why bytes are not a message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The length prefix exceeds the limit; nothing was allocated for it.
    #[error("frame of {length} bytes is over the limit of {limit}")]
    FrameTooLarge {
        /// Length that the prefix claims.
        length: u32,
        /// The limit of this direction.
        limit: u32,
    },
    /// The payload is not what its position in the stream calls for.
    #[error("undecodable {what}: {source}")]
    Undecodable {
        /// Kind of message expected.
        what: &'static str,
        /// What the codec says.
        source: bitcode::Error,
    },
    /// A frame is too short to hold its id.
    #[error("frame without a request id")]
    NoId,
    /// The first frame does not start with our magic number.
    #[error("the peer does not speak the OMG protocol")]
    NotOmg,
    /// The peer speaks another version.
    #[error("the peer speaks protocol {theirs}, this side speaks {ours}")]
    Version {
        /// Our number.
        ours: u16,
        /// Theirs.
        theirs: u16,
    },
    /// A batch holds more queries than allowed.
    #[error("batch of {items} queries or more is over the limit of {limit}")]
    BatchTooLong {
        /// Number of queries, as far as they were counted.
        items: usize,
        /// The limit.
        limit: usize,
    },
    /// A string in a query is over its limit.
    #[error("text of {length} bytes is over the limit of {limit}")]
    TextTooLong {
        /// Its length.
        length: usize,
        /// The limit.
        limit: usize,
    },
}
