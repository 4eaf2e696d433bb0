//! Detached signatures, judged as libalpm judges what GnuPG says (`_alpm_check_pgp_helper`).

use std::io::Read;
use std::sync::mpsc::Receiver;
use std::time::{SystemTime, UNIX_EPOCH};

use buffered_reader::BufferedReader;
use sequoia_openpgp as pgp;
use sequoia_openpgp::cert::amalgamation::ValidAmalgamation as _;
use sequoia_openpgp::packet::key::{PublicParts, UnspecifiedRole};
use sequoia_openpgp::packet::{Key, Signature};
use sequoia_openpgp::parse::stream::{
    DetachedVerifierBuilder, MessageLayer, MessageStructure, VerificationError, VerificationHelper,
};
use sequoia_openpgp::parse::{Cookie, Parse};
use sequoia_openpgp::policy::{HashAlgoSecurity, Policy as _, StandardPolicy};
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
    Detached { signature, keyring, policy, trust }.over_reader(data)
}

/// A signature before the bytes are there.
#[derive(Clone, Copy)]
pub(crate) struct Detached<'a> {
    pub(crate) signature: &'a [u8],
    pub(crate) keyring: &'a Keyring,
    pub(crate) policy: CryptoPolicy,
    pub(crate) trust: Trust,
}

impl Detached<'_> {
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
    of: Detached<'a>,
    standard: &'a StandardPolicy<'static>,
    good: Vec<Signer>,
    bad: Vec<String>,
}

impl Judge<'_> {
    fn now(&self) -> SystemTime {
        self.of.policy.time()
    }

    /// Takes a signature that fits the bytes.
    fn take(&mut self, signature: &Signature, cert: &pgp::Cert, key: &pgp::Fingerprint) {
        let status = self.status(signature, cert, key);
        let validity = match &status {
            Status::Bad(reason) => return self.refuse(cert, reason),
            // GnuPG does not vouch for keys that have expired.
            Status::KeyExpired => Validity::Unknown,
            Status::Valid => {
                Web::new(self.of.keyring, self.of.policy, self.standard).validity(cert)
            }
        };
        let all = self.of.trust == Trust::TrustAll || omg_failpoint::weak!("08");
        let refused = match (validity, status) {
            (Validity::Full, _) => None,
            (Validity::Never, _) => Some("the key should never be trusted"),
            _ if all => None,
            (_, Status::KeyExpired) => Some("the key has expired"),
            (Validity::Marginal, _) => Some("the key is of marginal trust"),
            (Validity::Unknown, _) => Some("the key is of unknown trust"),
        };
        if let Some(reason) = refused {
            return self.refuse(cert, reason);
        }
        let made = signature.signature_creation_time();
        let made = made.and_then(|it| it.duration_since(UNIX_EPOCH).ok());
        self.good.push(Signer {
            fingerprint: cert.fingerprint().into(),
            key: key.clone().into(),
            made: made.map_or(0, |it| it.as_secs()),
        });
    }

    fn status(&self, signature: &Signature, cert: &pgp::Cert, key: &pgp::Fingerprint) -> Status {
        let fingerprint: Fingerprint = cert.fingerprint().into();
        if self.of.keyring.owned(&fingerprint).disabled && !omg_failpoint::weak!("08") {
            return Status::Bad("the key is disabled".to_owned());
        }
        if let Err(reason) = self.of.policy.over_data(signature) {
            return Status::Bad(reason);
        }
        let valid = match cert.with_policy(self.standard, self.now()) {
            Ok(valid) => valid,
            Err(error) => return Status::Bad(format!("{error:#}")),
        };
        let Some(key) = valid.keys().key_handle(key).next() else {
            return Status::Bad("the key is not bound any more".to_owned());
        };
        let revoked = |status| matches!(status, RevocationStatus::Revoked(_));
        if revoked(valid.revocation_status()) || revoked(key.revocation_status()) {
            return Status::Bad("the key is revoked".to_owned());
        }
        if !key.for_signing() {
            return Status::Bad("the key may not sign".to_owned());
        }
        if valid.alive().is_err() || key.alive().is_err() {
            return Status::KeyExpired;
        }
        Status::Valid
    }

    /// A signature of a key that was not good on the day of the signature, as far as its self-signatures
    /// still tell. GnuPG asks only whether it is good today, and `pacman-key` drops older self-signatures.
    fn take_of_today(
        &mut self,
        signature: &Signature,
        cert: &pgp::Cert,
        reason: &pgp::anyhow::Error,
    ) {
        let fits = |key: &Key<PublicParts, UnspecifiedRole>| {
            signature.signature_creation_time().is_some_and(|made| made >= key.creation_time())
                && signature.signature_alive(self.now(), None).is_ok()
                && signature.verify_document(key).is_ok()
                && self.standard.signature(signature, HashAlgoSecurity::CollisionResistance).is_ok()
        };
        let handles = signature.get_issuers();
        let mut keys = cert.keys().key_handles(handles).map(|it| it.key());
        match keys.find(|key| fits(key)).map(Key::fingerprint) {
            Some(key) => self.take(signature, cert, &key),
            None => self.refuse(cert, &format!("{reason:#}")),
        }
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
            VerificationError::UnboundKey { sig, cert, error } => {
                self.take_of_today(sig, cert, error);
            }
            VerificationError::BadKey { sig, ka, error } => {
                self.take_of_today(sig, ka.cert(), error);
            }
            VerificationError::BadSignature { ka, error, .. } => {
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
                    Ok(good) => {
                        self.take(good.sig, good.ka.cert(), &good.ka.key().fingerprint());
                    }
                    Err(error) => self.take_error(&error),
                }
            }
        }
        Ok(())
    }
}
