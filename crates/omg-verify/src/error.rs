//! Everything that can go wrong while verifying.

use std::io;
use std::path::PathBuf;

use omg_core::{Code, Fault};

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused something.
    #[error("can't use {} while {context}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was being done: finishes the phrase "while …".
        context: &'static str,
        /// Why.
        source: io::Error,
    },
    /// An open file could not be read or written.
    #[error("input or output failed while {context}")]
    Stream {
        /// What was being done: finishes the phrase "while …".
        context: &'static str,
        /// Why.
        source: io::Error,
    },
    /// More than the stated limit.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// The limit that it exceeds, bytes.
        limit: u64,
    },
    /// Text that should be a digest is none.
    #[error("'{text}' is not a {algorithm} digest in hexadecimal")]
    NotADigest {
        /// Which digest was expected.
        algorithm: &'static str,
        /// The text.
        text: String,
    },
    /// The bytes do not have the digest that they must have.
    #[error("the {algorithm} digest is {found}, and {expected} was signed")]
    Digest {
        /// Which digest.
        algorithm: &'static str,
        /// The one that it must have.
        expected: String,
        /// The one that it has.
        found: String,
    },
    /// There are more or fewer bytes than there must be.
    #[error("there are {found} bytes, and {expected} were signed")]
    Size {
        /// How many there must be.
        expected: u64,
        /// How many there are; one more than expected if reading stopped there.
        found: u64,
    },
    /// Neither a digest nor a signature was given to check the bytes against.
    #[error("there is neither a digest nor a signature to check it against")]
    NothingToCheck,
    /// A keyring is not one.
    #[error("{name} is not a keyring: {reason}")]
    Keyring {
        /// The file, or what else it was.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A list of fingerprints has something that is none.
    #[error("'{text}' is not the fingerprint of a key")]
    NotAFingerprint {
        /// The text.
        text: String,
    },
    /// The file is not one signed text and nothing else.
    #[error("not one signed text: {reason}")]
    Framing {
        /// What is wrong.
        reason: String,
    },
    /// A signature must be there and is not.
    #[error("it is not signed")]
    Unsigned,
    /// A signature was there before and is gone now.
    #[error("it is not signed any more, and was before")]
    SignatureVanished,
    /// No signature, or not each that must be good, is good.
    #[error("no good signature: {}", reasons.join("; "))]
    Signature {
        /// What is wrong with each, naming its key.
        reasons: Vec<String>,
    },
    /// Good signatures, but fewer than asked for.
    #[error("{found} distinct trusted keys signed it, and {wanted} are asked for")]
    TooFew {
        /// How many distinct keys.
        found: usize,
        /// How many are asked for.
        wanted: usize,
    },
    /// A post-quantum signature is asked for and there is none.
    #[error(
        "a classical and a post-quantum signature are asked for, and the {missing} one is missing"
    )]
    NotHybrid {
        /// Which one is missing.
        missing: &'static str,
    },
    /// A post-quantum signature is asked for, and can't be checked here.
    #[error(
        "a post-quantum signature is asked for, which the OpenSSL in use (before 3.5) can't check"
    )]
    NoPostQuantum,
    /// A `SigLevel` has a word that pacman does not know.
    #[error("'{word}' is no word of a SigLevel")]
    SigLevel {
        /// The word.
        word: String,
    },
    /// pacman's database of trust is not in its format.
    #[error("{} is not a database of trust: {reason}", path.display())]
    TrustDatabase {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// An artifact for which there is no evidence.
    #[error("{name} was never verified")]
    Unverified {
        /// Its name.
        name: String,
    },
    /// A verdict could not be kept. It costs time, and nothing else.
    #[error("a verdict can't be kept")]
    Verdicts {
        /// Why.
        source: Box<redb::Error>,
    },
    /// A thread of this crate ended with a panic.
    #[error("a worker thread ended early while {context}")]
    Worker {
        /// What it was doing: finishes the phrase "while …".
        context: &'static str,
    },
}

impl Error {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Io { source, .. } | Self::Stream { source, .. }
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                Code::Permission
            }
            Self::Io { .. } | Self::Stream { .. } => Code::Unreadable,
            Self::TooLarge { .. } => Code::Limit,
            Self::Digest { .. }
            | Self::Size { .. }
            | Self::NothingToCheck
            | Self::Unverified { .. } => Code::Digest,
            Self::NotADigest { .. } | Self::Keyring { .. } | Self::TrustDatabase { .. } => {
                Code::Malformed
            }
            Self::SigLevel { .. } | Self::NotAFingerprint { .. } => Code::Settings,
            Self::Framing { .. }
            | Self::Unsigned
            | Self::SignatureVanished
            | Self::Signature { .. }
            | Self::TooFew { .. }
            | Self::NotHybrid { .. }
            | Self::NoPostQuantum => Code::Signature,
            Self::Verdicts { .. } => Code::Unwritable,
            Self::Worker { .. } => Code::Internal,
        }
    }

    /// The fault that the user sees: `what` is the file or repository that was verified.
    pub fn fault(&self, what: &str) -> Fault {
        let fault = Fault::caused_by(self.code(), format!("{what} is not verified"), self);
        match self.code() {
            Code::Digest => fault.hint("omg sync"),
            Code::Signature => fault.hint("omg explain 10"),
            _ => fault,
        }
    }
}
