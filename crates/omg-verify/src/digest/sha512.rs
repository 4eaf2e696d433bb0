//! SHA-512 as the OpenPGP library's backend computes it.

use sequoia_openpgp::crypto::hash::{Builder, Context as Backend};
use sequoia_openpgp::types::HashAlgorithm;

use super::Sha512;

/// The state of a digest; none once the backend has refused something.
#[derive(Clone)]
pub(super) struct Context(Option<Backend>);

impl Context {
    pub(super) fn new() -> Self {
        Self(HashAlgorithm::SHA512.context().ok().map(Builder::for_digest))
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        if let Some(context) = &mut self.0 {
            context.update(bytes);
        }
    }

    pub(super) fn finish(self) -> Option<Sha512> {
        let mut digest = [0; 64];
        self.0?.digest(&mut digest).ok()?;
        Some(Sha512::new(digest))
    }
}
