//! The files that a plan takes, and what they are worth.

use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ahash::{AHashMap, AHashSet};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use omg_core::{
    Artifact, Fault, Generation, Grade, Plan, Planned, SignatureSource, Source, Wanted,
};

use crate::archive::{self, Limits, Visit};
use crate::conf::{Conf, Repository, Verify};
use crate::desc;
use crate::error::Error;
use crate::lists::keys::{self, Keys};

/// Most versions that are remembered.
const MOST_REMEMBERED: usize = 50_000;

/// Repository, name, version.
type Key = (String, String, String);

/// What a database says of a package's file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Record {
    file_name: String,
    size: Option<u64>,
    sha256: Option<String>,
    signature: Option<Vec<u8>>,
}

/// Records that were looked for, until the databases change.
#[derive(Debug, Default)]
pub(crate) struct Staging(Mutex<(Generation, AHashMap<Key, Option<Record>>)>);

impl Staging {
    /// The files of a plan. `generation` is the state of the databases.
    pub(crate) fn wanted(
        &self,
        conf: &Conf,
        generation: Generation,
        plan: &Plan,
    ) -> Result<Vec<Wanted>, Fault> {
        // What has a path for its repository is a file that the user named; recipes are built.
        let coming = plan.changes.iter().filter(|it| {
            it.source == Source::Alpm
                && !it.repository.is_empty()
                && !it.repository.starts_with('/')
        });
        let coming: Vec<(&Planned, Key)> = coming.filter_map(|it| Some((it, key(it)?))).collect();
        let records = self.find(conf, generation, coming.iter().map(|(_, key)| key))?;
        let mut all = Vec::with_capacity(coming.len());
        for ((change, key), record) in coming.into_iter().zip(records) {
            let gone = || Error::Gone { what: format!("{} {}", key.1, key.2) };
            all.push(one(conf, change, record.ok_or_else(gone)?)?);
        }
        Ok(all)
    }

    /// What a file that is here is worth.
    pub(crate) fn verify(
        &self,
        conf: &Conf,
        generation: Generation,
        planned: &Planned,
        artifact: &Artifact,
    ) -> Result<Grade, Fault> {
        let path = Path::new(&artifact.path);
        let file = File::open(path).map_err(|error| Error::io(path, "verifying a file", error))?;
        let repository = find_repository(conf, &planned.repository);
        let mut inline = None;
        if let (Some(repository), Some(key)) = (repository, key(planned)) {
            let record = self.find(conf, generation, [&key].into_iter())?.pop().flatten();
            let record =
                record.ok_or_else(|| Error::Gone { what: format!("{} {}", key.1, key.2) })?;
            same(&repository.name, &record, artifact)?;
            inline = record.signature;
        }
        let signature = artifact.signature.clone().or(inline);
        Ok(verify_package(
            conf,
            &planned.repository,
            &artifact.file_name,
            &file,
            signature.as_deref(),
        )?)
    }

    /// What the databases say; what was found before is not looked for again.
    fn find<'k>(
        &self,
        conf: &Conf,
        generation: Generation,
        wanted: impl Iterator<Item = &'k Key> + Clone,
    ) -> Result<Vec<Option<Record>>, Error> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.0 != generation || state.1.len() > MOST_REMEMBERED {
            *state = (generation, AHashMap::new());
        }
        for repository in &conf.repositories {
            let new = wanted.clone().filter(|key| key.0 == repository.name);
            let mut search = Search {
                open: new.filter(|key| !state.1.contains_key(*key)).cloned().collect(),
                found: AHashMap::new(),
            };
            if search.open.is_empty() {
                continue;
            }
            let asked: Vec<Key> = search.open.iter().cloned().collect();
            archive::walk(&repository.database(conf), Limits::DATABASE, &mut search)?;
            let Search { mut found, .. } = search;
            state.1.extend(asked.into_iter().map(|key| {
                let record = found.remove(&key);
                (key, record)
            }));
        }
        Ok(wanted.map(|key| state.1.get(key).cloned().flatten()).collect())
    }
}

/// Verifies a package by `SigLevel`: that of its repository or, for a file that the user named, that
/// of local files. Tells what the signers are worth; a level that lets unsigned packages in makes
/// them a risk.
///
/// `repository` is a plan's: the name of a repository or the path of a file.
pub fn verify_package(
    conf: &Conf,
    repository: &str,
    what: &str,
    file: &File,
    signature: Option<&[u8]>,
) -> Result<Grade, Error> {
    let level = find_repository(conf, repository)
        .map_or(conf.local_file_sig_level, |repository| repository.sig_level);
    let beside = match signature {
        None if repository.starts_with('/') => {
            keys::beside(Path::new(&format!("{repository}.sig")))?
        }
        _ => None,
    };
    let keys = Keys::read(conf);
    let signature = signature.or(beside.as_deref());
    let signers = keys.verify(what, file, signature, level.package, false)?;
    Ok(keys.grade(&signers))
}

fn find_repository<'c>(conf: &'c Conf, name: &str) -> Option<&'c Repository> {
    conf.repositories.iter().find(|repository| repository.name == name)
}

fn key(planned: &Planned) -> Option<Key> {
    Some((planned.repository.clone(), planned.name.clone(), planned.new_version.clone()?))
}

/// Is it the file that the database names?
fn same(repository: &str, record: &Record, artifact: &Artifact) -> Result<(), Error> {
    let other = |reason: String| Error::Mismatch {
        what: artifact.file_name.clone(),
        repository: repository.to_owned(),
        reason,
    };
    if let Some(sha256) =
        record.sha256.as_ref().filter(|it| !it.eq_ignore_ascii_case(&artifact.sha256))
    {
        return Err(other(format!("SHA-256 is {}, and {sha256} is named", artifact.sha256)));
    }
    match record.size {
        Some(size) if size != artifact.size => {
            Err(other(format!("{} bytes, and {size} are named", artifact.size)))
        }
        _ => Ok(()),
    }
}

/// Looks for records in one database.
struct Search {
    open: AHashSet<Key>,
    found: AHashMap<Key, Record>,
}

impl Search {
    fn key(&self, path: &[u8]) -> Option<&Key> {
        let path = std::str::from_utf8(path).ok()?;
        let directory = path.strip_suffix("/desc")?.rsplit('/').next()?;
        let (name, version) = desc::split_entry(directory)?;
        self.open.iter().find(|key| key.1 == name && key.2 == version)
    }
}

impl Visit for Search {
    fn wanted(&mut self, path: &[u8]) -> bool {
        path.ends_with(b"/desc") && self.key(path).is_some()
    }

    fn file(&mut self, path: &[u8], content: &[u8]) -> Result<(), Error> {
        let Some(key) = self.key(path).cloned() else { return Ok(()) };
        let text = String::from_utf8_lossy(content);
        let sha256 = desc::first(&text, "SHA256SUM").map(str::to_ascii_lowercase);
        let digits =
            |it: &String| it.len() == 64 && it.bytes().all(|byte| byte.is_ascii_hexdigit());
        let record = Record {
            file_name: desc::first(&text, "FILENAME").unwrap_or("").to_owned(),
            size: desc::first(&text, "CSIZE").and_then(|size| size.parse().ok()),
            sha256: sha256.filter(digits),
            signature: desc::first(&text, "PGPSIG").and_then(|it| STANDARD.decode(it).ok()),
        };
        self.found.insert(key, record);
        Ok(())
    }
}

fn one(conf: &Conf, change: &Planned, record: Record) -> Result<Wanted, Error> {
    let name = &record.file_name;
    // As libalpm: it is the name of a file in the cache.
    if name.is_empty()
        || name.contains('/')
        || name.starts_with('.')
        || name.chars().any(char::is_control)
    {
        let (what, repository) = (change.name.clone(), change.repository.clone());
        let reason = format!("'{}' is no name of a file", omg_core::escape(name));
        return Err(Error::Mismatch { what, repository, reason });
    }
    let repository = find_repository(conf, &change.repository)
        .ok_or_else(|| Error::Gone { what: change.repository.clone() })?;
    let servers = repository.cache_servers.iter().chain(&repository.servers);
    let path = escaped(name);
    let urls: Vec<String> =
        servers.map(|server| format!("{}/{path}", server.trim_end_matches('/'))).collect();
    if urls.is_empty() {
        return Err(Error::NoServer { name: repository.name.clone() });
    }
    let check = repository.sig_level.package;
    let signature = match (check.verify, record.signature) {
        (Verify::Never, _) => None,
        (_, Some(signature)) => Some(SignatureSource::Inline(signature)),
        (_, None) => Some(SignatureSource::Suffix(".sig".into())),
    };
    // What passes a level that demands the signature of a trusted key is at least that. Whose key it
    // is, the file's signature tells.
    let grade = match check.verify {
        Verify::Required => Grade::Community,
        _ => Grade::Risk,
    };
    let cached = conf.cache_dirs.iter().map(|dir| dir.join(name).to_string_lossy().into_owned());
    Ok(Wanted {
        name: change.name.clone(),
        architecture: change.architecture.clone(),
        version: change.new_version.clone().unwrap_or_default(),
        repository: change.repository.clone(),
        cached: cached.collect(),
        file_name: record.file_name,
        urls,
        size: record.size,
        sha256: record.sha256,
        signature,
        grade,
    })
}

/// A file's name in a URL: `:` of an epoch may stay, what ends a path may not.
fn escaped(name: &str) -> String {
    let mut path = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@+!,=".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.extend(format!("%{byte:02X}").chars());
        }
    }
    path
}
