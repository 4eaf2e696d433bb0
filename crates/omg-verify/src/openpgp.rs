//! OpenPGP: keyrings, signed texts, detached signatures.
//!
//! Whether a signature is good is decided by sequoia under [`CryptoPolicy`]; on top of that a key must be
//! good *now*, as gpgv has it, and not only on the day on which it signed.

mod chunks;
mod clearsigned;
mod detached;
mod fingerprint;
mod judge;
mod keyring;
mod policy;

pub(crate) use chunks::Chunks;
pub use clearsigned::{CLEARSIGNED_MAX, Signed, clearsigned};
pub(crate) use detached::Detached;
pub use detached::{SIGNATURE_MAX, detached};
pub use fingerprint::{Fingerprint, Only};
pub(crate) use judge::Findings;
pub use keyring::{CERTS_MAX, KEYRING_MAX, Keyring};
pub(crate) use policy::named;
pub use policy::{CryptoPolicy, Demand, Rules, post_quantum_available};

/// Who made a good signature.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Signer {
    /// The primary key.
    pub fingerprint: Fingerprint,
    /// The key that signed: the primary key or a subkey of it.
    pub key: Fingerprint,
    /// When, seconds since the epoch, as the signer says.
    pub made: u64,
}
