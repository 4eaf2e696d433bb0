//! Texts that stand for a log as it was when it had so many records.
//!
//! The form is that of the C2SP: [checkpoints](https://c2sp.org/tlog-checkpoint) in
//! [signed notes](https://c2sp.org/signed-note), signed with Ed25519. The writer only makes them; taking them
//! apart is the verifier's, in code of its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest, Sha256};

use crate::{Bytes, Hash, Id, Record};

/// The algorithm byte of Ed25519 in C2SP's key ids.
const ED25519: u8 = 1;

/// The checkpoint of a log with `size` records and this root, signed.
pub(crate) fn sign(log_id: &Id, size: u64, root: &Hash, key: &SigningKey) -> String {
    let origin = Record::origin(log_id);
    let body = format!("{origin}\n{size}\n{}\n", STANDARD.encode(root.0));
    let public = key.verifying_key();
    let mut signature = key_id(&origin, public.as_bytes()).to_vec();
    signature.extend(key.sign(body.as_bytes()).to_bytes());
    format!("{body}\n\u{2014} {origin} {}\n", STANDARD.encode(signature))
}

/// A public key as text, in the form of C2SP's verifier keys: name, key id, key.
pub(crate) fn public_key(log_id: &Id, key: &[u8; 32]) -> String {
    let origin = Record::origin(log_id);
    let id = Bytes(key_id(&origin, key));
    let mut bytes = vec![ED25519];
    bytes.extend(key);
    format!("{origin}+{id}+{}\n", STANDARD.encode(bytes))
}

fn key_id(name: &str, key: &[u8; 32]) -> [u8; 4] {
    let digest = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', ED25519])
        .chain_update(key)
        .finalize();
    let mut id = [0; 4];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    id
}
