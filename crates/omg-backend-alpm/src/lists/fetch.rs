//! Fetching: the user's side. Nothing below the root is written.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use omg_backend::work::blocking;
use omg_backend::{FetchedLists, Heard, date};
use omg_core::{Code, Fault, Phase, Progress};
use omg_fetch::{Conditional, Content, Document, DocumentRequest, Fetched, Fetcher};
use omg_verify::openpgp::SIGNATURE_MAX;
use tokio::task::JoinSet;

use super::judge::{self, Before};
use super::keys::{self, Keys};
use super::state::State;
use super::{LARGEST_DATABASE, is_files, summary};
use crate::conf::{Check, Conf, Verify};
use crate::error::Error;

/// A database that is asked for.
#[derive(Clone, Debug)]
struct Job {
    /// Name of the repository.
    name: String,
    /// `core.db`.
    file: String,
    servers: Vec<String>,
    check: Check,
    /// The one in place, and when it was changed.
    place: PathBuf,
    modified: Option<u64>,
    remembered: Option<super::state::Remembered>,
    max_age_s: Option<u64>,
    into: PathBuf,
}

/// Fetches the databases of all repositories into an empty directory.
pub(crate) async fn fetch(
    root: &Path,
    max_age_s: Option<u64>,
    fetcher: &Fetcher,
    into: &Path,
    heard: Heard<'_>,
) -> Result<FetchedLists, Fault> {
    let (root, into) = (root.to_path_buf(), into.to_path_buf());
    let (jobs, keys) =
        blocking("reading pacman.conf", move || Ok(prepare(&root, max_age_s, &into)?)).await?;
    heard(Progress::Phase { phase: Phase::Sync, items: jobs.len() as u32 });
    let keys = Arc::new(keys);
    let mut set = JoinSet::new();
    for (number, job) in jobs.into_iter().enumerate() {
        let (fetcher, keys) = (fetcher.clone(), keys.clone());
        set.spawn(async move { (number, job.file.clone(), one(&fetcher, &job, keys).await) });
    }
    let mut all = Vec::new();
    while let Some(joined) = set.join_next().await {
        let ended = |_| Error::Worker { context: "fetching a database" };
        let (number, name, result) = joined.map_err(ended)?;
        if let Ok(Some(size)) = &result {
            let (item, done, total) = (number as u32, *size, Some(*size));
            heard(Progress::File { item, name: name.clone(), done, total, finished: true });
        }
        all.push((number, name, result));
    }
    all.sort_by_key(|(number, ..)| *number);
    tell(all)
}

type Answers = Vec<(usize, String, Result<Option<u64>, Error>)>;

fn tell(all: Answers) -> Result<FetchedLists, Fault> {
    let mut told = FetchedLists::default();
    for (_, name, result) in all {
        match result.map_err(|error| error.fault()) {
            Ok(Some(_)) => told.changed.push(name),
            Ok(None) => told.unchanged.push(name),
            Err(fault) if matches!(fault.code, Code::Network | Code::Gone) => {
                // The first cause names the address alone; the next says what is wrong with it.
                let cause = fault.cause.get(1).or(fault.cause.first());
                let cause = cause.map_or(String::new(), |cause| format!(": {cause}"));
                told.warnings.push(format!("{}{cause}", fault.message));
            }
            Err(fault) => return Err(fault),
        }
    }
    if told.changed.is_empty() && told.unchanged.is_empty() && !told.warnings.is_empty() {
        let mut fault = Fault::new(Code::Network, "no repository could be reached");
        fault.cause = told.warnings;
        return Err(fault);
    }
    Ok(told)
}

fn prepare(root: &Path, max_age_s: Option<u64>, into: &Path) -> Result<(Vec<Job>, Keys), Error> {
    let conf = Conf::read(root);
    let state = State::read(root)?;
    let mut jobs = Vec::new();
    for repository in conf.repositories.iter().filter(|it| it.usage.sync) {
        let files = repository.files_database(&conf);
        let both = [("db", repository.database(&conf)), ("files", files)];
        for (suffix, place) in both {
            let modified = fs::metadata(&place).and_then(|data| data.modified()).ok();
            // Lists of files are kept up to date where somebody asked for them once.
            if suffix == "files" && modified.is_none() {
                continue;
            }
            let modified = modified.and_then(|it| it.duration_since(SystemTime::UNIX_EPOCH).ok());
            let file = format!("{}.{suffix}", repository.name);
            jobs.push(Job {
                remembered: state.get(&file),
                name: repository.name.clone(),
                servers: repository.servers.clone(),
                check: repository.sig_level.database,
                modified: modified.map(|time| time.as_secs()),
                into: into.to_path_buf(),
                max_age_s,
                place,
                file,
            });
        }
    }
    Ok((jobs, Keys::read(&conf)))
}

/// Asks one mirror after the other until one has what can be believed. Its size; `None` if the one in
/// place is the newest.
async fn one(fetcher: &Fetcher, job: &Job, keys: Arc<Keys>) -> Result<Option<u64>, Error> {
    let mut servers = job.servers.as_slice();
    if servers.is_empty() {
        return Err(Error::NoServer { name: job.name.clone() });
    }
    let mut first = None;
    while !servers.is_empty() {
        let (error, at) = match ask(fetcher, job, servers).await {
            Ok(None) => {
                let old = of_place(job, keys.clone()).await;
                return old.map(|()| None);
            }
            Ok(Some((document, signature))) => {
                let at = document.mirror;
                match keep(job.clone(), document, signature, keys.clone()).await {
                    Ok(size) => return Ok(Some(size)),
                    Err(error) => (error, at),
                }
            }
            // The fetcher has asked them all.
            Err(error) => return Err(first.unwrap_or(error)),
        };
        first = first.or(Some(error));
        servers = servers.get(at + 1..).unwrap_or(&[]);
    }
    Err(first.unwrap_or_else(|| Error::NoServer { name: job.name.clone() }))
}

async fn ask(
    fetcher: &Fetcher,
    job: &Job,
    servers: &[String],
) -> Result<Option<(Document, Option<Vec<u8>>)>, Error> {
    let failed = |source| Error::Fetch { what: job.file.clone(), source };
    let url = |server: &String| format!("{}/{}", server.trim_end_matches('/'), job.file);
    let modified = job.modified.map(date::write);
    let request = DocumentRequest {
        urls: servers.iter().map(url).collect(),
        cap: LARGEST_DATABASE,
        conditional: modified.map(|time| Conditional { etag: None, last_modified: Some(time) }),
    };
    let document = match fetcher.fetch_document(&request, |_, _| {}).await.map_err(failed)? {
        Fetched::Unchanged => return Ok(None),
        Fetched::New(document) => document,
    };
    if job.check.verify == Verify::Never {
        return Ok(Some((document, None)));
    }
    // Of the same mirror: that of another one may be of another version.
    let server = servers.get(document.mirror).map(url).unwrap_or_default();
    let request = DocumentRequest {
        urls: vec![format!("{server}.sig")],
        cap: SIGNATURE_MAX as u64,
        conditional: None,
    };
    let signature = match fetcher.fetch_document(&request, |_, _| {}).await {
        Ok(Fetched::New(signature)) => {
            let read = |source| Error::io(&job.place, "reading a signature", source);
            Some(signature.content.into_bytes().map_err(read)?)
        }
        Ok(Fetched::Unchanged) => None,
        Err(error) if error.is_missing() => None,
        Err(error) => return Err(failed(error)),
    };
    Ok(Some((document, signature)))
}

/// The one in place is the newest, says a mirror that may stand still.
async fn of_place(job: &Job, keys: Arc<Keys>) -> Result<(), Error> {
    let job = job.clone();
    blocking("reading a database", move || {
        drop(keys);
        if job.max_age_s.is_none() {
            return Ok(());
        }
        let newest = summary::of(&job.place, is_files(&job.file))?.newest;
        Ok(judge::fresh(&job.name, newest, job.max_age_s, now())?)
    })
    .await
    .map_err(Error::from)
}

pub(super) fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |time| time.as_secs())
}

/// Writes what came, and verifies it.
async fn keep(
    job: Job,
    document: Document,
    signature: Option<Vec<u8>>,
    keys: Arc<Keys>,
) -> Result<u64, Error> {
    blocking("verifying a database", move || {
        let path = job.into.join(&job.file);
        let result = verified(&job, &path, document, signature.as_deref(), &keys);
        if result.is_err() {
            // What is not verified is not left lying about.
            for path in [path.clone(), signature_of(&path)] {
                let _ = fs::remove_file(path);
            }
        }
        Ok(result?)
    })
    .await
    .map_err(Error::from)
}

fn signature_of(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(".sig");
    path.into()
}

fn verified(
    job: &Job,
    path: &Path,
    document: Document,
    signature: Option<&[u8]>,
    keys: &Keys,
) -> Result<u64, Error> {
    let writing = "keeping a database";
    let mut to = File::create(path).map_err(Error::write(path, writing))?;
    match document.content {
        Content::Memory(bytes) => to.write_all(&bytes),
        Content::File(mut file) => {
            io::Seek::rewind(&mut file).and_then(|()| io::copy(&mut file, &mut to)).map(|_| ())
        }
    }
    .map_err(Error::write(path, writing))?;
    let before = before(job)?;
    let file = File::open(path).map_err(|error| Error::io(path, writing, error))?;
    keys.verify(&job.file, &file, signature, job.check, before.was_signed())?;
    let new = summary::of(path, is_files(&job.file))?;
    judge::successor(&job.name, &new, &before)?;
    judge::fresh(&job.name, new.newest, job.max_age_s, now())?;
    if let Some(bytes) = signature {
        let path = signature_of(path);
        fs::write(&path, bytes).map_err(Error::write(&path, writing))?;
    }
    // pacman gives a database the time that the mirror's has, and asks for what is newer.
    let changed = document.last_modified.as_deref().and_then(date::parse);
    if let Some(changed) = changed {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(changed.min(now()));
        to.set_modified(time).map_err(Error::write(path, writing))?;
    }
    Ok(document.size)
}

/// What is known of the database in place.
fn before(job: &Job) -> Result<Before, Error> {
    Ok(Before {
        // One that can't be read is as good as none.
        summary: summary::of(&job.place, is_files(&job.file)).ok(),
        signed: keys::beside(&signature_of(&job.place))?.is_some(),
        remembered: job.remembered,
    })
}
