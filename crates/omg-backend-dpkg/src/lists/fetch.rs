//! Fetching: the user's side. Nothing below the root is written.

mod contents;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use omg_backend::work::blocking;
use omg_backend::{FetchedLists, Heard, date};
use omg_core::{Code, Fault, Phase, Progress};
use omg_fetch::{Conditional, DocumentRequest, Fetched, Fetcher};
use omg_verify::openpgp::CryptoPolicy;
use tokio::task::JoinSet;

use contents::{contents, store};

use super::judge::{self, Before};
use super::release::{Entry, Release};
use super::signature::{self, Files, Opened};
use super::state::State;
use super::{LARGEST_RELEASE, languages, mirrors, plain};
use crate::apt::Conf;
use crate::apt::sources::{Index, Sources, Suite, indexes};
use crate::apt::uri::quote;
use crate::apt::{compression, lists};
use crate::error::Error;

/// A suite that is asked for.
struct Job {
    suite: Suite,
    bases: Vec<String>,
    before: Before,
    /// Of the Release file in place: `InRelease`, and when it was last changed.
    place: Option<(bool, u64)>,
    pinned: Option<String>,
}

/// What a mirror answered.
enum Got {
    Unchanged,
    New(Files, Option<String>),
}

/// A list that has to be fetched, and ways to have it.
struct Need {
    index: Index,
    entry: Entry,
    /// Suffixes in which it is offered, best first, with what was signed for them.
    variants: Vec<(&'static str, Entry)>,
}

/// What is to be done for a suite.
struct Task {
    job: Job,
    release: Release,
    /// The new Release file with the time of its last change.
    new: Option<(Files, Option<String>)>,
    needs: Vec<Need>,
}

/// Everything that is the same for all suites.
struct System {
    conf: Conf,
    lists: PathBuf,
    locale: String,
    now: SystemTime,
}

impl System {
    fn seconds(&self) -> u64 {
        self.now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs())
    }
}

/// Fetches all lists of the system below `root` into an empty directory.
pub(crate) async fn fetch(
    root: &Path,
    locale: String,
    fetcher: &Fetcher,
    into: &Path,
    heard: Heard<'_>,
) -> Result<FetchedLists, Fault> {
    let from = root.to_path_buf();
    let (system, jobs, mut told) =
        blocking("reading the sources", move || Ok(prepare(&from, locale)?)).await?;
    heard(Progress::Phase { phase: Phase::Sync, items: jobs.len() as u32 });
    let answers = releases(fetcher, jobs).await;
    let (system, tasks, told) = blocking("verifying the lists", move || {
        let mut tasks = Vec::new();
        for (job, answer) in answers {
            let task = answer.and_then(|got| task(&system, job, got, &mut told));
            keep(task, &mut tasks, &mut told)?;
        }
        Ok((system, tasks, told))
    })
    .await?;
    let fetched = contents(fetcher, tasks, heard).await;
    let into = into.to_path_buf();
    blocking("keeping the lists", move || store(&system, fetched, told, &into)).await
}

/// What stops one repository and not the others: it can't be reached. All else stops everything.
fn keep<T>(
    result: Result<T, Error>,
    all: &mut Vec<T>,
    told: &mut FetchedLists,
) -> Result<(), Fault> {
    match result.map_err(|error| error.fault()) {
        Ok(one) => all.push(one),
        Err(fault) if matches!(fault.code, Code::Network | Code::Gone) => {
            tracing::warn!("{fault}");
            let cause = fault.cause.first().map_or(String::new(), |cause| format!(": {cause}"));
            told.warnings.push(format!("{}{cause}", fault.message));
        }
        Err(fault) => return Err(fault),
    }
    Ok(())
}

fn prepare(root: &Path, locale: String) -> Result<(System, Vec<Job>, FetchedLists), Error> {
    let conf = Conf::read(root);
    let sources = Sources::read(&conf);
    let system =
        System { lists: conf.dir("Dir::State::lists"), conf, locale, now: SystemTime::now() };
    let state = State::read(root)?;
    let mut told = FetchedLists { warnings: sources.warnings, ..FetchedLists::default() };
    let mut jobs = Vec::new();
    for suite in sources.suites {
        if let Some(option) = &suite.conflict {
            let line =
                format!("{}: two sources contradict each other in '{option}'", suite.title());
            return Err(Error::Pattern { reason: line });
        }
        if suite.uri.starts_with("cdrom:") {
            told.warnings.push(format!("{}: media are left to apt-get", suite.title()));
            continue;
        }
        let bases = mirrors::bases(&system.conf, &suite)?;
        let mut job = Job { bases, before: Before::default(), place: None, pinned: None, suite };
        job.before.remembered = state.get(&job.suite.prefix);
        look(&system, &mut job)?;
        jobs.push(job);
    }
    Ok((system, jobs, told))
}

/// Looks at what is in place. What does not verify any more is as good as nothing.
fn look(system: &System, job: &mut Job) -> Result<(), Error> {
    let Some((files, modified)) = in_place(&system.lists, &job.suite)? else { return Ok(()) };
    let is_inline = matches!(files, Files::InRelease(_));
    let policy = CryptoPolicy::at(system.now);
    let Ok(opened) = signature::open(&system.conf, &job.suite, &files, None, &policy) else {
        return Ok(());
    };
    let path = system.lists.join(format!("{}Release", job.suite.prefix));
    if let Ok(release) = Release::parse(&path, &opened.text) {
        job.pinned = Some(release.signed_by.clone()).filter(|it| !it.is_empty());
        job.before.release = Some(release);
        job.before.signed = opened.trust.is_signed();
        job.place = Some((is_inline, modified));
    }
    Ok(())
}

/// The Release file of a suite in a directory, and when it was changed.
pub(super) fn in_place(lists: &Path, suite: &Suite) -> Result<Option<(Files, u64)>, Error> {
    let read = |name: &str| -> Result<Option<(Vec<u8>, u64)>, Error> {
        let path = lists.join(format!("{}{name}", suite.prefix));
        read_release(&path)
    };
    if let Some((bytes, modified)) = read("InRelease")? {
        return Ok(Some((Files::InRelease(bytes), modified)));
    }
    let Some((bytes, modified)) = read("Release")? else { return Ok(None) };
    let signature = read("Release.gpg")?.map(|(bytes, _)| bytes);
    Ok(Some((Files::Release(bytes, signature), modified)))
}

/// A small file with its time, no link followed; `None` if it is not there.
pub(super) fn read_release(path: &Path) -> Result<Option<(Vec<u8>, u64)>, Error> {
    use rustix::fs::{Mode, OFlags, open};
    use std::io::Read;
    let failed = |source| Error::io(path, "reading a Release file", source);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match open(path, flags, Mode::empty()) {
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        other => File::from(other.map_err(|error| failed(error.into()))?),
    };
    let data = file.metadata().map_err(failed)?;
    if !data.is_file() {
        let reason = "it is no regular file".to_owned();
        return Err(Error::Malformed { path: path.to_path_buf(), line: 0, reason });
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_RELEASE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST_RELEASE {
        return Err(Error::TooLarge { path: path.to_path_buf(), limit: LARGEST_RELEASE });
    }
    let modified =
        data.modified().ok().and_then(|it| it.duration_since(SystemTime::UNIX_EPOCH).ok());
    Ok(Some((bytes, modified.map_or(0, |time| time.as_secs()))))
}

/// Asks for all Release files at once.
async fn releases(fetcher: &Fetcher, jobs: Vec<Job>) -> Vec<(Job, Result<Got, Error>)> {
    let mut set = JoinSet::new();
    for (number, job) in jobs.into_iter().enumerate() {
        let fetcher = fetcher.clone();
        set.spawn(async move {
            let got = release(&fetcher, &job).await;
            let what = job.suite.title();
            (number, job, got.map_err(|source| Error::Fetch { what, source }))
        });
    }
    let mut all = Vec::new();
    while let Some(joined) = set.join_next().await {
        // A task that panicked has said so; its suite is missing and is not taken for unchanged.
        if let Ok(answer) = joined {
            all.push(answer);
        }
    }
    all.sort_by_key(|(number, ..)| *number);
    all.into_iter().map(|(_, job, got)| (job, got)).collect()
}

async fn release(fetcher: &Fetcher, job: &Job) -> Result<Got, omg_fetch::Error> {
    let ask = async |name: &str, conditional: Option<u64>| {
        let path = quote(&format!("{}{name}", job.suite.path()), "+~ ");
        let request = DocumentRequest {
            urls: job.bases.iter().map(|base| format!("{base}{path}")).collect(),
            cap: LARGEST_RELEASE,
            conditional: conditional
                .map(|time| Conditional { etag: None, last_modified: Some(date::write(time)) }),
        };
        fetcher.fetch_document(&request, |_, _| {}).await
    };
    let place = |inline| job.place.filter(|(is, _)| *is == inline).map(|(_, time)| time);
    let bytes = |document: omg_fetch::Document| {
        let url = document.url.clone();
        document.content.into_bytes().map_err(|source| omg_fetch::Error::Io {
            path: PathBuf::from(url),
            context: "reading what came",
            source,
        })
    };
    let missing = match ask("InRelease", place(true)).await {
        Ok(Fetched::Unchanged) => return Ok(Got::Unchanged),
        Ok(Fetched::New(document)) => {
            let time = document.last_modified.clone();
            return Ok(Got::New(Files::InRelease(bytes(document)?), time));
        }
        Err(error) if error.is_missing() => error,
        Err(error) => return Err(error),
    };
    let document = match ask("Release", place(false)).await {
        Ok(Fetched::Unchanged) => return Ok(Got::Unchanged),
        Ok(Fetched::New(document)) => document,
        Err(error) if error.is_missing() => return Err(missing),
        Err(error) => return Err(error),
    };
    let time = document.last_modified.clone();
    let text = bytes(document)?;
    let signature = match ask("Release.gpg", None).await {
        Ok(Fetched::New(document)) => Some(bytes(document)?),
        Ok(Fetched::Unchanged) => None,
        Err(error) if error.is_missing() => None,
        Err(error) => return Err(error),
    };
    Ok(Got::New(Files::Release(text, signature), time))
}

/// Verifies an answer, and tells what else is needed.
fn task(system: &System, job: Job, got: Got, told: &mut FetchedLists) -> Result<Task, Error> {
    let path = PathBuf::from(format!("{}Release", job.suite.prefix));
    let (release, new) = match got {
        // Nothing is asked conditionally unless there is one.
        Got::Unchanged => (job.before.release.clone().unwrap_or_default(), None),
        Got::New(files, time) => {
            let policy = CryptoPolicy::at(system.now);
            let Opened { text, trust } =
                signature::open(&system.conf, &job.suite, &files, job.pinned.as_deref(), &policy)?;
            let release = Release::parse(&path, &text)?;
            judge::successor(&system.conf, &job.suite, &release, &trust, &job.before)?;
            (release, Some((files, time)))
        }
    };
    judge::fresh(&system.conf, &job.suite, &release, system.seconds())?;
    let new = new.filter(|(files, _)| !is_in_place(system, &job.suite, files));
    let needs = needs(system, &job, &release, new.is_some(), told);
    Ok(Task { job, release, new, needs })
}

fn is_in_place(system: &System, suite: &Suite, files: &Files) -> bool {
    match (in_place(&system.lists, suite), files) {
        (Ok(Some((Files::InRelease(old), _))), Files::InRelease(new)) => old == *new,
        (Ok(Some((Files::Release(old, sig), _))), Files::Release(new, new_sig)) => {
            old == *new && sig == *new_sig
        }
        _ => false,
    }
}

/// The lists of a suite, one for each language that is wanted.
pub(super) fn expand(suite: &Suite, default: &[String]) -> Vec<Index> {
    let languages = indexes::languages(&suite.options, default);
    let mut all = Vec::new();
    for index in &suite.indexes {
        if index.has_languages() {
            all.extend(languages.iter().map(|language| index.of_language(language)));
        } else {
            all.push(index.clone());
        }
    }
    all
}

/// What a suite's Release file offers of what is wanted.
pub(super) fn offered<'i>(
    all: &'i [Index],
    release: &'i Release,
) -> impl Iterator<Item = (&'i Index, Entry)> {
    all.iter().filter_map(move |index| {
        let covered = |other: &&Index| {
            index.fallback_of.as_deref() == Some(&other.target)
                && release.file(&other.key).is_some()
        };
        let has = index.architecture.is_empty() || release.has(&index.target, &index.architecture);
        let entry = release.file(&index.key)?;
        (has && !all.iter().any(|other| covered(&other))).then_some((index, entry))
    })
}

fn needs(
    system: &System,
    job: &Job,
    release: &Release,
    is_new: bool,
    told: &mut FetchedLists,
) -> Vec<Need> {
    let wanted = languages::languages(&system.conf, &system.locale, &system.lists);
    let all = expand(&job.suite, &wanted);
    let mut needs = Vec::new();
    for (index, entry) in offered(&all, release) {
        if let Some(found) = lists::find(&system.lists, &index.file) {
            let suffix = suffix_of(&found.path, &index.file);
            let same = |file: &File| plain::check(file, suffix, &entry).is_ok();
            if !is_new || File::open(&found.path).is_ok_and(|file| same(&file)) {
                continue;
            }
        }
        let variants = order(&system.conf).into_iter();
        let variants: Vec<_> = variants
            .filter_map(|suffix| Some((suffix, release.file(&format!("{}{suffix}", index.key))?)))
            .collect();
        needs.push(Need { index: index.clone(), entry, variants });
    }
    let required = |index: &&Index| {
        let has = index.architecture.is_empty() || release.has(&index.target, &index.architecture);
        !index.optional
            && index.architecture != "all"
            && (release.file(&index.key).is_none() || !has)
    };
    for index in all.iter().filter(required) {
        told.warnings.push(format!("{} does not have '{}'", job.suite.title(), index.key));
    }
    needs
}

/// What follows a list's name in its file name: `.lz4`.
pub(super) fn suffix_of<'p>(path: &'p Path, stem: &str) -> &'p str {
    path.file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| name.strip_prefix(stem))
        .unwrap_or("")
}

/// Compressions in the order in which they are preferred: as configured, then small ones.
fn order(conf: &Conf) -> Vec<&'static str> {
    let usual = [".xz", ".zst", ".gz", ".lz4", ".lzma", ""];
    let mut all: Vec<&'static str> = conf
        .list("Acquire::CompressionTypes::Order")
        .into_iter()
        .filter_map(|name| usual.into_iter().find(|it| it.strip_prefix('.') == Some(name)))
        .collect();
    for suffix in usual {
        if !all.contains(&suffix) && compression::SUFFIXES.contains(&suffix) {
            all.push(suffix);
        }
    }
    all
}
