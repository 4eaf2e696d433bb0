//! `SigLevel` and the system's keyring, in the words of the verifier.

use std::fs::File;
use std::path::Path;

use omg_core::Grade;
use omg_verify::openpgp::{self, CryptoPolicy, Signer};
use omg_verify::pacman::{self, Keyring, Trust, When};

use crate::conf::{Check, Conf, Verify};
use crate::error::Error;

/// The keys that a system trusts, read once.
#[derive(Debug)]
pub(crate) struct Keys {
    keyring: Result<Keyring, String>,
    /// Arch's own, from its keyring package.
    distribution: openpgp::Keyring,
}

impl Keys {
    /// Reads them. One that is missing is an error only where something has to be verified.
    pub(crate) fn read(conf: &Conf) -> Self {
        let of_conf =
            conf.gpg_dir.join("pubring.gpg").exists() && conf.gpg_dir.join("trustdb.gpg").exists();
        let keyring = if of_conf {
            Keyring::populated(&conf.gpg_dir)
        } else {
            Keyring::of_system(&conf.root)
        };
        let mut distribution = openpgp::Keyring::default();
        for dir in ["usr/share/pacman/keyrings", "usr/share/keyrings"] {
            let path = conf.root.join(dir).join("archlinux.gpg");
            // One that can't be read has no key, and nothing is signed by the distribution then.
            if let Ok(read) = openpgp::Keyring::read(&path) {
                distribution.extend(read);
            }
        }
        let keyring = keyring.map_err(|error| {
            let cause = std::error::Error::source(&error).map(|it| format!(": {it}"));
            format!("{error}{}", cause.unwrap_or_default())
        });
        Self { keyring, distribution }
    }

    /// Verifies a file by a level. The signers; nobody if none was looked at.
    pub(crate) fn verify(
        &self,
        what: &str,
        file: &File,
        signature: Option<&[u8]>,
        check: Check,
        signed_before: bool,
    ) -> Result<Vec<Signer>, Error> {
        let failed = |source| Error::Verify { what: what.to_owned(), source };
        let asked = pacman::Check { when: when(check.verify), trust: trust(check) };
        let Some(signature) = pacman::present(signature, asked, signed_before).map_err(failed)?
        else {
            return Ok(Vec::new());
        };
        let keyring = self
            .keyring
            .as_ref()
            .map_err(|reason| Error::Keyring { what: what.to_owned(), reason: reason.clone() })?;
        let policy = CryptoPolicy::now();
        pacman::verify(file, signature, keyring, policy, asked.trust).map_err(failed)
    }

    /// What signatures of these are worth.
    pub(crate) fn grade(&self, signers: &[Signer]) -> Grade {
        let arch = |signer: &Signer| {
            self.distribution.fingerprints().any(|fingerprint| fingerprint == signer.fingerprint)
        };
        match signers {
            [] => Grade::Risk,
            signers if signers.iter().any(arch) => Grade::Verified,
            _ => Grade::Community,
        }
    }
}

fn when(verify: Verify) -> When {
    match verify {
        Verify::Never => When::Never,
        Verify::Optional => When::Optional,
        Verify::Required => When::Required,
    }
}

fn trust(check: Check) -> Trust {
    if check.trust_all { Trust::TrustAll } else { Trust::TrustedOnly }
}

/// The signature beside a file: `NAME.sig`, no larger than one may be, no link followed.
pub(crate) fn beside(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    use rustix::fs::{Mode, OFlags, open};
    use std::io::Read;
    let failed = |source| Error::io(path, "reading a signature", source);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match open(path, flags, Mode::empty()) {
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        other => File::from(other.map_err(|error| failed(error.into()))?),
    };
    let limit = openpgp::SIGNATURE_MAX as u64;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(Error::TooLarge { path: path.to_path_buf(), limit, unit: "bytes" });
    }
    Ok(Some(bytes))
}
