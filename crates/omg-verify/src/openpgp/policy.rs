//! Which cryptography is believed until when.

use std::time::{Duration, SystemTime};

use sequoia_openpgp::packet::{Signature, UserID};
use sequoia_openpgp::policy::{
    AsymmetricAlgorithm as Asymmetric, HashAlgoSecurity, StandardPolicy,
};
use sequoia_openpgp::types::{HashAlgorithm, PublicKeyAlgorithm};

/// 1 February of a year, seconds since the epoch, the day on which algorithms end.
const Y2024: u64 = 1_706_745_600;
const Y2026: u64 = 1_769_904_000;
const Y2028: u64 = 1_832_976_000;
const Y2030: u64 = 1_896_134_400;

/// GnuPG does not believe in what others say of a key by SHA-1 from 2019-01-19 on (`g10/sig-check.c`).
const GNUPG_SHA1_END: u64 = 1_547_856_000;

/// Which algorithms are believed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Rules {
    /// As apt does (`/usr/share/apt/default-sequoia.config`), on top of sequoia's own: bindings of keys by
    /// SHA-1 or SHA-224 are refused from 2026-02-01 on, DSA from 2024-02-01, Brainpool curves from
    /// 2028-02-01, RSA of 2048 bits from 2030-02-01.
    Apt,
    /// As GnuPG 2.2 does for pacman: bindings by SHA-1 are believed, and what others say of a key by SHA-1 if
    /// they said so before 2019-01-19. Signatures over data by SHA-1 are believed until then as well; GnuPG
    /// goes on to do so. Arch's older keys and packages need it, those of 2023 and later do not.
    Pacman,
}

/// Which algorithms are believed, and the moment at which this is asked.
///
/// Under all rules signatures by MD5 and RIPE-MD, and those made now over data by SHA-1, are refused, and so
/// are RSA and DSA keys of fewer than 2048 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CryptoPolicy {
    now: SystemTime,
    rules: Rules,
}

impl CryptoPolicy {
    /// What is believed at this moment, by [`Rules::Apt`].
    pub fn now() -> Self {
        Self::at(SystemTime::now())
    }

    /// What is believed at that moment, by [`Rules::Apt`]: also what expires is judged by it.
    pub fn at(now: SystemTime) -> Self {
        // Times of OpenPGP have whole seconds.
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |it| it.as_secs());
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        Self { now, rules: Rules::Apt }
    }

    /// The same moment under other rules.
    #[must_use]
    pub fn with(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// The moment.
    pub fn time(&self) -> SystemTime {
        self.now
    }

    /// The rules.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    pub(crate) fn standard(self) -> StandardPolicy<'static> {
        let mut policy = StandardPolicy::at(self.now);
        if omg_failpoint::weak!("16") {
            policy.accept_hash(HashAlgorithm::SHA1);
            policy.accept_asymmetric_algo(Asymmetric::RSA1024);
            return policy;
        }
        policy.reject_hash(HashAlgorithm::MD5);
        policy.reject_hash(HashAlgorithm::RipeMD);
        for short in [Asymmetric::RSA1024, Asymmetric::DSA1024] {
            policy.reject_asymmetric_algo(short);
        }
        match self.rules {
            Rules::Apt => apt(&mut policy),
            // Signatures over data are looked at by `over_data`.
            Rules::Pacman => policy.accept_hash(HashAlgorithm::SHA1),
        }
        policy
    }

    /// May this signature be one over data? Its algorithms were looked at before; what is left is SHA-1.
    pub(crate) fn over_data(self, signature: &Signature) -> Result<(), String> {
        let hash = signature.hash_algo();
        let old = self.rules == Rules::Pacman && before(signature, GNUPG_SHA1_END);
        if hash != HashAlgorithm::SHA1 || old || omg_failpoint::weak!("16") {
            return Ok(());
        }
        Err("it signs by SHA-1, which is broken".to_owned())
    }

    /// May this signature of one key say something of another?
    pub(crate) fn over_keys(signature: &Signature) -> bool {
        signature.hash_algo() != HashAlgorithm::SHA1 || before(signature, GNUPG_SHA1_END)
    }
}

/// Was it made before this second, as it says?
fn before(signature: &Signature, end: u64) -> bool {
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(end);
    signature.signature_creation_time().is_some_and(|made| made < end)
}

fn apt(policy: &mut StandardPolicy<'_>) {
    let day = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let second = HashAlgoSecurity::SecondPreImageResistance;
    policy.reject_hash_property_at(HashAlgorithm::SHA1, second, day(Y2026));
    policy.reject_hash_at(HashAlgorithm::SHA224, day(Y2026));
    for dsa in [Asymmetric::DSA2048, Asymmetric::DSA3072, Asymmetric::DSA4096] {
        policy.reject_asymmetric_algo_at(dsa, day(Y2024));
    }
    let brainpool =
        [Asymmetric::BrainpoolP256, Asymmetric::BrainpoolP384, Asymmetric::BrainpoolP512];
    for curve in brainpool {
        policy.reject_asymmetric_algo_at(curve, day(Y2028));
    }
    policy.reject_asymmetric_algo_at(Asymmetric::RSA2048, day(Y2030));
}

impl Default for CryptoPolicy {
    fn default() -> Self {
        Self::now()
    }
}

/// How many and which signatures are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Demand {
    /// Distinct certificates with a good signature; 0 counts as 1.
    pub distinct: usize,
    /// Both a classical and a post-quantum signature must be good. One by a composite algorithm of
    /// OpenPGP (ML-DSA with EdDSA) is both, as it is good only if both its parts are.
    pub post_quantum: bool,
}

impl Default for Demand {
    fn default() -> Self {
        Self { distinct: 1, post_quantum: false }
    }
}

/// Can post-quantum signatures be checked here? OpenSSL can from 3.5 on.
pub fn post_quantum_available() -> bool {
    PublicKeyAlgorithm::MLDSA65_Ed25519.is_supported()
}

/// Which of the two kinds of signature a key makes: classical, post-quantum.
pub(crate) fn kinds(algorithm: PublicKeyAlgorithm) -> (bool, bool) {
    match algorithm {
        PublicKeyAlgorithm::MLDSA65_Ed25519 | PublicKeyAlgorithm::MLDSA87_Ed448 => (true, true),
        PublicKeyAlgorithm::SLHDSA128s
        | PublicKeyAlgorithm::SLHDSA128f
        | PublicKeyAlgorithm::SLHDSA256s => (false, true),
        _ => (true, false),
    }
}

/// A key's name for people: its fingerprint and first user id.
pub(crate) fn named(fingerprint: &str, user: Option<&UserID>) -> String {
    match user {
        None => fingerprint.to_owned(),
        Some(user) => {
            let name: String = String::from_utf8_lossy(user.value())
                .chars()
                .filter(|it| !it.is_control())
                .take(80)
                .collect();
            format!("{fingerprint} ({name})")
        }
    }
}
