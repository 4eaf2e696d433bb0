//! What one record says, and the bytes that it is.
//!
//! Records are CBOR in its deterministic encoding (RFC 8949, 4.2): maps with small integers as keys in
//! rising order, shortest forms, definite lengths. `docs/audit.md` lists the keys. What is hashed and
//! signed is the bytes as they are stored; nothing is ever hashed that was encoded a second time.

use minicbor::{Decode, Encode};
use serde::Serialize;

use crate::{Bytes, Hash, Id};

/// The version of the format that this build writes.
pub const VERSION: u8 = 1;

/// The largest record, bytes. A full upgrade of 3,000 packages takes about a fifth of it.
pub const MAX_RECORD: usize = 8 << 20;

/// What kind of thing is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Encode, Decode, Serialize)]
#[cbor(index_only)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// A change is about to be made.
    #[n(0)]
    Intent,
    /// It was made.
    #[n(1)]
    Commit,
    /// It failed, or was given up.
    #[n(2)]
    Abort,
    /// Nobody said what became of it: the process died. Written when the log is next opened.
    #[n(3)]
    Recovered,
    /// A change was refused before anything was done.
    #[n(4)]
    Deny,
    /// Records were handed out.
    #[n(5)]
    Export,
    /// The signing key changes; the first record of a log is of this kind too.
    #[n(6)]
    Rotate,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Intent,
        Self::Commit,
        Self::Abort,
        Self::Recovered,
        Self::Deny,
        Self::Export,
        Self::Rotate,
    ];

    /// The word used in JSON and in filters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Commit => "commit",
            Self::Abort => "abort",
            Self::Recovered => "recovered",
            Self::Deny => "deny",
            Self::Export => "export",
            Self::Rotate => "rotate",
        }
    }

    /// The phase of this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == word)
    }
}

/// How administrator's rights were come by, and who asked for them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, Serialize)]
#[cbor(map)]
pub struct Via {
    /// `sudo`, `doas`, `run0`, `pkexec`.
    #[n(0)]
    pub program: String,
    /// The user who called it, as that program says.
    #[n(1)]
    pub uid: Option<u32>,
    /// The same by name, where the program gives no number.
    #[n(2)]
    pub user: Option<String>,
}

/// Who did it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, Serialize)]
#[cbor(map)]
pub struct Actor {
    /// User whose rights the change was made with.
    #[n(0)]
    pub uid: u32,
    /// User who logged in, from the kernel: it stays the same through sudo. Absent where the kernel
    /// keeps none.
    #[n(1)]
    pub loginuid: Option<u32>,
    /// Process.
    #[n(2)]
    pub pid: u32,
    /// SHA-256 of its executable, if it could be read.
    #[n(3)]
    pub exe_sha256: Option<Hash>,
    /// How the rights were come by.
    #[n(4)]
    pub via: Option<Via>,
}

/// A good signature that the decision rested on.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, Serialize)]
#[cbor(map)]
pub struct Signer {
    /// Fingerprint of the primary key, hexadecimal.
    #[n(0)]
    pub fingerprint: String,
    /// Seconds since the epoch at which it was made.
    #[n(1)]
    pub made: u64,
}

/// A repository's signed index, as it was when the change was decided.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, Serialize)]
#[cbor(map)]
pub struct Index {
    /// Repository.
    #[n(0)]
    pub repository: String,
    /// SHA-256 of the file.
    #[n(1)]
    pub sha256: Hash,
    /// Who signed it.
    #[n(2)]
    pub signers: Vec<Signer>,
}

/// What the policy said.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, Serialize)]
#[cbor(map)]
pub struct Ruling {
    /// SHA-256 of the policy.
    #[n(0)]
    pub sha256: Hash,
    /// The rule that decided; empty if none did.
    #[n(1)]
    pub rule: String,
    /// `allow` or `deny`.
    #[n(2)]
    pub verdict: String,
}

/// What the decision rested on, beside what the subjects say for themselves.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, Serialize)]
#[cbor(map)]
pub struct Evidence {
    /// Indexes.
    #[n(0)]
    pub indexes: Vec<Index>,
    /// Policy.
    #[n(1)]
    pub policy: Option<Ruling>,
    /// The lowest grade among the subjects.
    #[n(2)]
    pub grade: Option<String>,
}

/// What happens to one package.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, Serialize)]
#[cbor(map)]
pub struct Subject {
    /// `install`, `upgrade`, `downgrade`, `reinstall`, `remove`, `purge`, `mark`, `hold`, `unhold`.
    #[n(0)]
    pub action: String,
    /// Package URL, as in `pkg:deb/debian/vim@2:9.0.1378-2?arch=amd64`.
    #[n(1)]
    pub purl: String,
    /// Name.
    #[n(2)]
    pub name: String,
    /// Architecture.
    #[n(3)]
    pub architecture: String,
    /// Kind of origin, as `omg_core::Source` words it.
    #[n(4)]
    pub source: String,
    /// Repository that the new version comes from; empty for what goes.
    #[n(5)]
    pub repository: String,
    /// Version before; absent if it was not there.
    #[n(6)]
    pub from: Option<String>,
    /// Version after; absent if it goes.
    #[n(7)]
    pub to: Option<String>,
    /// SHA-256 of the package file.
    #[n(8)]
    pub sha256: Option<Hash>,
    /// Its bytes.
    #[n(9)]
    pub size: Option<u64>,
    /// Was it there for others before? Absent if it was not there, or is not known.
    #[n(10)]
    pub automatic_before: Option<bool>,
    /// Is it there for others afterwards? Absent if it goes.
    #[n(11)]
    pub automatic_after: Option<bool>,
    /// How well its origin was verified.
    #[n(12)]
    pub grade: Option<String>,
    /// Who signed the file itself.
    #[n(13)]
    pub signers: Vec<Signer>,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, Serialize)]
#[cbor(map)]
pub struct Outcome {
    /// 0, or the number of the fault: 10 is `OMG-E0010`.
    #[n(0)]
    pub code: u16,
    /// The fault in one line; empty if there is none.
    #[n(1)]
    pub message: String,
    /// Its causes.
    #[n(2)]
    pub causes: Vec<String>,
    /// Milliseconds since the intent.
    #[n(3)]
    pub ms: u64,
    /// What was left for the user: new configuration files, output that should be read.
    #[n(4)]
    pub notices: Vec<String>,
}

/// A change of the signing key.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, Serialize)]
#[cbor(map)]
pub struct Rotation {
    /// Number of the epoch that begins after this record.
    #[n(0)]
    pub epoch: u32,
    /// Its Ed25519 public key.
    #[n(1)]
    pub key: Bytes<32>,
    /// Signature of the old key (of the key itself, in the first record) over what
    /// [`Rotation::message`] makes.
    #[n(2)]
    pub signature: Bytes<64>,
}

impl Rotation {
    /// The bytes that are signed: they bind the new key to its log and its place in it.
    pub fn message(&self, log_id: &Id, seq: u64, prev: &Hash) -> Vec<u8> {
        let mut message = b"omg-audit/1 rotate\n".to_vec();
        message.extend(log_id.0);
        message.extend(seq.to_be_bytes());
        message.extend(prev.0);
        message.extend(self.epoch.to_be_bytes());
        message.extend(self.key.0);
        message
    }
}

/// One record.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize)]
#[cbor(map)]
pub struct Record {
    /// Version of the format.
    #[n(0)]
    pub v: u8,
    /// Which log this is.
    #[n(1)]
    pub log_id: Id,
    /// Its number; the first is 0 and none is left out.
    #[n(2)]
    pub seq: u64,
    /// Boot of the machine that `boot_ms` counts from.
    #[n(3)]
    pub boot_id: Id,
    /// Milliseconds since the epoch, as the machine's clock said. Never trusted for the order.
    #[n(4)]
    pub wall_ms: u64,
    /// Milliseconds since that boot; never less than in the record before of the same boot.
    #[n(5)]
    pub boot_ms: u64,
    /// Epoch of the signing key when it was written.
    #[n(6)]
    pub key_epoch: u32,
    /// SHA-256 of a zero byte and the bytes of the record before; zeros in the first.
    #[n(7)]
    pub prev: Hash,
    /// Kind.
    #[n(8)]
    pub phase: Phase,
    /// Who.
    #[n(9)]
    pub actor: Actor,
    /// Request that it belongs to: the same in `omgd`, the engine and the log.
    #[n(10)]
    pub request: String,
    /// `install`, `remove`, `upgrade`, `undo`, `mark`, `hold`, `lists`, `recover`, `clean`, …
    #[n(11)]
    pub op: String,
    /// What was typed, as far as it can hold no secret.
    #[n(12)]
    pub words: Vec<String>,
    /// Digest of the plan that the user approved: BLAKE3 of its canonical form.
    #[n(13)]
    pub plan_digest: Option<Hash>,
    /// That canonical form, in the intent.
    #[n(14)]
    pub plan: Option<String>,
    /// What happens to which package: planned in an intent, done in what ends it. A `commit` without
    /// subjects did what its intent says.
    #[n(15)]
    pub subjects: Vec<Subject>,
    /// What the decision rested on.
    #[n(16)]
    pub evidence: Option<Evidence>,
    /// BLAKE3 of `omg.lock`, where one was followed.
    #[n(17)]
    pub lock_blake3: Option<Hash>,
    /// Number of the intent that this change undoes or repeats.
    #[n(18)]
    pub undoes: Option<u64>,
    /// Number of the intent that this record ends.
    #[n(19)]
    pub intent: Option<u64>,
    /// What came of it.
    #[n(20)]
    pub outcome: Option<Outcome>,
    /// The change of the key.
    #[n(21)]
    pub rotation: Option<Rotation>,
}

/// Why bytes are no record.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotARecord {
    /// Over [`MAX_RECORD`].
    #[error("{0} bytes, more than a record may have")]
    TooLarge(usize),
    /// Written by a newer OMG.
    #[error("of version {0}, which this build does not know")]
    Version(u8),
    /// Not CBOR, or not of this shape.
    #[error("not a record: {0}")]
    Malformed(String),
    /// The same could be said in other bytes, so these are not what a writer wrote.
    #[error("not in the deterministic encoding")]
    NotDeterministic,
}

impl Record {
    /// The bytes that are stored and hashed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512);
        // Writing to a vector has no way to fail, and none of our types refuses to be encoded.
        let Ok(()) = minicbor::encode(self, &mut bytes) else { return Vec::new() };
        bytes
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// If they are not exactly what [`Record::to_bytes`] makes of the record that they say.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotARecord> {
        if bytes.len() > MAX_RECORD {
            return Err(NotARecord::TooLarge(bytes.len()));
        }
        // A newer version may well have another shape, so its number is looked at first. It is
        // the value of the first key: map head, 0, number.
        if let [head, 0, v @ 0..=23, ..] = *bytes
            && head & 0xe0 == 0xa0
            && v != VERSION
        {
            return Err(NotARecord::Version(v));
        }
        let record: Self =
            minicbor::decode(bytes).map_err(|e| NotARecord::Malformed(e.to_string()))?;
        if record.to_bytes() != bytes {
            return Err(NotARecord::NotDeterministic);
        }
        Ok(record)
    }

    /// Name of the checkpoints' origin and of the keys that sign them.
    pub fn origin(log_id: &Id) -> String {
        format!("omg-audit/{log_id}")
    }

    /// Did it end well? Intents and what is no change have no result.
    pub fn succeeded(&self) -> Option<bool> {
        match self.phase {
            Phase::Commit => Some(true),
            Phase::Abort | Phase::Recovered | Phase::Deny => Some(false),
            Phase::Intent | Phase::Export | Phase::Rotate => None,
        }
    }
}
