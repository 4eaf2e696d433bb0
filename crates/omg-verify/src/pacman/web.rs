//! The web of trust, as GnuPG computes it in its classic model.
//!
//! A key is valid if one of its user ids is certified by enough valid keys whose owners are trusted: one
//! fully, or three marginally. Trust signatures, which Arch does not use, are not looked at.

use std::time::SystemTime;

use sequoia_openpgp as pgp;
use sequoia_openpgp::cert::amalgamation::{ValidAmalgamation as _, ValidUserIDAmalgamation};
use sequoia_openpgp::policy::Policy;
use sequoia_openpgp::types::RevocationStatus;

use super::Keyring;
use super::keyring::Roots;
use super::trustdb::Owner;
use crate::openpgp::{CryptoPolicy, Fingerprint};

/// How far a key is known to be its owner's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Validity {
    /// Its owner is not trusted.
    Never,
    /// Nobody who is trusted says so.
    Unknown,
    /// Some say so, but too few.
    Marginal,
    /// Enough say so.
    Full,
}

/// The web as it is at a moment.
pub(super) struct Web<'a> {
    keyring: &'a Keyring,
    policy: &'a dyn Policy,
    now: SystemTime,
}

impl<'a> Web<'a> {
    /// `policy` is that of `crypto`.
    pub(super) fn new(keyring: &'a Keyring, crypto: CryptoPolicy, policy: &'a dyn Policy) -> Self {
        Self { keyring, policy, now: crypto.time() }
    }

    /// How valid is this key? Keys that are disabled are valid as before; whoever uses them asks for that.
    pub(super) fn validity(&self, cert: &pgp::Cert) -> Validity {
        self.at_depth(cert, 0)
    }

    fn at_depth(&self, cert: &pgp::Cert, depth: u8) -> Validity {
        let fingerprint: Fingerprint = cert.fingerprint().into();
        let owner = self.keyring.owned(&fingerprint).owner;
        if owner == Owner::Ultimate {
            return Validity::Full;
        }
        let Ok(valid) = cert.with_policy(self.policy, self.now) else { return Validity::Unknown };
        if valid.alive().is_err()
            || matches!(valid.revocation_status(), RevocationStatus::Revoked(_))
        {
            return Validity::Unknown;
        }
        if self.keyring.roots == Roots::Listed && owner >= Owner::Marginal {
            return Validity::Full;
        }
        if depth >= self.keyring.numbers.depth {
            return Validity::Unknown;
        }
        let users = valid
            .userids()
            .filter(|it| !matches!(it.revocation_status(), RevocationStatus::Revoked(_)));
        let best = users.map(|user| self.user(&user, cert, depth)).max();
        let never = if owner == Owner::Never { Validity::Never } else { Validity::Unknown };
        best.unwrap_or(Validity::Unknown).max(never)
    }

    /// What trusted keys say of one user id.
    fn user(&self, user: &ValidUserIDAmalgamation<'_>, cert: &pgp::Cert, depth: u8) -> Validity {
        let (mut full, mut marginal) = (0, 0);
        for (issuer, owned) in &self.keyring.owners {
            let weight = match owned.owner {
                Owner::Ultimate | Owner::Full => &mut full,
                Owner::Marginal => &mut marginal,
                Owner::Unknown | Owner::Never => continue,
            };
            let Ok(handle) = issuer.as_str().parse::<pgp::Fingerprint>() else { continue };
            let Some(issuer) = self.keyring.keys.cert(&handle) else { continue };
            if issuer.fingerprint() == cert.fingerprint() {
                continue;
            }
            if self.certifies(issuer, user) && self.at_depth(issuer, depth + 1) == Validity::Full {
                *weight += 1;
            }
        }
        let numbers = self.keyring.numbers;
        if full >= numbers.completes || marginal >= numbers.marginals {
            Validity::Full
        } else if full + marginal > 0 {
            Validity::Marginal
        } else {
            Validity::Unknown
        }
    }

    /// Does this key say so, and has it not taken that back?
    fn certifies(&self, issuer: &pgp::Cert, user: &ValidUserIDAmalgamation<'_>) -> bool {
        let key = issuer.primary_key().key();
        let of = user.amalgamation();
        let certified = of
            .active_certifications_by_key(self.policy, self.now, key)
            .filter(|it| CryptoPolicy::over_keys(it))
            .filter_map(|it| it.signature_creation_time())
            .max();
        let revoked = of
            .valid_third_party_revocations_by_key(self.policy, self.now, key)
            .filter_map(|it| it.signature_creation_time())
            .max();
        match (certified, revoked) {
            (Some(certified), Some(revoked)) => certified > revoked,
            (certified, None) => certified.is_some(),
            (None, Some(_)) => false,
        }
    }
}
