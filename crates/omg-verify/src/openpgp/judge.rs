//! Which of the signatures count.

use std::time::UNIX_EPOCH;

use sequoia_openpgp as pgp;
use sequoia_openpgp::cert::amalgamation::ValidAmalgamation as _;
use sequoia_openpgp::parse::stream::{
    GoodChecksum, MessageLayer, MessageStructure, VerificationError, VerificationHelper,
};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::types::{PublicKeyAlgorithm, RevocationStatus};

use super::policy::{kinds, named};
use super::{CryptoPolicy, Demand, Fingerprint, Keyring, Signer};
use crate::Error;

/// What became of the signatures of one text or file.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) good: Vec<(Signer, PublicKeyAlgorithm)>,
    /// Why others do not count.
    pub(crate) reasons: Vec<String>,
    /// A signature by a key of the keyring that does not fit the bytes: somebody altered something.
    pub(crate) broken: bool,
    /// Was the message a signed text?
    pub(crate) clearsigned: bool,
}

impl Findings {
    /// Are the good ones enough?
    pub(crate) fn judge(self, demand: Demand) -> Result<Vec<Signer>, Error> {
        let nobody_asks = demand.distinct == 0 && omg_failpoint::weak!("10");
        if (self.good.is_empty() && !nobody_asks) || self.broken {
            let mut reasons = self.reasons;
            if reasons.is_empty() {
                reasons.push("there is none".to_owned());
            }
            return Err(Error::Signature { reasons });
        }
        let mut distinct: Vec<&Fingerprint> =
            self.good.iter().map(|(signer, _)| &signer.fingerprint).collect();
        distinct.sort();
        if !omg_failpoint::weak!("10") {
            distinct.dedup();
        }
        if distinct.len() < demand.distinct {
            return Err(Error::TooFew { found: distinct.len(), wanted: demand.distinct });
        }
        if demand.post_quantum {
            let classical = self.good.iter().any(|(_, algorithm)| kinds(*algorithm).0);
            let post_quantum = self.good.iter().any(|(_, algorithm)| kinds(*algorithm).1);
            match (classical, post_quantum) {
                (true, true) => {}
                _ if !super::post_quantum_available() => return Err(Error::NoPostQuantum),
                (false, _) => return Err(Error::NotHybrid { missing: "classical" }),
                (_, false) => return Err(Error::NotHybrid { missing: "post-quantum" }),
            }
        }
        Ok(self.good.into_iter().map(|(signer, _)| signer).collect())
    }
}

/// Looks keys up for sequoia and takes its findings.
pub(crate) struct Judge<'a> {
    keyring: &'a Keyring,
    policy: StandardPolicy<'static>,
    crypto: CryptoPolicy,
    pub(crate) findings: Findings,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(keyring: &'a Keyring, policy: CryptoPolicy) -> Self {
        Self { keyring, policy: policy.standard(), crypto: policy, findings: Findings::default() }
    }

    fn take(&mut self, checked: Result<GoodChecksum<'_>, VerificationError<'_>>) {
        match checked {
            Ok(good) => {
                let cert = good.ka.cert();
                let key: Fingerprint = good.ka.key().fingerprint().into();
                match self.still_good(&good) {
                    Ok(()) => {
                        let made = good.sig.signature_creation_time();
                        let signer = Signer {
                            fingerprint: cert.fingerprint().into(),
                            key,
                            made: made
                                .and_then(|it| it.duration_since(UNIX_EPOCH).ok())
                                .map_or(0, |it| it.as_secs()),
                        };
                        self.findings.good.push((signer, good.ka.key().pk_algo()));
                    }
                    Err(reason) => self.reason(cert, &reason),
                }
            }
            Err(error) => self.take_error(error),
        }
    }

    /// Sequoia asks whether the key was good when it signed. It must be good today as well: gpgv does not
    /// believe in expired keys, and neither does apt with it.
    fn still_good(&self, good: &GoodChecksum<'_>) -> Result<(), String> {
        let cert = good.ka.cert();
        let key = good.ka.key().fingerprint();
        let primary: Fingerprint = cert.fingerprint().into();
        if omg_failpoint::weak!("08") {
            return Ok(());
        }
        self.crypto.over_data(good.sig)?;
        if !self.keyring.allows(&primary, &key.clone().into()) {
            return Err(format!("its key {key} is not one of those that may sign here"));
        }
        let valid = cert
            .with_policy(&self.policy, self.crypto.time())
            .map_err(|error| error.to_string())?;
        valid.alive().map_err(|error| error.to_string())?;
        if matches!(valid.revocation_status(), RevocationStatus::Revoked(_)) {
            return Err("it is revoked".to_owned());
        }
        let key = valid
            .keys()
            .key_handle(&key)
            .next()
            .ok_or_else(|| format!("its key {key} is not bound to it any more"))?;
        key.alive().map_err(|error| error.to_string())?;
        if matches!(key.revocation_status(), RevocationStatus::Revoked(_)) {
            return Err(format!("its key {} is revoked", key.key().fingerprint()));
        }
        if !key.for_signing() {
            return Err(format!("its key {} may not sign", key.key().fingerprint()));
        }
        Ok(())
    }

    fn take_error(&mut self, error: VerificationError<'_>) {
        match error {
            VerificationError::MissingKey { sig } => {
                let by = sig.get_issuers().first().map_or_else(
                    || "a key that it does not name".to_owned(),
                    |it| format!("{it:X}"),
                );
                self.findings.reasons.push(format!("{by}: the key is not trusted here"));
            }
            VerificationError::UnboundKey { cert, error, .. } => self.reason(cert, &detail(&error)),
            VerificationError::BadKey { ka, error, .. } => self.reason(ka.cert(), &detail(&error)),
            VerificationError::BadSignature { ka, error, .. } => {
                self.findings.broken |= !merely_not_counted(&error);
                self.reason(ka.cert(), &detail(&error));
            }
            VerificationError::MalformedSignature { error, .. } => {
                self.findings.reasons.push(format!("a malformed signature: {}", detail(&error)));
            }
            VerificationError::UnknownSignature { sig } => {
                self.findings
                    .reasons
                    .push(format!("an unknown kind of signature: {}", sig.error()));
            }
            other => self.findings.reasons.push(other.to_string()),
        }
    }

    fn reason(&mut self, cert: &pgp::Cert, reason: &str) {
        let name = named(&cert.fingerprint().to_hex(), cert.userids().next().map(|it| it.userid()));
        self.findings.reasons.push(format!("{name}: {reason}"));
    }
}

/// An error with its causes, on one line.
fn detail(error: &pgp::anyhow::Error) -> String {
    format!("{error:#}")
}

/// Is this signature only too old, too weak or of an unknown algorithm? It does not count, but the others
/// may. Anything else says that the bytes are not those that were signed.
fn merely_not_counted(error: &pgp::anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<pgp::Error>(),
        Some(
            pgp::Error::PolicyViolation(..)
                | pgp::Error::Expired(_)
                | pgp::Error::NotYetLive(_)
                | pgp::Error::UnsupportedHashAlgorithm(_)
                | pgp::Error::UnsupportedPublicKeyAlgorithm(_)
                | pgp::Error::UnsupportedEllipticCurve(_)
        )
    )
}

impl VerificationHelper for &mut Judge<'_> {
    fn get_certs(&mut self, ids: &[pgp::KeyHandle]) -> pgp::Result<Vec<pgp::Cert>> {
        Ok(self.keyring.having(ids))
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> pgp::Result<()> {
        self.findings.clearsigned = structure.processed_csf_message();
        for layer in structure {
            let MessageLayer::SignatureGroup { results } = layer else {
                self.findings.broken = true;
                self.findings.reasons.push("it is compressed or encrypted".to_owned());
                continue;
            };
            for checked in results {
                self.take(checked);
            }
        }
        Ok(())
    }
}
