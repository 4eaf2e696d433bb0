//! Verdicts that need not be found twice.
//!
//! A kept verdict saves time and proves nothing: it is asked for only by whoever has just computed the
//! digest of the bytes. Only good and whole verdicts are kept, so that what was once refused is judged
//! anew (and what was once wrongly delivered can be delivered rightly). A file that is damaged, locked by
//! another process or not there costs time.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redb::{Database, ReadableDatabase, TableDefinition};

use crate::digest::Sha256;
use crate::openpgp::{CryptoPolicy, Demand, Fingerprint, Signer};
use crate::verified::{By, Evidence};
use crate::{Error, Proof};

const TABLE: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("verdicts-1");

/// For how long a verdict is believed: within that time a key may expire unnoticed.
pub const VALID: Duration = Duration::from_hours(6);

/// Signers of one file that are kept; verdicts with more are not.
const SIGNERS_MAX: usize = 16;

/// Kept verdicts.
pub struct Verdicts(Database);

impl Verdicts {
    /// Opens the file, or makes it. One that can't be used is deleted and made anew, once.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let opened = Database::create(path).or_else(|error| {
            if matches!(error, redb::DatabaseError::DatabaseAlreadyOpen) {
                return Err(error);
            }
            // It holds nothing that can't be found again.
            let _ = std::fs::remove_file(path);
            Database::create(path)
        });
        opened.map(Self).map_err(|error| kept(error.into()))
    }

    /// The verdict on bytes with this digest under this proof, if it is known and still believed.
    pub fn get(&self, sha256: Sha256, proof: &Proof<'_>) -> Option<Evidence> {
        let (key, policy) = key(sha256, proof)?;
        let reading = self.0.begin_read().ok()?;
        let table = reading.open_table(TABLE).ok()?;
        let value = table.get(key.as_bytes()).ok()??;
        decode(value.value(), sha256, policy.time())
    }

    /// Keeps a verdict that was found under this proof. Evidence without a signature is not kept: to
    /// compare a digest is no work.
    pub fn keep(&self, evidence: &Evidence, proof: &Proof<'_>) -> Result<(), Error> {
        let Some((key, policy)) = key(evidence.sha256(), proof) else { return Ok(()) };
        if evidence.signers().is_empty() || evidence.signers().len() > SIGNERS_MAX {
            return Ok(());
        }
        let value = encode(evidence, policy.time());
        let write = || -> Result<(), redb::Error> {
            let writing = self.0.begin_write()?;
            writing.open_table(TABLE)?.insert(key.as_bytes(), value.as_slice())?;
            writing.commit()?;
            Ok(())
        };
        write().map_err(kept)
    }
}

fn kept(source: redb::Error) -> Error {
    Error::Verdicts { source: Box::new(source) }
}

/// All that the verdict depends on but the moment: bytes, signature, keys, rules, demand.
fn key(sha256: Sha256, proof: &Proof<'_>) -> Option<(Sha256, CryptoPolicy)> {
    let (kind, signature, keyring, policy, rest) = match proof {
        Proof::Digest | Proof::Pacman { signature: None, .. } => return None,
        Proof::OpenPgp { signature, keyring, policy, demand } => {
            let Demand { distinct, post_quantum } = demand;
            let rest = format!("{distinct} {post_quantum}");
            ("openpgp", *signature, keyring.digest(), *policy, rest)
        }
        Proof::Pacman { signature: Some(signature), keyring, policy, check, .. } => {
            ("pacman", *signature, keyring.digest(), *policy, format!("{check:?}"))
        }
    };
    let signature = Sha256::of(signature);
    let rules = policy.rules();
    let text = format!("{kind}\n{sha256}\n{signature}\n{keyring}\n{rules:?}\n{rest}\n");
    Some((Sha256::of(text.as_bytes()), policy))
}

/// One line each: when it was found, size, then the signers; behind them the digest of all that.
fn encode(evidence: &Evidence, now: SystemTime) -> Vec<u8> {
    let mut text = format!("{}\n{}\n", seconds(now), evidence.size());
    text.extend(
        evidence.signers().iter().map(|it| format!("{} {} {}\n", it.fingerprint, it.key, it.made)),
    );
    let digest = Sha256::of(text.as_bytes());
    text.push_str(&digest.to_string());
    text.into_bytes()
}

fn decode(bytes: &[u8], sha256: Sha256, now: SystemTime) -> Option<Evidence> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (text, digest) = text.split_at_checked(text.rfind('\n')? + 1)?;
    if Sha256::parse(digest).ok()? != Sha256::of(text.as_bytes()) {
        return None;
    }
    let mut lines = text.lines();
    let found: u64 = lines.next()?.parse().ok()?;
    let age = seconds(now).checked_sub(found)?;
    if age > VALID.as_secs() {
        return None;
    }
    let size = lines.next()?.parse().ok()?;
    let mut signers = Vec::new();
    for line in lines {
        let mut words = line.split(' ');
        signers.push(Signer {
            fingerprint: Fingerprint::parse(words.next()?).ok()?,
            key: Fingerprint::parse(words.next()?).ok()?,
            made: words.next()?.parse().ok()?,
        });
    }
    (!signers.is_empty()).then(|| Evidence::new(sha256, size, signers, By::Signature))
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs())
}
