//! Detached signatures, judged as libalpm judges what GnuPG says (`_alpm_check_pgp_helper`).

use std::io::Read;
use std::sync::mpsc::Receiver;
use std::time::{SystemTime, UNIX_EPOCH};

use buffered_reader::BufferedReader;
use sequoia_openpgp as pgp;
use sequoia_openpgp::cert::amalgamation::ValidAmalgamation as _;
use sequoia_openpgp::parse::stream::{
    DetachedVerifierBuilder, GoodChecksum, MessageLayer, MessageStructure, VerificationError,
    VerificationHelper,
};
use sequoia_openpgp::parse::{Cookie, Parse};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::types::RevocationStatus;

use super::web::{Validity, Web};
use super::{Check, Keyring, Trust, When};
use crate::Error;
use crate::digest::{CHUNK, Chunk};
use crate::openpgp::{Chunks, CryptoPolicy, Fingerprint, SIGNATURE_MAX, Signer, named};

/// Which signature has to be looked at, if any. `signed_before`: had such a file of this repository one?
pub fn present(
    signature: Option<&[u8]>,
    check: Check,
    signed_before: bool,
) -> Result<Option<&[u8]>, Error> {
    match (check.when, signature) {
        (When::Never, _) => Ok(None),
        (_, Some(signature)) => Ok(Some(signature)),
        (_, None) if omg_failpoint::weak!("15") => Ok(None),
        (When::Required, None) => Err(Error::Unsigned),
        (When::Optional, None) if signed_before => Err(Error::SignatureVanished),
        (When::Optional, None) => Ok(None),
    }
}

/// Verifies a detached signature over all that the reader has. Every signature of the file must be good.
pub fn verify(
    data: impl Read + Send + Sync,
    signature: &[u8],
    keyring: &Keyring,
    policy: CryptoPolicy,
    trust: Trust,
) -> Result<Vec<Signer>, Error> {
    let data = buffered_reader::Generic::with_cookie(data, Some(CHUNK), Cookie::default());
    Signature { signature, keyring, policy, trust }.over_reader(data)
}

/// A signature before the bytes are there.
#[derive(Clone, Copy)]
pub(crate) struct Signature<'a> {
    pub(crate) signature: &'a [u8],
    pub(crate) keyring: &'a Keyring,
    pub(crate) policy: CryptoPolicy,
    pub(crate) trust: Trust,
}

impl Signature<'_> {
    /// Over bytes that come through a channel.
    pub(crate) fn over(self, chunks: Receiver<Chunk>) -> Result<Vec<Signer>, Error> {
        self.over_reader(Chunks::new(chunks))
    }

    fn over_reader(self, data: impl BufferedReader<Cookie>) -> Result<Vec<Signer>, Error> {
        if self.signature.len() > SIGNATURE_MAX {
            return Err(Error::TooLarge { what: "a signature", limit: SIGNATURE_MAX as u64 });
        }
        let standard = self.policy.standard();
        let mut judge = Judge { of: self, standard: &standard, good: Vec::new(), bad: Vec::new() };
        let mut verifier = DetachedVerifierBuilder::from_bytes(self.signature)
            .and_then(|it| it.with_policy(&standard, self.policy.time(), &mut judge))
            .map_err(|error| Error::Signature { reasons: vec![format!("{error:#}")] })?;
        let verified = verifier.verify_buffered_reader(data);
        drop(verifier);
        if let Err(error) = verified {
            return Err(match error.downcast::<std::io::Error>() {
                Ok(source) => Error::Stream { context: "reading what a signature is over", source },
                Err(error) => Error::Signature { reasons: vec![format!("{error:#}")] },
            });
        }
        if judge.good.is_empty() && judge.bad.is_empty() {
            judge.bad.push("there is none".to_owned());
        }
        if judge.bad.is_empty() {
            Ok(judge.good)
        } else {
            Err(Error::Signature { reasons: judge.bad })
        }
    }
}

/// What libalpm calls the status of a signature, as far as the key decides it.
enum Status {
    Valid,
    KeyExpired,
    Bad(String),
}

struct Judge<'a> {
    of: Signature<'a>,
    standard: &'a StandardPolicy<'static>,
    good: Vec<Signer>,
    bad: Vec<String>,
}

impl Judge<'_> {
    fn now(&self) -> SystemTime {
        self.of.policy.time()
    }

    fn take(&mut self, good: &GoodChecksum<'_>) {
        let cert = good.ka.cert();
        let validity = match self.status(good) {
            Status::Bad(reason) => return self.refuse(cert, &reason),
            // GnuPG does not vouch for keys that have expired.
            Status::KeyExpired => Validity::Unknown,
            Status::Valid => {
                Web { keyring: self.of.keyring, policy: self.standard, now: self.now() }
                    .validity(cert)
            }
        };
        let allowed = match validity {
            Validity::Full => true,
            Validity::Marginal | Validity::Unknown => {
                self.of.trust == Trust::TrustAll || omg_failpoint::weak!("08")
            }
            Validity::Never => false,
        };
        if !allowed {
            let reason = match self.status(good) {
                Status::KeyExpired => "the key has expired",
                _ if validity == Validity::Marginal => "the key is of marginal trust",
                _ if validity == Validity::Never => "the key should never be trusted",
                _ => "the key is of unknown trust",
            };
            return self.refuse(cert, reason);
        }
        let made = good.sig.signature_creation_time();
        self.good.push(Signer {
            fingerprint: cert.fingerprint().into(),
            key: good.ka.key().fingerprint().into(),
            made: made
                .and_then(|it| it.duration_since(UNIX_EPOCH).ok())
                .map_or(0, |it| it.as_secs()),
        });
    }

    fn status(&self, good: &GoodChecksum<'_>) -> Status {
        let cert = good.ka.cert();
        let fingerprint: Fingerprint = cert.fingerprint().into();
        if self.of.keyring.owned(&fingerprint).disabled && !omg_failpoint::weak!("08") {
            return Status::Bad("the key is disabled".to_owned());
        }
        let valid = match cert.with_policy(self.standard, self.now()) {
            Ok(valid) => valid,
            Err(error) => return Status::Bad(format!("{error:#}")),
        };
        let Some(key) = valid.keys().key_handle(good.ka.key().fingerprint()).next() else {
            return Status::Bad("the key is not bound any more".to_owned());
        };
        let revoked = |status| matches!(status, RevocationStatus::Revoked(_));
        if revoked(valid.revocation_status()) || revoked(key.revocation_status()) {
            return Status::Bad("the key is revoked".to_owned());
        }
        if valid.alive().is_err() || key.alive().is_err() {
            return Status::KeyExpired;
        }
        Status::Valid
    }

    fn refuse(&mut self, cert: &pgp::Cert, reason: &str) {
        let user = cert.userids().next().map(|it| it.userid());
        self.bad.push(format!("{}: {reason}", named(&cert.fingerprint().to_hex(), user)));
    }

    fn take_error(&mut self, error: &VerificationError<'_>) {
        match error {
            VerificationError::MissingKey { sig } => {
                let by = sig.get_issuers().first().map_or_else(
                    || "a key that it does not name".to_owned(),
                    |it| format!("{it:X}"),
                );
                self.bad.push(format!("{by}: the key is not in the keyring"));
            }
            VerificationError::UnboundKey { cert, error, .. } => {
                self.refuse(cert, &format!("{error:#}"));
            }
            VerificationError::BadKey { ka, error, .. }
            | VerificationError::BadSignature { ka, error, .. } => {
                self.refuse(ka.cert(), &format!("{error:#}"));
            }
            other => self.bad.push(other.to_string()),
        }
    }
}

impl VerificationHelper for &mut Judge<'_> {
    fn get_certs(&mut self, ids: &[pgp::KeyHandle]) -> pgp::Result<Vec<pgp::Cert>> {
        Ok(self.of.keyring.keys.having(ids))
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> pgp::Result<()> {
        for layer in structure {
            let MessageLayer::SignatureGroup { results } = layer else {
                self.bad.push("it is compressed or encrypted".to_owned());
                continue;
            };
            for checked in results {
                match checked {
                    Ok(good) => self.take(&good),
                    Err(error) => self.take_error(&error),
                }
            }
        }
        Ok(())
    }
}
