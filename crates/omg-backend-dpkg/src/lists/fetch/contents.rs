//! The lists that are needed: fetched in the best form that a mirror has, unpacked, and put down under
//! the names that they will have in place.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use omg_backend::{FetchedLists, Heard, date};
use omg_core::{Code, Fault};
use omg_fetch::{Fetcher, Request, Stored};

use super::{Need, System, Task, keep};
use crate::apt::compression;
use crate::apt::sources::indexes::ByHash;
use crate::apt::uri::quote;
use crate::error::Error;
use crate::lists::plain;
use crate::lists::release::Entry;
use crate::lists::signature::Files;

/// A task with what came for each of its needs: the file and the suffix that it is packed by.
pub(super) struct Done {
    task: Task,
    files: Vec<Option<(Stored, &'static str)>>,
    failed: Option<Error>,
}

/// Fetches what is needed, all at once; what a mirror has not in one compression is asked for in the
/// next one.
pub(super) async fn contents(fetcher: &Fetcher, tasks: Vec<Task>, heard: Heard<'_>) -> Vec<Done> {
    let mut all: Vec<Done> = tasks
        .into_iter()
        .map(|task| Done { files: task.needs.iter().map(|_| None).collect(), task, failed: None })
        .collect();
    for round in 0..compression::SUFFIXES.len() {
        let mut asked = Vec::new();
        for (at, done) in all.iter().enumerate().filter(|(_, done)| done.failed.is_none()) {
            let open = done
                .task
                .needs
                .iter()
                .enumerate()
                .filter(|(number, _)| done.files.get(*number).is_some_and(Option::is_none));
            for (number, need) in open {
                if let Some(variant) = need.variants.get(round) {
                    let request = request(&done.task, need, variant);
                    asked.push(((at, number, variant.0), request));
                }
            }
        }
        if asked.is_empty() {
            break;
        }
        let (places, requests): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        let results = fetcher.fetch_files(requests, heard).await;
        for ((at, number, suffix), result) in places.into_iter().zip(results) {
            let Some(done) = all.get_mut(at) else { continue };
            match result {
                Ok(stored) => {
                    if let Some(place) = done.files.get_mut(number) {
                        *place = Some((stored, suffix));
                    }
                }
                Err(error) if error.is_missing() => {}
                Err(source) => {
                    let what = done.task.job.suite.title();
                    done.failed = Some(Error::Fetch { what, source });
                }
            }
        }
    }
    all
}

fn request(task: &Task, need: &Need, (suffix, entry): &(&'static str, Entry)) -> Request {
    let path = format!("{}{}{suffix}", task.job.suite.path(), need.index.key);
    let dir = path.rsplit_once('/').map_or(String::new(), |(dir, _)| format!("{dir}/"));
    let by_hash = match need.index.by_hash {
        ByHash::No => false,
        ByHash::Offered => task.release.by_hash,
        ByHash::Force => true,
    };
    let mut paths = vec![quote(&path, "+~ ")];
    if by_hash {
        paths.insert(0, format!("{}by-hash/SHA256/{}", quote(&dir, "+~ "), entry.sha256));
    }
    let bases = task.job.bases.iter();
    Request {
        name: format!("{} {}{suffix}", task.job.suite.dist, need.index.key),
        urls: bases.flat_map(|base| paths.iter().map(move |it| format!("{base}{it}"))).collect(),
        size: Some(entry.size),
        sha256: entry.sha256,
        signature: None,
        cached: Vec::new(),
    }
}

/// Writes what came under the names that it will have in place.
pub(super) fn store(
    system: &System,
    all: Vec<Done>,
    mut told: FetchedLists,
    into: &Path,
) -> Result<FetchedLists, Fault> {
    let mut whole = Vec::new();
    for mut done in all {
        let missing = done
            .task
            .needs
            .iter()
            .zip(&done.files)
            .find(|(need, file)| file.is_none() && !need.index.optional);
        if let (None, Some((need, _))) = (&done.failed, missing) {
            let what = format!("{} {}", done.task.job.suite.title(), need.index.key);
            done.failed = Some(Error::Gone { what });
        }
        let failed = done.failed.take();
        keep(failed.map_or(Ok(done), Err), &mut whole, &mut told)?;
    }
    for done in whole {
        let title = done.task.job.suite.title();
        if done.task.new.is_none() && done.files.iter().all(Option::is_none) {
            told.unchanged.push(title);
            continue;
        }
        place(system, &done, into)?;
        told.changed.push(title);
    }
    if told.changed.is_empty() && told.unchanged.is_empty() && !told.warnings.is_empty() {
        let mut fault = Fault::new(Code::Network, "no repository could be reached");
        fault.cause = told.warnings;
        return Err(fault);
    }
    Ok(told)
}

fn place(system: &System, done: &Done, into: &Path) -> Result<(), Error> {
    let suite = &done.task.job.suite;
    for (need, file) in done.task.needs.iter().zip(&done.files) {
        let Some((stored, suffix)) = file else { continue };
        let path = into.join(format!("{}{}", need.index.file, need.index.kept_as));
        let from = File::open(&stored.path)
            .map_err(|source| Error::io(&stored.path, "unpacking a list", source))?;
        let to = File::create_new(&path).map_err(Error::write(&path, "keeping a list"))?;
        plain::repack(&from, suffix, &need.entry, &to, &need.index.kept_as)
            .map_err(|unlike| unlike.about(&path, &suite.title()))?;
        dated(&to, &path, done.task.release.date)?;
    }
    let Some((files, time)) = &done.task.new else { return Ok(()) };
    let time = time.as_deref().and_then(date::parse).or(done.task.release.date);
    let now = system.seconds();
    let write = |name: &str, bytes: &[u8]| {
        let path = into.join(format!("{}{name}", suite.prefix));
        let mut to = File::create_new(&path).map_err(Error::write(&path, "keeping a list"))?;
        to.write_all(bytes).map_err(Error::write(&path, "keeping a list"))?;
        dated(&to, &path, Some(time.unwrap_or(now).min(now)))
    };
    match files {
        Files::InRelease(bytes) => write("InRelease", bytes),
        Files::Release(bytes, signature) => {
            write("Release", bytes)?;
            signature.as_ref().map_or(Ok(()), |bytes| write("Release.gpg", bytes))
        }
    }
}

/// Gives a file the time that the archive's has: apt asks for what is newer.
fn dated(file: &File, path: &Path, seconds: Option<u64>) -> Result<(), Error> {
    let Some(seconds) = seconds else { return Ok(()) };
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    file.set_modified(time).map_err(Error::write(path, "dating a list"))
}
