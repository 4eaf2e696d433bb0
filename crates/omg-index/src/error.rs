//! Why an index cannot be built or read.

use omg_core::{Code, Fault};

/// Why an index can't be built or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes don't begin like an image of this version.
    #[error("not an index image of format {expected}")]
    Format {
        /// The format that this build reads.
        expected: u32,
    },
    /// The image is not as long as it says.
    #[error("index image has {found} bytes, its header says {stated}")]
    Length {
        /// Bytes that the header states.
        stated: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// The checksum differs: bytes were changed or lost.
    #[error("checksum of the {what} differs")]
    Checksum {
        /// `index image` or `record block`.
        what: &'static str,
    },
    /// The checksum holds, yet the content breaks a rule of the format.
    #[error("index image breaks the rule for {table}")]
    Invariant {
        /// The table at fault.
        table: &'static str,
    },
    /// rkyv could not write or accept the image.
    #[error("index image does not validate")]
    Archive(#[from] rkyv::rancor::Error),
    /// A block of records does not decompress.
    #[error("record block does not decompress")]
    Block(#[source] lz4_flex::block::DecompressError),
    /// A block of records is larger than any that is written.
    #[error("record block states {stated} bytes, more than the {limit} allowed")]
    BlockSize {
        /// Bytes that the block states.
        stated: u64,
        /// Most that is allowed.
        limit: u64,
    },
    /// More of something than the format can count.
    #[error("too many {what} for one index")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
    },
    /// The thread that compresses records ended early.
    #[error("the record compressor stopped")]
    Compressor,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::TooLarge { .. } => Code::Limit,
            Error::Compressor => Code::Internal,
            _ => Code::Malformed,
        };
        Self::caused_by(code, "the package index can't be used", &error).hint(
            "it is rebuilt from the package lists by itself; `omg daemon reload` does it at once",
        )
    }
}
