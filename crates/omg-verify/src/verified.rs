//! What was verified, and how.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use omg_core::{Artifact, Staged};

use crate::digest::{self, Digests, Expected, Feed, Sha256};
use crate::openpgp::{self, CryptoPolicy, Demand, Detached, Findings, Keyring, Signed, Signer};
use crate::verdict::Verdicts;
use crate::{Error, pacman};

/// Something whose bytes were checked here. There is no other way to make one.
#[derive(Debug)]
pub struct Verified<T> {
    value: T,
    evidence: Evidence,
}

impl<T> Verified<T> {
    /// What was verified.
    pub fn get(&self) -> &T {
        &self.value
    }

    /// What was verified, without the proof.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// How it was verified.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }
}

/// What was found while verifying.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evidence {
    sha256: Sha256,
    size: u64,
    signers: Vec<Signer>,
    by: By,
}

impl Evidence {
    /// SHA-256 of the bytes.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// How many bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Who signed exactly these bytes; nobody if only metadata that has their digest is signed.
    pub fn signers(&self) -> &[Signer] {
        &self.signers
    }

    /// What the verdict rests on.
    pub fn by(&self) -> By {
        self.by
    }

    /// The same bytes, whose digest is expected or not this time.
    fn with(self, expected: &Expected) -> Self {
        let by = if expected.has_digest() { By::DigestAndSignature } else { By::Signature };
        Self { by, ..self }
    }

    pub(crate) fn new(sha256: Sha256, size: u64, signers: Vec<Signer>, by: By) -> Self {
        Self { sha256, size, signers, by }
    }
}

/// What a verdict rests on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum By {
    /// A digest that the caller had from signed metadata.
    Digest,
    /// A signature over these bytes.
    Signature,
    /// Both.
    DigestAndSignature,
    /// Each part has evidence of its own.
    Parts,
}

/// Which signature must be there.
#[derive(Clone, Copy, Debug, Default)]
pub enum Proof<'a> {
    /// None: a digest is expected.
    #[default]
    Digest,
    /// Detached OpenPGP signatures by keys of a keyring.
    OpenPgp {
        /// The signatures, binary or armored.
        signature: &'a [u8],
        /// Who may sign.
        keyring: &'a Keyring,
        /// Which cryptography is believed.
        policy: CryptoPolicy,
        /// How many and which.
        demand: Demand,
    },
    /// As pacman does it.
    Pacman {
        /// The `.sig` file, or what the database has.
        signature: Option<&'a [u8]>,
        /// pacman's keyring.
        keyring: &'a pacman::Keyring,
        /// Which cryptography is believed.
        policy: CryptoPolicy,
        /// What is asked for.
        check: pacman::Check,
        /// Was such a file of this repository signed before? Then it must be now.
        signed_before: bool,
    },
}

impl Verified<File> {
    /// Verifies an open file from its first byte on. What is verified is this open file; whoever goes on to
    /// use it must use it through this value, and not open it again by its name.
    ///
    /// Others who may write to the file can still change it: what is to be installed is
    /// [copied](Self::copy) to where only root can write.
    pub fn file(file: File, expected: &Expected, proof: Proof<'_>) -> Result<Self, Error> {
        let evidence = verify(&mut digest::feed_file(&file, expected.size), expected, proof)?;
        omg_failpoint::reach!("verify.file.done");
        Ok(Self { value: file, evidence })
    }

    /// Opens a plain file, without following a link at the end of its name, and verifies it.
    pub fn open(path: &Path, expected: &Expected, proof: Proof<'_>) -> Result<Self, Error> {
        use rustix::fs::{Mode, OFlags};
        let io = |source| Error::Io {
            path: path.to_owned(),
            context: "opening what is to be verified",
            source,
        };
        // Without waiting, as for a pipe that somebody has put there.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let open = || rustix::fs::open(path, flags, Mode::empty()).map(File::from);
        let file = open().map_err(|error| io(error.into()))?;
        if !file.metadata().map_err(io)?.is_file() {
            return Err(io(std::io::Error::other("it is not a plain file")));
        }
        let verified = Self::file(file, expected, proof)?;
        if omg_failpoint::weak!("30") {
            let file = open().map_err(|error| io(error.into()))?;
            return Ok(Self { value: file, ..verified });
        }
        Ok(verified)
    }

    /// As [`file`](Self::file), but a verdict that is already known for the expected SHA-256 is not found
    /// again: only digests are computed then. What is found is kept, if it can be.
    pub fn file_known(
        file: File,
        expected: &Expected,
        proof: Proof<'_>,
        verdicts: &Verdicts,
    ) -> Result<Self, Error> {
        if let Some(sha256) = expected.sha256
            && let Some(known) = verdicts.get(sha256, &proof)
        {
            let found = digest::expect(&file, expected)?;
            if found.size == known.size {
                return Ok(Self { value: file, evidence: known.with(expected) });
            }
        }
        let verified = Self::file(file, expected, proof)?;
        // A verdict that can't be kept costs time, and nothing else.
        let _ = verdicts.keep(&verified.evidence, &proof);
        Ok(verified)
    }

    /// Copies to a new, empty file and verifies the bytes that were written there, in one pass.
    ///
    /// The copy must be deleted if this fails.
    pub fn copy(
        from: impl Read,
        to: File,
        expected: &Expected,
        proof: Proof<'_>,
    ) -> Result<Self, Error> {
        let evidence = verify(&mut digest::feed_copy(from, &to, expected.size), expected, proof)?;
        omg_failpoint::reach!("verify.copy.done");
        Ok(Self { value: to, evidence })
    }

    /// Copies into memory that nobody can change any more (a sealed memfd) and verifies that.
    pub fn seal(from: impl Read, expected: &Expected, proof: Proof<'_>) -> Result<Self, Error> {
        use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
        let failed = |error: rustix::io::Errno| Error::Stream {
            context: "sealing a copy in memory",
            source: error.into(),
        };
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let memory = File::from(memfd_create("omg-verified", flags).map_err(failed)?);
        digest::copy(from, &memory, digest::Also::default(), expected.size)?;
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        fcntl_add_seals(&memory, seals).map_err(failed)?;
        Self::file(memory, expected, proof)
    }
}

impl Verified<Vec<u8>> {
    /// Verifies bytes in memory.
    pub fn bytes(bytes: Vec<u8>, expected: &Expected, proof: Proof<'_>) -> Result<Self, Error> {
        let mut feed = digest::Bytes::new(&bytes);
        let evidence = verify(&mut feed, expected, proof)?;
        Ok(Self { value: bytes, evidence })
    }

    /// Verifies a signed text, as `InRelease`, and gives the text that was signed.
    pub fn clearsigned(
        bytes: &[u8],
        keyring: &Keyring,
        policy: &CryptoPolicy,
        demand: Demand,
    ) -> Result<Self, Error> {
        let Signed { text, signers } = openpgp::clearsigned(bytes, keyring, policy, demand)?;
        let evidence = Evidence::new(Sha256::of(&text), text.len() as u64, signers, By::Signature);
        Ok(Self { value: text, evidence })
    }
}

impl Verified<Staged> {
    /// All that a plan takes, each artifact of which has evidence.
    pub fn staged(staged: Staged, evidence: &[Evidence]) -> Result<Self, Error> {
        let mut all = digest::Hasher::new(digest::Also::default());
        let mut size = 0;
        let mut signers = Vec::new();
        for artifact in &staged.artifacts {
            let found = of(artifact, evidence)?;
            all.update(found.sha256.as_bytes());
            size += found.size;
            for signer in &found.signers {
                if !signers.contains(signer) {
                    signers.push(signer.clone());
                }
            }
        }
        let evidence = Evidence::new(all.finish().sha256, size, signers, By::Parts);
        Ok(Self { value: staged, evidence })
    }
}

fn of<'a>(artifact: &Artifact, evidence: &'a [Evidence]) -> Result<&'a Evidence, Error> {
    let digest = Sha256::parse(&artifact.sha256)?;
    let fits = |it: &&Evidence| it.sha256 == digest && it.size == artifact.size;
    evidence.iter().find(fits).ok_or_else(|| Error::Unverified { name: artifact.file_name.clone() })
}

/// Reads everything once, and gives it to digests and signatures alike.
fn verify(feed: &mut impl Feed, expected: &Expected, proof: Proof<'_>) -> Result<Evidence, Error> {
    let also = expected.also();
    let (digests, signers) = match proof {
        Proof::Digest => (digest::digests(feed, also)?, Vec::new()),
        Proof::OpenPgp { signature, keyring, policy, demand } => {
            let detached = Detached { signature, keyring, policy };
            let (digests, found) = with(feed, expected, detached)?;
            (digests, found?.judge(demand)?)
        }
        Proof::Pacman { signature, keyring, policy, check, signed_before } => {
            match pacman::present(signature, check, signed_before)? {
                None => (digest::digests(feed, also)?, Vec::new()),
                Some(signature) => {
                    let signature =
                        pacman::Detached { signature, keyring, policy, trust: check.trust };
                    let (digests, found) =
                        digest::run(feed, also, Box::new(move |chunks| signature.over(chunks)))?;
                    expected.check(&digests)?;
                    (digests, found?)
                }
            }
        }
    };
    expected.check(&digests)?;
    let by = match (expected.has_digest(), signers.is_empty()) {
        (true, true) => By::Digest,
        (true, false) => By::DigestAndSignature,
        (false, false) => By::Signature,
        (false, true) => return Err(Error::NothingToCheck),
    };
    Ok(Evidence::new(digests.sha256, digests.size, signers, by))
}

/// Digests first: if the bytes are other ones, that says more than that their signature does not fit.
fn with(
    feed: &mut impl Feed,
    expected: &Expected,
    detached: Detached<'_>,
) -> Result<(Digests, Result<Findings, Error>), Error> {
    let consumer = Box::new(move |chunks| detached.over_chunks(chunks));
    let (digests, found) = digest::run(feed, expected.also(), consumer)?;
    expected.check(&digests)?;
    Ok((digests, found))
}
