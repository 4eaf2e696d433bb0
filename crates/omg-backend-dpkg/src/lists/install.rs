//! Putting fetched lists into place: the side of root.
//!
//! Nothing in the directory is believed, whoever made it: names are those that the root's own
//! sources lead to, sizes are bounded by what is signed for, no link is followed, and every
//! signature, date and digest is checked by the root's own settings and keyrings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use omg_backend::swap::{self, Steps};
use omg_core::Fault;
use omg_verify::openpgp::CryptoPolicy;
use rustix::fs::{Mode, OFlags};

use super::fetch::{expand, in_place, offered, suffix_of};
use super::journal;
use super::judge::{self, Before};
use super::lock::Lock;
use super::plain::{self, Unlike};
use super::release::{Entry, Release};
use super::signature::{self, Files};
use super::state::State;
use super::{languages, release};
use crate::apt::sources::{Index, Sources, Suite};
use crate::apt::{Conf, lists};
use crate::error::Error;

/// Most files in the directory: each suite of each source has about ten.
const MOST_FILES: usize = 20_000;

/// Bytes, at most, of a list as it lies on disk beyond its signed size: what a compression adds to
/// what can't be compressed.
const MOST_OVERHEAD: u64 = 1 << 20;

/// Verifies the lists in `staged` and swaps them in, all or none, under apt's lock of the lists.
/// Answers with a line for each suite that differs now.
///
/// `staged` has files under the names that they get in apt's directory of lists, as
/// [`PackageManager::fetch_lists`](omg_backend::PackageManager::fetch_lists) leaves them. What is
/// neither there nor in place as it must be refuses the suite, and with it everything.
///
/// The lock is apt's own (`lists/lock`, fcntl): the process must not hold it already, since closing
/// any descriptor of that file would let it go.
pub fn install(root: &Path, staged: &Path) -> Result<Vec<String>, Fault> {
    let conf = Conf::read(root);
    let lists = conf.dir("Dir::State::lists");
    let _lock = Lock::take(&lists)?;
    journal::place(root, &lists).finish()?;
    let system = System {
        sources: Sources::read(&conf),
        state: State::read(root)?,
        now: SystemTime::now(),
        staged: staged.to_path_buf(),
        root: root.to_path_buf(),
        conf,
        lists,
    };
    Ok(system.install()?)
}

struct System {
    conf: Conf,
    sources: Sources,
    lists: PathBuf,
    staged: PathBuf,
    root: PathBuf,
    state: State,
    now: SystemTime,
}

/// What is to happen to one suite.
struct Swap {
    title: String,
    /// Names of files that are taken from the directory, with what was signed for lists.
    taken: Vec<(String, Option<(String, Entry)>)>,
    /// Names of files in place that do not belong to the new Release file.
    dropped: Vec<String>,
}

impl System {
    fn install(mut self) -> Result<Vec<String>, Error> {
        let mut names = self.names()?;
        let codes = languages::in_place(&self.staged);
        let suites = std::mem::take(&mut self.sources.suites);
        let mut swaps = Vec::new();
        for suite in &suites {
            if let Some(swap) = self.suite(suite, &codes, &mut names)? {
                swaps.push(swap);
            }
        }
        if let Some(name) = names.first() {
            let what = omg_core::escape(name).to_string();
            return Err(Error::Source { what, reason: "it belongs to no configured source" });
        }
        if swaps.is_empty() {
            return Ok(Vec::new());
        }
        self.swap(&swaps)?;
        Ok(swaps.into_iter().map(|swap| swap.title).collect())
    }

    /// The names in the directory.
    fn names(&self) -> Result<BTreeSet<String>, Error> {
        let failed = |source| Error::io(&self.staged, "listing what was fetched", source);
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(&self.staged).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            names.insert(name.to_string_lossy().into_owned());
            if names.len() > MOST_FILES {
                let limit = MOST_FILES as u64;
                return Err(Error::TooLarge { path: self.staged.clone(), limit });
            }
        }
        Ok(names)
    }

    /// Verifies what was fetched of a suite, and takes its names. `None` if nothing was.
    fn suite(
        &self,
        suite: &Suite,
        codes: &[String],
        names: &mut BTreeSet<String>,
    ) -> Result<Option<Swap>, Error> {
        if !names.iter().any(|name| name.starts_with(&suite.prefix)) {
            return Ok(None);
        }
        let old = in_place(&self.lists, suite)?;
        let new = in_place(&self.staged, suite)?;
        let (before, pinned) = self.before(suite, old.as_ref().map(|(files, _)| files));
        let mut swap = Swap { title: suite.title(), taken: Vec::new(), dropped: Vec::new() };
        let release = match &new {
            Some((files, _)) => {
                let release = self.release(suite, files, &before, pinned.as_deref())?;
                self.release_files(suite, files, names, &mut swap);
                release
            }
            // Lists that were not wanted before; what they belong to is in place.
            None => before.release.ok_or_else(|| Error::Verify {
                what: suite.title(),
                source: omg_verify::Error::Unsigned,
            })?,
        };
        let mut wanted = languages::languages(&self.conf, "", &self.lists);
        wanted.extend(
            codes.iter().filter(|code| !wanted.contains(code)).cloned().collect::<Vec<_>>(),
        );
        let all = expand(suite, &wanted);
        for index in &all {
            self.index(suite, index, &all, &release, names, &mut swap)?;
        }
        Ok(Some(swap))
    }

    /// What is known of a suite before. One in place that does not verify is as good as none.
    fn before(&self, suite: &Suite, old: Option<&Files>) -> (Before, Option<String>) {
        let mut before = Before { remembered: self.state.get(&suite.prefix), ..Before::default() };
        let policy = CryptoPolicy::at(self.now);
        let opened = old.and_then(|it| signature::open(&self.conf, suite, it, None, &policy).ok());
        let Some(opened) = opened else { return (before, None) };
        before.signed = opened.trust.is_signed();
        before.release = Release::parse(&self.lists.join(&suite.prefix), &opened.text).ok();
        let pinned = before.release.as_ref().map(|it| it.signed_by.clone());
        (before, pinned.filter(|it| !it.is_empty()))
    }

    /// Verifies a new Release file and judges whether it may come.
    fn release(
        &self,
        suite: &Suite,
        files: &Files,
        before: &Before,
        pinned: Option<&str>,
    ) -> Result<Release, Error> {
        let policy = CryptoPolicy::at(self.now);
        let opened = signature::open(&self.conf, suite, files, pinned, &policy)?;
        let release = release::Release::parse(&self.staged.join(&suite.prefix), &opened.text)?;
        judge::successor(&self.conf, suite, &release, &opened.trust, before)?;
        let now = self.now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |it| it.as_secs());
        judge::fresh(&self.conf, suite, &release, now)?;
        Ok(release)
    }

    /// Takes the Release file's own names; the other form of it goes.
    fn release_files(
        &self,
        suite: &Suite,
        files: &Files,
        names: &mut BTreeSet<String>,
        swap: &mut Swap,
    ) {
        let taken: &[&str] = match files {
            Files::InRelease(_) => &["InRelease"],
            Files::Release(_, None) => &["Release"],
            Files::Release(_, Some(_)) => &["Release", "Release.gpg"],
        };
        for name in ["InRelease", "Release", "Release.gpg"] {
            let file = format!("{}{name}", suite.prefix);
            if taken.contains(&name) {
                names.remove(&file);
                swap.taken.push((file, None));
            } else if self.lists.join(&file).symlink_metadata().is_ok() {
                swap.dropped.push(file);
            }
        }
    }

    /// Decides about one list: it comes, stays, or goes.
    fn index(
        &self,
        suite: &Suite,
        index: &Index,
        all: &[Index],
        release: &Release,
        names: &mut BTreeSet<String>,
        swap: &mut Swap,
    ) -> Result<(), Error> {
        let entry = offered(all, release).find(|(it, _)| *it == index).map(|(_, entry)| entry);
        let old = lists::find(&self.lists, &index.file);
        let old_name =
            old.as_ref().map(|it| format!("{}{}", index.file, suffix_of(&it.path, &index.file)));
        let name = format!("{}{}", index.file, index.kept_as);
        let Some(entry) = entry else {
            swap.dropped.extend(old_name);
            return Ok(());
        };
        if names.remove(&name) {
            swap.taken.push((name.clone(), Some((index.kept_as.clone(), entry))));
            swap.dropped.extend(old_name.filter(|old| *old != name));
            return Ok(());
        }
        let stays = old.as_ref().is_some_and(|old| {
            let suffix = suffix_of(&old.path, &index.file);
            File::open(&old.path).is_ok_and(|file| plain::check(&file, suffix, &entry).is_ok())
        });
        if stays {
            return Ok(());
        }
        if index.optional {
            swap.dropped.extend(old_name);
            return Ok(());
        }
        let reason = "it was not fetched, and the one in place is another".to_owned();
        Err(Error::Mismatch { what: name, suite: suite.title(), reason })
    }

    /// Copies and checks everything, writes down what is going to happen, and does it.
    fn swap(&mut self, swaps: &[Swap]) -> Result<(), Error> {
        let place = journal::place(&self.root, &self.lists);
        place.prepare()?;
        let prepared = self.prepare(&place.room, swaps);
        if prepared.is_err() {
            // The error that is reported is the one that matters.
            let _ = place.clear();
        }
        Ok(prepared?.commit(&place)?)
    }

    fn prepare(&mut self, room: &Path, swaps: &[Swap]) -> Result<Steps, Error> {
        let mut steps = Steps::default();
        let mut releases = BTreeMap::new();
        for swap in swaps {
            for (name, list) in &swap.taken {
                let to = room.join(name);
                let digest = self.copy(name, &to, list.as_ref(), &swap.title)?;
                if list.is_some() {
                    steps.put(name, &digest, false);
                } else {
                    releases.insert(name.clone(), digest);
                }
            }
            swap.dropped.iter().for_each(|name| steps.drop_file(name));
        }
        self.check_copies(room)?;
        // Last: until then what is in place belongs to the old Release file, and apt fetches it anew.
        for (name, digest) in &releases {
            steps.put(name, digest, true);
        }
        steps.state(&self.state.text());
        Ok(steps)
    }

    /// Copies one file, no link followed and no more than there can be, and checks the copy, which
    /// nobody else can write to. Gives its digest.
    fn copy(
        &self,
        name: &str,
        to: &Path,
        list: Option<&(String, Entry)>,
        suite: &str,
    ) -> Result<String, Error> {
        let from = self.staged.join(name);
        let failed = |source| Error::io(&from, "copying a list", source);
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let source = rustix::fs::open(&from, flags, Mode::empty())
            .map(File::from)
            .map_err(|error| failed(io::Error::from(error)))?;
        let data = source.metadata().map_err(failed)?;
        if !data.is_file() {
            let reason = "it is no regular file".to_owned();
            return Err(Error::Malformed { path: from, line: 0, reason });
        }
        let limit = list.map_or(super::LARGEST_RELEASE, |(_, entry)| {
            entry.size.saturating_add(entry.size / 64).saturating_add(MOST_OVERHEAD)
        });
        let writing = "copying a list";
        let mut copy = File::options()
            .write(true)
            .read(true)
            .create_new(true)
            .mode(0o644)
            .open(to)
            .map_err(Error::write(to, writing))?;
        let (digest, size) =
            swap::copy(source.take(limit + 1), &mut copy).map_err(Error::write(to, writing))?;
        if size > limit {
            return Err(Error::TooLarge { path: from, limit });
        }
        if let Some((suffix, entry)) = list {
            let copy = File::open(to).map_err(|source| Error::io(to, "checking a list", source))?;
            plain::check(&copy, suffix, entry).map_err(|it: Unlike| it.about(to, suite))?;
        }
        if let Ok(time) = data.modified() {
            copy.set_modified(time.min(self.now)).map_err(Error::write(to, writing))?;
        }
        // apt reads the lists as its own user.
        rustix::fs::fchmod(&copy, Mode::from_raw_mode(0o644))
            .map_err(|error| Error::write(to, writing)(error.into()))?;
        copy.sync_all().map_err(Error::write(to, writing))?;
        Ok(digest)
    }

    /// Verifies the Release files once more, as they were copied, and takes note of their dates: what
    /// was read before and what was copied could differ.
    fn check_copies(&mut self, room: &Path) -> Result<(), Error> {
        let suites = Sources::read(&self.conf).suites;
        for suite in &suites {
            let Some((files, _)) = in_place(room, suite)? else { continue };
            let old = in_place(&self.lists, suite)?;
            let (before, pinned) = self.before(suite, old.as_ref().map(|(files, _)| files));
            let release = self.release(suite, &files, &before, pinned.as_deref())?;
            let policy = CryptoPolicy::at(self.now);
            let opened = signature::open(&self.conf, suite, &files, pinned.as_deref(), &policy)?;
            if in_place(&self.staged, suite)?.is_none_or(|(staged, _)| staged != files) {
                let reason = "it changed while it was copied".to_owned();
                return Err(Error::Malformed {
                    path: self.staged.join(&suite.prefix),
                    line: 0,
                    reason,
                });
            }
            self.state.accept(&suite.prefix, release.date, opened.trust.is_signed());
        }
        Ok(())
    }
}
