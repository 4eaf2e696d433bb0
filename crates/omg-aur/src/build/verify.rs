//! Second stage: sources are what the recipe was written for, before any code sees them.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use omg_core::Grade;
use omg_verify::openpgp::{self, CryptoPolicy, Demand, Keyring, Only};

use super::error::{BuildError, shown};
use super::fetch::Repositories;
use super::source::{Place, Reference, Source};
use super::sums::differing;
use crate::recipes::Files;
use crate::srcinfo::{Field, Srcinfo};

/// Keys that a recipe names, at most.
const MAX_KEYS: usize = 64;
/// Bytes of a signed archive unpacked.
const MAX_UNPACKED: u64 = 8 << 30;

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Checked {
    /// How far the sources are vouched for.
    pub(super) grade: Grade,
    /// What should be known, one line each.
    pub(super) warnings: Vec<String>,
}

/// What sources are checked with.
pub(super) struct Verifying<'a> {
    pub(super) sources: &'a [Source],
    pub(super) recipe: &'a Files,
    pub(super) repositories: &'a Repositories,
    /// Where fetched sources are.
    pub(super) fetched: &'a Path,
    /// Where the recipe's own are.
    pub(super) checkout: &'a Path,
    /// Keys that the user has for this.
    pub(super) keys: &'a Keyring,
}

impl Verifying<'_> {
    /// Checks every source.
    ///
    /// `SKIP` stands for nothing, so it is accepted only where something else vouches: a signature by a key
    /// that the recipe names, the commit of a repository, the recipe that was reviewed.
    pub(super) fn verify(&self, srcinfo: &Srcinfo) -> Result<Checked, BuildError> {
        let mut checked = Checked { grade: Grade::Community, warnings: Vec::new() };
        let keyring = self.keyring(srcinfo)?;
        for source in self.sources {
            match &source.place {
                Place::Git { url, reference, signed } => {
                    self.repository(source, url, reference, *signed, &mut checked)?;
                }
                Place::Recipe => sums(source, self.checkout)?,
                Place::Web { .. } => {
                    sums(source, self.fetched)?;
                    let signed = self.signature(source, keyring.as_ref(), &mut checked)?;
                    let is_signature = source.signs(self.sources).is_some();
                    if !signed && !is_signature && !source.is_pinned() {
                        unpinned(source, &mut checked)?;
                    }
                }
            }
        }
        Ok(checked)
    }

    fn path(&self, source: &Source) -> std::path::PathBuf {
        match source.place {
            Place::Recipe => self.checkout.join(&source.name),
            _ => self.fetched.join(&source.name),
        }
    }

    fn repository(
        &self,
        source: &Source,
        url: &str,
        reference: &Reference,
        signed: bool,
        checked: &mut Checked,
    ) -> Result<(), BuildError> {
        if source.is_checked()
            && let Some(sum) = self.repositories.differing(url, reference, &source.sums)?
        {
            let reason = format!("the {} of its archive is another", sum.kind().as_str());
            return Err(BuildError::digest(&source.name, reason));
        }
        let name = shown(&source.name);
        if signed {
            checked.warnings.push(format!("{name}: the signature of the commit is not checked"));
        }
        if !source.is_pinned() && !matches!(reference, Reference::Commit(_)) {
            checked.warnings.push(format!("{name}: not pinned, so it is whatever was newest"));
        }
        Ok(())
    }

    /// Keys by which sources may be signed: those that the recipe names in full, as far as the recipe
    /// brings them or the user has them. `None` if it names none.
    fn keyring(&self, srcinfo: &Srcinfo) -> Result<Option<Keyring>, BuildError> {
        let named = srcinfo.list(Field::ValidPgpKeys, None);
        if named.is_empty() {
            return Ok(None);
        }
        if named.len() > MAX_KEYS {
            return Err(BuildError::unfit(format!("it names more than {MAX_KEYS} keys")));
        }
        let only = named.iter().map(|key| Only::parse(key)).collect::<Result<Vec<_>, _>>();
        let only = only.map_err(|error| BuildError::unfit(format!("validpgpkeys: {error}")))?;
        let mut keyring = self.keys.clone();
        for file in &self.recipe.files {
            let is_key =
                file.path.starts_with("keys/pgp/") && file.path.rsplit('.').next() == Some("asc");
            if let Some(text) = file.text().filter(|_| is_key) {
                let own = Keyring::from_bytes(&file.path, text.as_bytes());
                keyring.extend(own.map_err(|error| BuildError::unfit(error.to_string()))?);
            }
        }
        Ok(Some(keyring.only(only)))
    }

    /// Checks the signature beside a source, if there is one; true if it is good.
    fn signature(
        &self,
        source: &Source,
        keyring: Option<&Keyring>,
        checked: &mut Checked,
    ) -> Result<bool, BuildError> {
        let signature = self.sources.iter().find(|it| it.signs(self.sources) == Some(source));
        let Some(signature) = signature else { return Ok(false) };
        let name = shown(&source.name);
        let Some(keyring) = keyring.filter(|keyring| !keyring.is_empty()) else {
            if source.is_pinned() {
                checked.warnings.push(format!("{name}: signed, by a key that is not known here"));
                return Ok(false);
            }
            let reason = "there is no key for it among those that the recipe names".into();
            return Err(BuildError::Signature { name, reason });
        };
        let path = self.path(signature);
        let wrong = |error| BuildError::io(&path, "reading a signature", error);
        let mut bytes = Vec::new();
        let limit = openpgp::SIGNATURE_MAX as u64 + 1;
        File::open(&path).map_err(wrong)?.take(limit).read_to_end(&mut bytes).map_err(wrong)?;
        let data = self.signed_bytes(source, signature)?;
        let policy = CryptoPolicy::now();
        match openpgp::detached(data, &bytes, keyring, &policy, Demand::default()) {
            Ok(_) => Ok(true),
            Err(error) => Err(BuildError::Signature { name, reason: error.to_string() }),
        }
    }

    /// What was signed: the file, or the archive inside it.
    fn signed_bytes(
        &self,
        source: &Source,
        signature: &Source,
    ) -> Result<Box<dyn Read + Send + Sync>, BuildError> {
        let path = self.path(source);
        let file =
            File::open(&path).map_err(|error| BuildError::io(&path, "reading a source", error))?;
        if signature.name.starts_with(&source.name) {
            return Ok(Box::new(file));
        }
        let file = BufReader::new(file);
        Ok(match source.name.rsplit('.').next() {
            Some("gz") => Box::new(flate2::bufread::MultiGzDecoder::new(file).take(MAX_UNPACKED)),
            Some("xz") => {
                Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(file).take(MAX_UNPACKED))
            }
            _ => {
                let reason = "what is inside this kind of archive can't be checked".into();
                return Err(BuildError::Signature { name: shown(&source.name), reason });
            }
        })
    }
}

fn sums(source: &Source, directory: &Path) -> Result<(), BuildError> {
    let path = directory.join(&source.name);
    let wrong = |error| BuildError::io(&path, "computing checksums", error);
    let file = File::open(&path).map_err(wrong)?;
    match differing(file, &source.sums).map_err(wrong)? {
        None => Ok(()),
        Some(sum) => {
            let reason = format!("its {} is another", sum.kind().as_str());
            Err(BuildError::digest(&source.name, reason))
        }
    }
}

/// Nothing strong vouches for a download: with a weak checksum it is a risk, without one it is refused.
fn unpinned(source: &Source, checked: &mut Checked) -> Result<(), BuildError> {
    if !source.is_checked() {
        let reason = "it has no checksum, and neither a signature nor a repository vouches for it";
        return Err(BuildError::digest(&source.name, reason));
    }
    checked.grade = Grade::Risk;
    checked.warnings.push(format!(
        "{}: only MD5 or SHA-1 vouch for it, for which two files can be made",
        shown(&source.name)
    ));
    Ok(())
}
