//! Signatures that stand in a file of their own.

use std::io::Read;
use std::sync::mpsc::Receiver;

use buffered_reader::BufferedReader;
use sequoia_openpgp::parse::stream::DetachedVerifierBuilder;
use sequoia_openpgp::parse::{Cookie, Parse};

use super::chunks::Chunks;
use super::judge::{Findings, Judge};
use super::{CryptoPolicy, Demand, Keyring, Signer};
use crate::Error;
use crate::digest::Chunk;

/// Bytes of the largest file of signatures. The largest post-quantum signature has 30 KB.
pub const SIGNATURE_MAX: usize = 256 << 10;

/// Verifies signatures (binary or armored, one or several) over all that the reader has.
pub fn detached(
    data: impl Read + Send + Sync,
    signature: &[u8],
    keyring: &Keyring,
    policy: &CryptoPolicy,
    demand: Demand,
) -> Result<Vec<Signer>, Error> {
    let reader =
        buffered_reader::Generic::with_cookie(data, Some(crate::digest::CHUNK), Cookie::default());
    Detached { signature, keyring, policy: *policy }.over(reader)?.judge(demand)
}

/// Signatures before the bytes are there.
#[derive(Clone, Copy)]
pub(crate) struct Detached<'a> {
    pub(crate) signature: &'a [u8],
    pub(crate) keyring: &'a Keyring,
    pub(crate) policy: CryptoPolicy,
}

impl Detached<'_> {
    /// Over bytes that come through a channel.
    pub(crate) fn over_chunks(self, chunks: Receiver<Chunk>) -> Result<Findings, Error> {
        self.over(Chunks::new(chunks))
    }

    pub(crate) fn over(self, data: impl BufferedReader<Cookie>) -> Result<Findings, Error> {
        if self.signature.len() > SIGNATURE_MAX {
            return Err(Error::TooLarge { what: "a signature", limit: SIGNATURE_MAX as u64 });
        }
        let standard = self.policy.standard();
        let mut judge = Judge::new(self.keyring, self.policy);
        let mut verifier = DetachedVerifierBuilder::from_bytes(self.signature)
            .and_then(|it| it.with_policy(&standard, self.policy.time(), &mut judge))
            .map_err(|error| Error::Signature { reasons: vec![format!("{error:#}")] })?;
        let verified = verifier.verify_buffered_reader(data);
        drop(verifier);
        match verified {
            Ok(()) => Ok(judge.findings),
            Err(error) => match error.downcast::<std::io::Error>() {
                Ok(source) => {
                    Err(Error::Stream { context: "reading what a signature is over", source })
                }
                Err(error) => Err(Error::Signature { reasons: vec![format!("{error:#}")] }),
            },
        }
    }
}
