//! Many files of a directory replaced at once: all or none, also across a crash.
//!
//! New files are prepared in a directory beside the old ones, on the same file system and open to its
//! owner only. Then a journal says what happens to them: once it is there, the swap is finished whatever
//! happens; without it nothing was touched. Steps are done in order, so what makes the others count
//! comes last.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use omg_core::{Code, Fault};

/// First line of a journal.
const HEAD: &str = "omg-swap/1";

/// Largest journal, bytes.
const LARGEST_JOURNAL: u64 = 32 << 20;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused something.
    #[error("can't use {} while {context}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was being done: finishes the phrase "while …".
        context: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A journal makes no sense.
    #[error("{}:{line}: not a step of a swap", path.display())]
    Malformed {
        /// The journal.
        path: PathBuf,
        /// Line, counted from 1; 0 for all of it.
        line: u32,
    },
}

impl Error {
    fn io(path: &Path, context: &'static str) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::Io { path, context, source }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Code::Permission
            }
            Error::Io { .. } => Code::Unwritable,
            Error::Malformed { .. } => Code::Malformed,
        };
        let mut fault = Fault::new(code, error.to_string());
        fault.cause =
            std::error::Error::source(&error).map(ToString::to_string).into_iter().collect();
        fault
    }
}

/// Where a swap happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// Directory of the files.
    pub target: PathBuf,
    /// Directory in which new ones are prepared; made and removed here.
    pub room: PathBuf,
    /// The journal.
    pub journal: PathBuf,
    /// A small file that belongs to the new state: it is written with the others.
    pub state: PathBuf,
}

impl Place {
    /// Makes an empty directory to prepare files in.
    pub fn prepare(&self) -> Result<(), Error> {
        self.clear()?;
        for file in [&self.journal, &self.state] {
            if let Some(dir) = file.parent() {
                fs::create_dir_all(dir).map_err(Error::io(dir, "making a directory"))?;
            }
        }
        DirBuilder::new()
            .mode(0o700)
            .create(&self.room)
            .map_err(Error::io(&self.room, "preparing files"))
    }

    /// Removes what was prepared.
    pub fn clear(&self) -> Result<(), Error> {
        match fs::remove_dir_all(&self.room) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io(&self.room, "clearing what was prepared")(error))
            }
            _ => Ok(()),
        }
    }

    /// Was a swap cut off, once it was certain?
    pub fn is_interrupted(&self) -> bool {
        self.journal.symlink_metadata().is_ok()
    }

    /// Finishes a swap that was cut off and clears away what was only prepared. Was there one?
    pub fn finish(&self) -> Result<bool, Error> {
        match Steps::read(&self.journal)? {
            Some(steps) => {
                steps.carry_out(self)?;
                Ok(true)
            }
            None => self.clear().map(|()| false),
        }
    }
}

/// What happens, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Steps {
    steps: Vec<Step>,
    /// Text of the state afterwards.
    state: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// A prepared file gets its place.
    Put {
        name: String,
        /// BLAKE3, hexadecimal.
        digest: String,
        /// Others count only with it.
        head: bool,
    },
    /// A file goes.
    Drop(String),
}

impl Steps {
    /// A prepared file gets its place. `digest` is its BLAKE3 in hexadecimal; a `head` is what makes
    /// others count, and goes if some of these were lost.
    pub fn put(&mut self, name: &str, digest: &str, head: bool) {
        self.steps.push(Step::Put { name: name.to_owned(), digest: digest.to_owned(), head });
    }

    /// A file goes.
    pub fn drop_file(&mut self, name: &str) {
        self.steps.push(Step::Drop(name.to_owned()));
    }

    /// The text of the state afterwards.
    pub fn state(&mut self, text: &str) {
        text.clone_into(&mut self.state);
    }

    fn text(&self) -> String {
        let steps = self.steps.iter().fold(format!("{HEAD}\n"), |text, step| match step {
            Step::Put { name, digest, head } => {
                format!("{text}{}\t{name}\t{digest}\n", if *head { "head" } else { "put" })
            }
            Step::Drop(name) => format!("{text}drop\t{name}\n"),
        });
        format!("{steps}state\n{}", self.state)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let wrong = |line| Error::Malformed { path: path.to_path_buf(), line };
        let (steps, state) = text.split_once("\nstate\n").ok_or_else(|| wrong(0))?;
        let mut all = Self { steps: Vec::new(), state: state.to_owned() };
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
                [word @ ("put" | "head"), name, digest] => all.put(name, digest, *word == "head"),
                ["drop", name] => all.drop_file(name),
                _ => return Err(wrong(number)),
            }
        }
        Ok(all)
    }

    fn read(path: &Path) -> Result<Option<Self>, Error> {
        let failed = || Error::io(path, "reading a journal");
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(failed())?,
        };
        let mut text = String::new();
        file.take(LARGEST_JOURNAL).read_to_string(&mut text).map_err(failed())?;
        Self::parse(path, &text).map(Some)
    }

    /// Makes the swap certain, and does it.
    pub fn commit(&self, place: &Place) -> Result<(), Error> {
        sync(&place.room)?;
        omg_failpoint::reach!("lists.swap.prepared");
        replace(&place.journal, &self.text())?;
        omg_failpoint::reach!("lists.swap.certain");
        self.carry_out(place)
    }

    /// Does all steps, those that are done already once more, and forgets the journal.
    fn carry_out(&self, place: &Place) -> Result<(), Error> {
        let (room, target) = (&place.room, &place.target);
        let whole = self.steps.iter().all(|step| match step {
            Step::Put { name, digest, .. } => {
                room.join(name).symlink_metadata().is_ok() || has_digest(&target.join(name), digest)
            }
            Step::Drop(_) => true,
        });
        for step in &self.steps {
            match step {
                Step::Put { name, .. } if whole => {
                    let (from, to) = (room.join(name), target.join(name));
                    match fs::rename(&from, &to) {
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        other => other.map_err(Error::io(&to, "putting a file into place"))?,
                    }
                }
                // Somebody removed what was prepared: nothing of it counts until it is fetched anew.
                Step::Put { name, head: true, .. } | Step::Drop(name) => {
                    remove(&target.join(name))?;
                }
                Step::Put { .. } => {}
            }
            omg_failpoint::reach!("lists.swap.step");
        }
        sync(target)?;
        replace(&place.state, &self.state)?;
        omg_failpoint::reach!("lists.swap.done");
        place.clear()?;
        remove(&place.journal)?;
        place.journal.parent().map_or(Ok(()), sync)
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
            Err(Error::io(path, "removing a file")(error))
        }
        _ => Ok(()),
    }
}

fn sync(dir: &Path) -> Result<(), Error> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::io(dir, "syncing it"))
}

/// Writes a small file, whole or not at all.
fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let next = path.with_extension("new");
    let failed = || Error::io(path, "writing it");
    let mut to = File::create(&next).map_err(failed())?;
    to.write_all(text.as_bytes()).map_err(failed())?;
    to.sync_all().map_err(failed())?;
    fs::rename(&next, path).map_err(failed())?;
    path.parent().map_or(Ok(()), sync)
}

/// Copies to the end; gives BLAKE3 in hexadecimal, and how many bytes there were.
pub fn copy(mut from: impl Read, to: &mut impl Write) -> io::Result<(String, u64)> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 128 << 10];
    let mut size = 0;
    loop {
        let read = match from.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
        to.write_all(bytes)?;
        size += read as u64;
    }
    Ok((hasher.finalize().to_hex().to_string(), size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn written_and_read() {
        let mut steps = Steps::default();
        steps.put("a_Packages", "00", false);
        steps.drop_file("a_Release");
        steps.put("a_InRelease", "00", true);
        steps.state("omg-releases/1\nx\t1\tsigned\n");
        assert_eq!(Steps::parse(Path::new("x"), &steps.text()).unwrap(), steps);
        for line in ["put\t../x\t00", "drop\t.omg", "drop\t", "put\tx", "other\tx"] {
            let text = format!("{HEAD}\n{line}\nstate\n");
            assert!(Steps::parse(Path::new("x"), &text).is_err(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"(omg-swap/1)?(\n|\t|put|drop|state|/|\PC){0,20}") {
            let _ = Steps::parse(Path::new("x"), &text);
        }
    }
}
