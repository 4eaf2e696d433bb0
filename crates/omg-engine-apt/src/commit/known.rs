//! Lists whose digests were computed before: digesting all lists of a large system takes a third of a
//! second, and they change once a day.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use omg_verify::digest::Sha256;

/// Name of the file below `var/lib/omg/state`: one SHA-256 a line, of a list's path, state and digest.
const FILE: &str = "lists.verified";

/// Largest file that is read, bytes; one list takes 65.
const LARGEST: u64 = 1 << 20;

/// What only root could have written down.
pub(super) struct Known {
    path: PathBuf,
    before: BTreeSet<String>,
    /// Asked for or learned this time; the rest is of lists that are not there any more.
    now: Mutex<BTreeSet<String>>,
}

impl Known {
    /// What was learned below `root`; nothing where that can't be read or is not ours.
    pub(super) fn open(root: &Path) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let path = root.join("var/lib/omg/state").join(FILE);
        let own = rustix::process::geteuid().as_raw();
        let ours = fs::symlink_metadata(&path).is_ok_and(|there| {
            there.is_file()
                && there.uid() == own
                && there.mode() & 0o022 == 0
                && there.len() <= LARGEST
        });
        let text = if ours { fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
        let before = text.lines().map(str::to_owned).collect();
        Self { path, before, now: Mutex::new(BTreeSet::new()) }
    }

    /// Writes it down for the next time. Where that fails the digests are computed again.
    pub(super) fn keep(&self) {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if *now == self.before {
            return;
        }
        let new = self.path.with_extension("new");
        let write = || -> std::io::Result<()> {
            if let Some(directory) = self.path.parent() {
                fs::create_dir_all(directory)?;
            }
            let mut file = fs::File::create(&new)?;
            now.iter().try_for_each(|line| writeln!(file, "{line}"))?;
            fs::rename(&new, &self.path)
        };
        let _ = write();
    }

    fn note(&self, line: String) {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).insert(line);
    }
}

impl omg_backend_dpkg::lists::Known for Known {
    fn knows(&self, key: &str) -> bool {
        let line = Sha256::of(key.as_bytes()).to_string();
        let known = self.before.contains(&line);
        if known {
            self.note(line);
        }
        known
    }

    fn learn(&self, key: &str) {
        self.note(Sha256::of(key.as_bytes()).to_string());
    }
}
