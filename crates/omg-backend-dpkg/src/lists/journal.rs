//! The swap itself: prepared files beside the lists, a journal of what happens to them, and what is
//! done about a journal that a crash left.
//!
//! Prepared files lie in `lists/.omg`, on the same file system and open to root only (`partial`
//! belongs to apt's unprivileged user). The journal is `var/lib/omg/state/lists.journal`: once it is
//! there, the swap is finished whatever happens; without it nothing was touched. Release files are
//! renamed last, so that apt by itself would fetch everything anew after a crash in the middle.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use omg_core::Fault;
use rustix::fs::{FlockOperation, fcntl_lock};

use super::state;
use crate::apt::Conf;
use crate::apt::read::read_text;
use crate::error::Error;

/// First line of a journal.
const HEAD: &str = "omg-lists/1";

/// Where files are prepared.
pub(super) fn directory(lists: &Path) -> PathBuf {
    lists.join(".omg")
}

fn file(root: &Path) -> PathBuf {
    state::directory(root).join("lists.journal")
}

/// Was a swap cut off?
pub fn interrupted(root: &Path) -> bool {
    file(root).symlink_metadata().is_ok()
}

/// Finishes a swap that was cut off, under apt's lock of the lists. Answers with the lines that tell
/// what was done; none if there was nothing to do.
pub fn recover(root: &Path) -> Result<Vec<String>, Fault> {
    let lists = Conf::read(root).dir("Dir::State::lists");
    if !interrupted(root) && directory(&lists).symlink_metadata().is_err() {
        return Ok(Vec::new());
    }
    let _lock = Lock::take(&lists)?;
    Ok(finish(root, &lists)?)
}

/// The same with the lock held. What was only prepared is cleared away.
pub(super) fn finish(root: &Path, lists: &Path) -> Result<Vec<String>, Error> {
    let Some(journal) = Journal::read(root)? else {
        clear(&directory(lists))?;
        return Ok(Vec::new());
    };
    journal.carry_out(root, lists)?;
    Ok(vec!["the lists that were being put into place are in place now".into()])
}

/// Removes the directory of prepared files.
pub(super) fn clear(room: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(room) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::write(room, "clearing what was prepared")(error))
        }
        _ => Ok(()),
    }
}

/// What happens, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Journal {
    steps: Vec<Step>,
    /// Text of the file of dates afterwards.
    state: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// A prepared file gets its place: name, BLAKE3.
    Put(String, String),
    /// A file goes.
    Drop(String),
}

impl Journal {
    pub(super) fn put(&mut self, name: &str, digest: &str) {
        self.steps.push(Step::Put(name.to_owned(), digest.to_owned()));
    }

    pub(super) fn drop_file(&mut self, name: &str) {
        self.steps.push(Step::Drop(name.to_owned()));
    }

    pub(super) fn state(&mut self, text: &str) {
        text.clone_into(&mut self.state);
    }

    fn text(&self) -> String {
        let steps = self.steps.iter().fold(format!("{HEAD}\n"), |text, step| match step {
            Step::Put(name, digest) => format!("{text}put\t{name}\t{digest}\n"),
            Step::Drop(name) => format!("{text}drop\t{name}\n"),
        });
        format!("{steps}state\n{}", self.state)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let wrong = |line| Error::Malformed {
            path: path.to_path_buf(),
            line,
            reason: "not a step of a swap".into(),
        };
        let (steps, state) = text.split_once("\nstate\n").ok_or_else(|| wrong(0))?;
        let mut journal = Self { steps: Vec::new(), state: state.to_owned() };
        let mut lines = (1..).zip(steps.lines());
        if lines.next().is_none_or(|(_, line)| line != HEAD) {
            return Err(wrong(1));
        }
        for (number, line) in lines {
            let fields: Vec<&str> = line.split('\t').collect();
            let name = fields.get(1).copied().unwrap_or("");
            if name.is_empty() || name.contains('/') || name.starts_with('.') {
                return Err(wrong(number));
            }
            match fields.as_slice() {
                ["put", name, digest] => journal.put(name, digest),
                ["drop", name] => journal.drop_file(name),
                _ => return Err(wrong(number)),
            }
        }
        Ok(journal)
    }

    fn read(root: &Path) -> Result<Option<Self>, Error> {
        let path = file(root);
        match read_text(&path) {
            Ok(text) => Self::parse(&path, &text).map(Some),
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes the swap certain.
    pub(super) fn write(&self, root: &Path) -> Result<(), Error> {
        replace(&file(root), &self.text())
    }

    /// Does all steps, those that are done already once more, and forgets the journal.
    pub(super) fn carry_out(&self, root: &Path, lists: &Path) -> Result<(), Error> {
        let room = directory(lists);
        // Files that belong together are all there, or the suite's Release file goes as well: then
        // nothing of it counts until it is fetched anew.
        let whole = self.steps.iter().all(|step| match step {
            Step::Put(name, digest) => {
                room.join(name).symlink_metadata().is_ok() || has_digest(&lists.join(name), digest)
            }
            Step::Drop(_) => true,
        });
        for step in &self.steps {
            match step {
                Step::Put(name, _) if whole => {
                    let (from, to) = (room.join(name), lists.join(name));
                    match fs::rename(&from, &to) {
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        other => other.map_err(Error::write(&to, "putting a list into place"))?,
                    }
                }
                Step::Put(name, _) if name.ends_with("Release") => {
                    remove(&lists.join(name))?;
                }
                Step::Put(..) => {}
                Step::Drop(name) => remove(&lists.join(name))?,
            }
            omg_failpoint::reach!("lists.swap.step");
        }
        sync(lists)?;
        replace(&state::file(root), &self.state)?;
        omg_failpoint::reach!("lists.swap.done");
        clear(&room)?;
        remove(&file(root))?;
        sync(&state::directory(root))
    }
}

fn has_digest(path: &Path, digest: &str) -> bool {
    let mut hasher = blake3::Hasher::new();
    let read = File::open(path).and_then(|mut file| {
        let mut buffer = vec![0; 128 << 10];
        loop {
            let read = file.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
                return Ok(());
            };
            hasher.update(bytes);
        }
    });
    read.is_ok() && hasher.finalize().to_hex().as_str() == digest
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::write(path, "removing a list")(error))
        }
        _ => Ok(()),
    }
}

fn sync(dir: &Path) -> Result<(), Error> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::write(dir, "syncing it"))
}

/// Writes a small file, whole or not at all.
fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let next = path.with_extension("new");
    let failed = || Error::write(path, "writing it");
    let mut to = File::create(&next).map_err(failed())?;
    to.write_all(text.as_bytes()).map_err(failed())?;
    to.sync_all().map_err(failed())?;
    fs::rename(&next, path).map_err(failed())?;
    path.parent().map_or(Ok(()), sync)
}

/// apt's lock of the lists, let go of with the process at the latest.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "closing it is what unlocks")] File);

impl Lock {
    /// Takes it, or names who has it.
    pub(super) fn take(lists: &Path) -> Result<Self, Error> {
        fs::create_dir_all(lists).map_err(Error::write(lists, "making the directory of lists"))?;
        let path = lists.join("lock");
        let failed = || Error::write(&path, "locking the lists");
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed())?;
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self(file)),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => {
                Err(Error::Locked { holder: holder(&file), path })
            }
            Err(error) => Err(failed()(error.into())),
        }
    }
}

/// `process 12 (apt-get)`.
fn holder(file: &File) -> String {
    use rustix::process::{Flock, FlockType, fcntl_getlk};
    let ask = Flock::from(FlockType::WriteLock);
    let pid = fcntl_getlk(file, &ask).ok().flatten().and_then(|lock| lock.pid);
    let Some(pid) = pid.map(|pid| pid.as_raw_nonzero()) else {
        return "another process".into();
    };
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    match name.trim() {
        "" => format!("process {pid}"),
        name => format!("process {pid} ({name})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn written_and_read() {
        let mut journal = Journal::default();
        journal.put("a_Packages", "00");
        journal.drop_file("a_Release");
        journal.state("omg-releases/1\nx\t1\tsigned\n");
        assert_eq!(Journal::parse(Path::new("x"), &journal.text()).unwrap(), journal);
        for line in ["put\t../x\t00", "drop\t.omg", "drop\t", "put\tx", "other\tx"] {
            let text = format!("{HEAD}\n{line}\nstate\n");
            assert!(Journal::parse(Path::new("x"), &text).is_err(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"(omg-lists/1)?(\n|\t|put|drop|state|/|\PC){0,20}") {
            let _ = Journal::parse(Path::new("x"), &text);
        }
    }
}
