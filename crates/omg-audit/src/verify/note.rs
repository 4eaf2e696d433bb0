//! Signed notes of the C2SP, taken apart: <https://c2sp.org/signed-note>, <https://c2sp.org/tlog-checkpoint>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::{Bytes, Error, Hash, Id, Result};

/// The largest note, bytes.
const MOST: usize = 16 << 10;

/// Signatures looked at in one note: ours, and those of witnesses.
const MOST_SIGNATURES: usize = 16;

/// Algorithm byte of Ed25519.
const ED25519: u8 = 1;

/// A public key with its name.
#[derive(Clone, Debug)]
pub struct PublicKey {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl PublicKey {
    /// Reads a key in the form of C2SP's verifier keys: `NAME+ID+KEY`.
    ///
    /// # Errors
    /// If it is not of that form, of another algorithm, or a weak key.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |reason: &str| Error::Form { what: "a public key", reason: reason.into() };
        let mut parts = text.trim_end_matches('\n').splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("not NAME+ID+KEY"));
        };
        let bytes = STANDARD.decode(key).map_err(|_| wrong("the key is not base64"))?;
        let Some((&ED25519, key)) = bytes.split_first() else {
            return Err(wrong("not an Ed25519 key"));
        };
        let key = key.try_into().map_err(|_| wrong("not 32 bytes"))?;
        let key = Self::new(name, &key)
            .ok_or_else(|| wrong("not a point of the curve, or a weak one"))?;
        let id: Bytes<4> = id.parse().map_err(|_| wrong("the id is not hexadecimal"))?;
        if id.0 == key.id { Ok(key) } else { Err(wrong("the id is another key's")) }
    }

    pub(super) fn new(name: &str, key: &[u8; 32]) -> Option<Self> {
        let parsed = VerifyingKey::from_bytes(key).ok().filter(|key| !key.is_weak())?;
        let mut hash = Sha256::new();
        hash.update(name);
        hash.update([b'\n', ED25519]);
        hash.update(key);
        let digest: [u8; 32] = hash.finalize().into();
        let id = *digest.first_chunk()?;
        Some(Self { name: name.to_owned(), id, key: parsed })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// The log that begins with this key.
    pub(super) fn log_id(&self) -> Option<Id> {
        let mut hash = Sha256::new();
        hash.update(b"omg-audit/1 log\n");
        hash.update(self.key.as_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        digest.first_chunk().map(|first| Bytes(*first))
    }

    /// Did it sign this? Strict: one message has one signature.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

/// A checkpoint: what a log was when it had so many records, and who says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// The log.
    pub origin: String,
    /// Number of records.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
    body: String,
    signatures: Vec<([u8; 4], [u8; 64])>,
}

impl Checkpoint {
    /// Takes a checkpoint apart. Lines of other signers are passed over; no signature is verified yet.
    ///
    /// # Errors
    /// If it is not of the form.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |reason: &str| Error::Form { what: "a checkpoint", reason: reason.into() };
        if text.len() > MOST {
            return Err(wrong("longer than any is"));
        }
        let (body, signed) = text.rsplit_once("\n\n").ok_or_else(|| wrong("nothing signs it"))?;
        let body = format!("{body}\n");
        let mut lines = body.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(wrong("fewer than three lines"));
        };
        let digits = size.bytes().all(|byte| byte.is_ascii_digit())
            && (size == "0" || !size.starts_with('0'));
        let size =
            size.parse().ok().filter(|_| digits).ok_or_else(|| wrong("the size is no number"))?;
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok());
        let root = Bytes(root.ok_or_else(|| wrong("the root is no digest"))?);
        let mut signatures = Vec::new();
        if !signed.ends_with('\n') {
            return Err(wrong("it is cut off"));
        }
        for line in signed.lines().take(MOST_SIGNATURES) {
            let parts = line.strip_prefix("\u{2014} ").and_then(|rest| rest.split_once(' '));
            let (name, signature) = parts.ok_or_else(|| wrong("a line is no signature"))?;
            let bytes =
                STANDARD.decode(signature).map_err(|_| wrong("a signature is not base64"))?;
            if name != origin {
                continue;
            }
            let split = bytes
                .split_first_chunk::<4>()
                .and_then(|(id, rest)| Some((*id, rest.try_into().ok()?)));
            signatures.push(split.ok_or_else(|| wrong("a signature is of another length"))?);
        }
        let origin = origin.to_owned();
        Ok(Self { origin, size, root, body, signatures })
    }

    /// Did this key sign it?
    pub(super) fn is_signed_by(&self, key: &PublicKey) -> bool {
        self.origin == key.name
            && self.signatures.iter().any(|(id, signature)| {
                *id == key.id && key.verifies(self.body.as_bytes(), signature)
            })
    }
}
