//! Signed texts, as Debian's `InRelease`.

use std::io::Read;

use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::parse::stream::VerifierBuilder;

use super::judge::Judge;
use super::{CryptoPolicy, Demand, Keyring, Signer};
use crate::Error;

/// Bytes of the largest signed text: apt's own limit for Release files.
pub const CLEARSIGNED_MAX: usize = 10_000_000;

/// A text, and who signed it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed {
    /// What was signed, as the verifier gives it out: nothing else of the file may be used.
    pub text: Vec<u8>,
    /// Everybody whose signature is good.
    pub signers: Vec<Signer>,
}

/// Verifies a file that is one signed text (`-----BEGIN PGP SIGNED MESSAGE-----`) and nothing else.
///
/// Text before, between or behind, a second message, an unescaped dash, a header other than `Hash`, or any
/// error at all refuses the whole file.
pub fn clearsigned(
    bytes: &[u8],
    keyring: &Keyring,
    policy: &CryptoPolicy,
    demand: Demand,
) -> Result<Signed, Error> {
    if bytes.len() > CLEARSIGNED_MAX {
        return Err(Error::TooLarge { what: "a signed text", limit: CLEARSIGNED_MAX as u64 });
    }
    if !omg_failpoint::weak!("12") {
        framed(bytes).map_err(|reason| Error::Framing { reason })?;
    }
    let standard = policy.standard();
    let mut judge = Judge::new(keyring, *policy);
    let mut text = Vec::with_capacity(bytes.len());
    let read = VerifierBuilder::from_bytes(bytes)
        // Nothing comes out before all signatures are checked.
        .and_then(|it| {
            it.buffer_size(CLEARSIGNED_MAX).with_policy(&standard, policy.time(), &mut judge)
        })
        .map_err(|error| format!("{error:#}"))
        .and_then(|mut it| it.read_to_end(&mut text).map_err(|error| error.to_string()));
    read.map_err(|reason| Error::Framing { reason })?;
    let findings = judge.findings;
    if !findings.clearsigned {
        return Err(Error::Framing { reason: "the text is not signed in the clear".to_owned() });
    }
    let signers = findings.judge(demand)?;
    // The end of the last line is no part of what is signed (RFC 9580, 7.2), but there always is one.
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    Ok(Signed { text, signers })
}

const BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
const END: &[u8] = b"-----END PGP SIGNATURE-----";

/// Is it exactly one signed text?
fn framed(bytes: &[u8]) -> Result<(), String> {
    let mut lines = bytes.split(|it| *it == b'\n').map(<[u8]>::trim_ascii_end).enumerate();
    if lines.next().is_none_or(|(_, line)| line != BEGIN) {
        return Err("its first line does not begin a signed text".to_owned());
    }
    for (at, line) in lines.by_ref() {
        if line.is_empty() {
            break;
        }
        if !line.starts_with(b"Hash: ") {
            return Err(format!("line {} is no header that a signed text may have", at + 1));
        }
    }
    let mut begun = false;
    for (at, line) in lines.by_ref() {
        if line == SIGNATURE {
            begun = true;
            break;
        }
        if line.starts_with(b"-") && !line.starts_with(b"- ") && line != b"-" {
            return Err(format!("line {} has a dash that is not escaped", at + 1));
        }
    }
    if !begun {
        return Err("it has no signature".to_owned());
    }
    let mut ended = false;
    for (at, line) in lines.by_ref() {
        if line == END {
            ended = true;
            break;
        }
        if line.starts_with(b"-") {
            return Err(format!("line {} does not belong to a signature", at + 1));
        }
    }
    if !ended {
        return Err("its signature does not end".to_owned());
    }
    match lines.find(|(_, line)| !line.is_empty()) {
        None => Ok(()),
        Some((at, _)) => Err(format!("line {} stands behind the signature", at + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::framed;

    const GOOD: &str = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nOrigin: x\n- -dash\n-----BEGIN PGP SIGNATURE-----\n\nabc=\n-----END PGP SIGNATURE-----\n";

    #[test]
    fn one_text_and_nothing_else() {
        assert_eq!(framed(GOOD.as_bytes()), Ok(()));
        assert_eq!(framed(format!("{GOOD}\n\n").as_bytes()), Ok(()));
        let wrong = [
            String::new(),
            format!("x\n{GOOD}"),
            format!("\n{GOOD}"),
            format!("{GOOD}x"),
            format!("{GOOD}{GOOD}"),
            GOOD.replace("Hash: SHA512", "Comment: x"),
            GOOD.replace("Hash: SHA512", "Hash"),
            GOOD.replace("- -dash", "-dash"),
            GOOD.replace("-----END PGP SIGNATURE-----\n", ""),
            GOOD.replace("abc=", "-----BEGIN PGP SIGNATURE-----"),
            GOOD.replace("abc=", "-----END PGP SIGNATURE-----"),
        ];
        for text in wrong {
            assert!(framed(text.as_bytes()).is_err(), "{text}");
        }
    }
}
