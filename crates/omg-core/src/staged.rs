//! Files on their way from a mirror to the system.

use bitcode::{Decode, Encode};

use crate::{Change, Grade, Plan};

/// Where a detached signature of a file comes from.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum SignatureSource {
    /// Beside the file: its URL with this behind it, as in `.sig`.
    Suffix(String),
    /// The repository's signed or unsigned index has it: the signature itself.
    Inline(Vec<u8>),
}

/// A file that a plan needs, and what is known of it before it is here.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Wanted {
    /// Name of the package.
    pub name: String,
    /// Architecture.
    pub architecture: String,
    /// Version.
    pub version: String,
    /// Repository, as the plan has it.
    pub repository: String,
    /// Name of the file in the native tool's cache; never with a slash.
    pub file_name: String,
    /// Where it can be had: whole URLs (`http`, `https`, `file`), best first.
    pub urls: Vec<String>,
    /// Bytes, as signed metadata has it. No more than these are ever received.
    pub size: Option<u64>,
    /// SHA-256, hexadecimal, as signed metadata has it.
    pub sha256: Option<String>,
    /// A signature of its own, where the repository gives one and the settings want it.
    pub signature: Option<SignatureSource>,
    /// Absolute paths where the native tool may have it already.
    pub cached: Vec<String>,
    /// What is known of its origin, before the file is here.
    pub grade: Grade,
}

/// A file that is here, and had the digest and signature that it must have when it came.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Artifact {
    /// Name of the package.
    pub name: String,
    /// Architecture.
    pub architecture: String,
    /// Version.
    pub version: String,
    /// Repository, as the plan has it.
    pub repository: String,
    /// Name that the native tool would give it in its cache.
    pub file_name: String,
    /// Absolute path.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Its detached signature.
    pub signature: Option<Vec<u8>>,
    /// How well its origin is verified.
    pub grade: Grade,
}

/// All that carrying out a plan takes.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Staged {
    /// What is to be asked of the engine. It is the change that was asked for, but for packages that
    /// were built meanwhile, which stand in it as files.
    pub change: Change,
    /// What the engine will do, with grades.
    pub plan: Plan,
    /// The files.
    pub artifacts: Vec<Artifact>,
}
