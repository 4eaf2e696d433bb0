//! Signatures of packages, checked by `SigLevel` before libalpm sees the file. libalpm checks them again
//! in the transaction, through GnuPG: both must be content.

use std::error::Error as _;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use omg_backend_alpm::conf::{Check, Conf, Verify};
use omg_core::Planned;
use omg_verify::openpgp::CryptoPolicy;
use omg_verify::pacman::{self, Keyring, Trust, When};

use crate::error::Error;

/// Checks the signature of one file. The keyring is read when it is first needed.
pub(crate) fn check(
    conf: &Conf,
    keyring: &mut Option<Keyring>,
    planned: &Planned,
    file: &File,
    signature: Option<&[u8]>,
) -> Result<(), Error> {
    let wanted = wanted(conf, planned);
    let bad = |error: &omg_verify::Error| {
        let mut reasons = vec![error.to_string()];
        let mut cause = error.source();
        while let Some(error) = cause {
            reasons.push(error.to_string());
            cause = error.source();
        }
        Error::Signature { name: planned.name.clone(), reasons }
    };
    let present = pacman::present(signature, wanted, false).map_err(|error| bad(&error))?;
    let Some(signature) = present else { return Ok(()) };
    if keyring.is_none() {
        *keyring = Some(Keyring::populated(&conf.gpg_dir).map_err(|error| bad(&error))?);
    }
    let Some(keyring) = keyring else { return Ok(()) };
    let data = Start { file, at: 0 };
    pacman::verify(data, signature, keyring, CryptoPolicy::now(), wanted.trust)
        .map(|_| ())
        .map_err(|error| bad(&error))
}

fn wanted(conf: &Conf, planned: &Planned) -> pacman::Check {
    let level = if planned.repository.starts_with('/') {
        conf.local_file_sig_level
    } else {
        let repository = conf.repositories.iter().find(|it| it.name == planned.repository);
        repository.map_or(conf.sig_level, |it| it.sig_level)
    };
    let Check { verify, trust_all } = level.package;
    pacman::Check {
        when: match verify {
            Verify::Never => When::Never,
            Verify::Optional => When::Optional,
            Verify::Required => When::Required,
        },
        trust: if trust_all { Trust::TrustAll } else { Trust::TrustedOnly },
    }
}

/// A file from its beginning, wherever others have read to.
struct Start<'a> {
    file: &'a File,
    at: u64,
}

impl Read for Start<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
