//! From a signature to a package: who vouches for the lists that are in place.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use omg_core::{Fault, Grade};
use omg_fetch::Sha256;
use omg_verify::openpgp::CryptoPolicy;

use super::fetch::{in_place, suffix_of};
use super::plain;
use super::release::{Entry, Release};
use super::signature::{self, Trust};
use crate::apt::settings::Settings;
use crate::apt::sources::Suite;
use crate::error::Error;

/// Remembers digests of files that were computed before. One who is root believes nobody's but its
/// own.
pub trait Known: Sync {
    /// Was `learn` called with this key?
    fn knows(&self, key: &str) -> bool;
    /// The file of this key has the digest that is in the key.
    fn learn(&self, key: &str);
}

/// Remembers nothing.
impl Known for () {
    fn knows(&self, _: &str) -> bool {
        false
    }

    fn learn(&self, _: &str) {}
}

/// A list in place, and who vouches for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListTrust {
    /// The list.
    pub path: PathBuf,
    /// Address and suite.
    pub suite: String,
    /// Repository, as plans have it: `bookworm/main`.
    pub repository: String,
    /// Who.
    pub trust: Trust,
    /// Why it can't be trusted, for people; empty if it can.
    pub problem: String,
}

/// All lists of packages in place, in apt's order.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// One for each.
    pub lists: Vec<ListTrust>,
    /// What could not be read.
    pub warnings: Vec<String>,
}

/// What lists in place say of one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evidence {
    /// Number in [`Chain::lists`].
    pub list: usize,
    /// Path below the archive's address.
    pub file_name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256, hexadecimal, lower case.
    pub sha256: Option<String>,
}

/// A version that is looked for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Offered {
    /// Name.
    pub name: String,
    /// Architecture, `all` where it is that.
    pub architecture: String,
    /// Version.
    pub version: String,
}

/// Verifies every list of packages below `root`: the signature of its Release file by the root's own
/// keyrings, and its digest by the Release file. `known` may spare computing digests.
pub fn verify_chain(root: &Path, known: &dyn Known) -> Result<Chain, Fault> {
    Ok(of_settings(&Settings::read(root), known))
}

impl Chain {
    /// Where versions are offered: for each, in order, all lists that have it, best trusted first.
    pub fn find(&self, root: &Path, wanted: &[Offered]) -> Vec<Vec<Evidence>> {
        self.find_with(&Settings::read(root), wanted)
    }

    pub(crate) fn find_with(&self, settings: &Settings, wanted: &[Offered]) -> Vec<Vec<Evidence>> {
        let mut all = crate::apt::whence::find(settings, wanted);
        for found in &mut all {
            found.sort_by_key(|it| std::cmp::Reverse(self.grade(it)));
        }
        all
    }

    /// What a file is worth by the list that has it.
    pub fn grade(&self, evidence: &Evidence) -> Grade {
        self.lists.get(evidence.list).map_or(Grade::Risk, |list| list.trust.grade())
    }
}

/// A suite's signed file, and what its signature is worth.
type Opened = (Release, Trust);

pub(crate) fn of_settings(settings: &Settings, known: &dyn Known) -> Chain {
    let mut chain = Chain { warnings: settings.warnings.clone(), ..Chain::default() };
    let mut open: Option<(usize, Result<Opened, String>)> = None;
    for place in &settings.places {
        let Some(suite) = settings.suites.get(place.suite) else { continue };
        if open.as_ref().is_none_or(|(number, _)| *number != place.suite) {
            let opened = release(settings, suite).map_err(|error| error.with_cause());
            open = Some((place.suite, opened));
        }
        let repository = settings.repositories.get(place.repository);
        let index = suite.packages.iter().find(|it| {
            let name = place.file.path.file_name().and_then(|name| name.to_str()).unwrap_or("");
            name.strip_prefix(it.file.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        let key = index.and_then(|target| {
            suite
                .indexes
                .iter()
                .find(|index| index.file == target.file)
                .map(|index| (&index.key, &index.file))
        });
        let (trust, problem) = match (&open, key) {
            (Some((_, Ok((release, trust)))), Some((key, stem))) => {
                match digest(&place.file.path, stem, release.file(key), known) {
                    Ok(()) => (trust.clone(), String::new()),
                    Err(problem) => (Trust::Unsigned, problem),
                }
            }
            (Some((_, Err(problem))), _) => (Trust::Unsigned, problem.clone()),
            _ => (Trust::Unsigned, "its name in the Release file is not known".to_owned()),
        };
        chain.lists.push(ListTrust {
            path: place.file.path.clone(),
            suite: suite.title(),
            repository: repository.map_or_else(String::new, |it| it.name.clone()),
            trust,
            problem,
        });
    }
    chain
}

/// The Release file in place. What `trusted=yes` lets in without one has none.
fn release(settings: &Settings, suite: &Suite) -> Result<(Release, Trust), Error> {
    let lists = settings.conf.dir("Dir::State::lists");
    let unsigned = || Error::Verify { what: suite.title(), source: omg_verify::Error::Unsigned };
    let (files, _) = in_place(&lists, suite)?.ok_or_else(unsigned)?;
    let policy = CryptoPolicy::now();
    let opened = signature::open(&settings.conf, suite, &files, None, &policy)?;
    Ok((Release::parse(&lists.join(&suite.prefix), &opened.text)?, opened.trust))
}

fn digest(path: &Path, stem: &str, entry: Option<Entry>, known: &dyn Known) -> Result<(), String> {
    let entry = entry.ok_or("the Release file does not name it")?;
    let file = File::open(path).map_err(|error| error.to_string())?;
    let key = key(path, &file, &entry.sha256).map_err(|error| error.to_string())?;
    if known.knows(&key) {
        return Ok(());
    }
    match plain::check(&file, suffix_of(path, stem), &entry) {
        Ok(()) => {
            known.learn(&key);
            Ok(())
        }
        Err(unlike) => Err(unlike.about(path, "its suite").to_string()),
    }
}

/// What tells apart states of a file, with the digest that it must have.
fn key(path: &Path, file: &File, sha256: &Sha256) -> std::io::Result<String> {
    let data = file.metadata()?;
    Ok(format!(
        "{}\n{} {} {} {} {} {}\n{sha256}",
        path.display(),
        data.dev(),
        data.ino(),
        data.size(),
        data.mtime(),
        data.mtime_nsec(),
        data.ctime_nsec() as i128 + i128::from(data.ctime()) * 1_000_000_000,
    ))
}
