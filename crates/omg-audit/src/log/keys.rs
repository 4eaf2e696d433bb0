//! The signing keys: one for each epoch, of which only the newest exists.

use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest, Sha256};

use super::files::Dir;
use crate::{Bytes, Error, Hash, Id, Result, Rotation};

const KEY: &str = "key";
const NEXT: &str = "key.next";
const HEADER: &str = "omg-audit-key/1";

/// The key of an epoch.
pub(super) struct Key {
    pub(super) epoch: u32,
    pub(super) signing: SigningKey,
}

impl Key {
    /// Draws a key.
    fn draw(epoch: u32) -> Result<Self> {
        let mut seed = [0; 32];
        let mut filled = 0;
        while let Some(rest) = seed.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty())
                .map_err(|e| Error::io("/dev/random".as_ref(), "drawing a key")(e.into()))?;
        }
        Ok(Self { epoch, signing: SigningKey::from_bytes(&seed) })
    }

    pub(super) fn public(&self) -> Bytes<32> {
        Bytes(self.signing.verifying_key().to_bytes())
    }

    fn text(&self) -> String {
        format!("{HEADER}\n{}\n{}\n", self.epoch, Bytes(self.signing.to_bytes()))
    }

    fn read(dir: &Dir, name: &str) -> Result<Option<Self>> {
        let Some(text) = dir.read_small(name)? else { return Ok(None) };
        let mut lines = text.lines();
        let key = (lines.next() == Some(HEADER)).then(|| {
            let epoch = lines.next()?.parse().ok()?;
            let seed: Bytes<32> = lines.next()?.parse().ok()?;
            Some(Self { epoch, signing: SigningKey::from_bytes(&seed.0) })
        });
        match key.flatten() {
            Some(key) => Ok(Some(key)),
            None => Err(Error::tampered(&dir.join(name), None, "the key file is damaged")),
        }
    }

    /// The key in force.
    pub(super) fn current(dir: &Dir) -> Result<Option<Self>> {
        Self::read(dir, KEY)
    }

    /// Draws the key of a log that is to be made, and writes it down as the next one: [`Key::promote`]
    /// follows when the log has its first record. So where a key is in force there was a log.
    pub(super) fn first(dir: &Dir) -> Result<Self> {
        let key = Self::draw(0)?;
        dir.write_secret(NEXT, &key.text())?;
        Ok(key)
    }

    /// Draws the next key and writes it down beside the one in force.
    pub(super) fn next(&self, dir: &Dir) -> Result<Self> {
        let next = Self::draw(self.epoch.saturating_add(1))?;
        dir.write_secret(NEXT, &next.text())?;
        Ok(next)
    }

    /// After a rotation is durable in the log: the old key is erased, the next is in force.
    pub(super) fn promote(dir: &Dir) -> Result<()> {
        dir.replace_secret(NEXT, KEY)
    }

    /// The key of this epoch, finishing or forgetting a rotation that a crash cut off.
    pub(super) fn of_epoch(dir: &Dir, epoch: u32) -> Result<Self> {
        // While the old one is replaced it is overwritten, so the next one is looked at first. One that
        // is damaged was cut off while it was written, before the log named it.
        match Self::read(dir, NEXT) {
            Ok(Some(next)) if next.epoch == epoch => {
                Self::promote(dir)?;
                return Ok(next);
            }
            Ok(Some(_)) | Err(Error::Tampered { .. }) => dir.remove(NEXT)?,
            Ok(None) => {}
            Err(e) => return Err(e),
        }
        match Self::current(dir)? {
            Some(key) if key.epoch == epoch => Ok(key),
            Some(key) => Err(Error::tampered(
                &dir.join(KEY),
                None,
                format!("the key is of epoch {}, the log of epoch {epoch}", key.epoch),
            )),
            None => Err(Error::tampered(&dir.join(KEY), None, "the signing key is gone")),
        }
    }

    /// The announcement of the key of the epoch after this one, or of this one itself.
    pub(super) fn announce(&self, next: &Self, log_id: &Id, seq: u64, prev: &Hash) -> Rotation {
        let mut rotation =
            Rotation { epoch: next.epoch, key: next.public(), ..Rotation::default() };
        let signature = self.signing.sign(&rotation.message(log_id, seq, prev));
        rotation.signature = Bytes(signature.to_bytes());
        rotation
    }
}

/// A log's identity is a digest of its first key, so whoever has one of them pinned has both.
pub(super) fn log_id(genesis: &Bytes<32>) -> Id {
    let digest = Sha256::new().chain_update("omg-audit/1 log\n").chain_update(genesis.0).finalize();
    let mut id = Id::default();
    id.0.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    id
}
