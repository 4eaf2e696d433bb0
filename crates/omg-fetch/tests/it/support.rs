//! Stores, servers and requests of the tests.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use omg_core::{Artifact, Code, Fault, Grade, Progress, Wanted};
use omg_fetch::testing::Mirror;
use omg_fetch::{Fetcher, Options, Sha256, Store};
use tempfile::TempDir;

/// A mirror's directory, a mirror, and a store.
pub(crate) struct World {
    pub(crate) root: TempDir,
    pub(crate) mirror: Mirror,
    pub(crate) home: TempDir,
    pub(crate) store: Store,
    pub(crate) notes: Mutex<Vec<String>>,
    pub(crate) events: Mutex<Vec<Progress>>,
}

impl World {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let home = tempfile::tempdir().unwrap();
        let mirror = Mirror::start(root.path()).unwrap();
        let store = Store::open(&home.path().join("store")).unwrap();
        Self { root, mirror, home, store, notes: Mutex::default(), events: Mutex::default() }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.home.path().join("store")
    }

    /// A second mirror of the same directory.
    pub(crate) fn another(&self) -> Mirror {
        Mirror::start(self.root.path()).unwrap()
    }

    /// Puts a file on the mirror.
    pub(crate) fn put(&self, path: &str, bytes: &[u8]) {
        put(self.root.path(), path, bytes);
    }

    /// Puts a file of so many bytes on the mirror and says how it is wanted.
    pub(crate) fn file(&self, path: &str, size: usize) -> Wanted {
        let bytes = noise(path, size);
        self.put(path, &bytes);
        wanted(path, &bytes, &[self.mirror.url(path)])
    }

    pub(crate) fn fetcher(&self) -> Fetcher {
        self.fetcher_with(options())
    }

    pub(crate) fn fetcher_with(&self, options: Options) -> Fetcher {
        Fetcher::new(options, self.store.clone()).unwrap()
    }

    pub(crate) async fn fetch(&self, wanted: Vec<Wanted>) -> Vec<Result<Artifact, Fault>> {
        self.fetch_with(&self.fetcher(), wanted).await
    }

    pub(crate) async fn fetch_with(
        &self,
        fetcher: &Fetcher,
        wanted: Vec<Wanted>,
    ) -> Vec<Result<Artifact, Fault>> {
        let sink = |event: Progress| {
            if let Progress::Note { text } = &event {
                self.notes.lock().unwrap().push(text.clone());
            }
            self.events.lock().unwrap().push(event);
        };
        fetcher.fetch(wanted, sink).await
    }

    pub(crate) async fn one(&self, wanted: Wanted) -> Result<Artifact, Fault> {
        self.fetch(vec![wanted]).await.pop().unwrap()
    }

    pub(crate) fn notes(&self) -> String {
        self.notes.lock().unwrap().join("\n")
    }
}

pub(crate) fn put(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Limits that a test can wait for.
pub(crate) fn options() -> Options {
    Options {
        connect: Duration::from_secs(1),
        window: Duration::from_millis(800),
        overall: Duration::from_mins(1),
        ..Options::default()
    }
}

pub(crate) fn wanted(path: &str, bytes: &[u8], urls: &[String]) -> Wanted {
    Wanted {
        name: path.rsplit('/').next().unwrap().into(),
        architecture: "amd64".into(),
        version: "1-1".into(),
        repository: "main".into(),
        file_name: path.rsplit('/').next().unwrap().into(),
        urls: urls.to_vec(),
        size: Some(bytes.len() as u64),
        sha256: Some(Sha256::of(bytes).to_string()),
        signature: None,
        cached: Vec::new(),
        grade: Grade::Verified,
    }
}

/// Bytes that no compression and no accident makes, but always the same.
pub(crate) fn noise(seed: &str, size: usize) -> Vec<u8> {
    let mut state = seed.bytes().fold(0x9e37_79b9_7f4a_7c15_u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

#[track_caller]
pub(crate) fn assert_is(artifact: &Artifact, wanted: &Wanted) {
    let bytes = std::fs::read(&artifact.path).unwrap();
    assert_eq!(Some(Sha256::of(&bytes).to_string()), wanted.sha256, "{}", wanted.name);
    assert_eq!(Some(bytes.len() as u64), wanted.size);
    assert_eq!(Some(&artifact.sha256), wanted.sha256.as_ref());
    assert_eq!(artifact.size, bytes.len() as u64);
    assert_eq!((&artifact.name, &artifact.file_name), (&wanted.name, &wanted.file_name));
}

#[track_caller]
pub(crate) fn assert_code<T: std::fmt::Debug>(result: &Result<T, Fault>, code: Code) {
    assert_eq!(result.as_ref().unwrap_err().code, code, "{result:?}");
}

/// Files below a directory of the store.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            names.extend(self::names(&entry.path()));
        } else {
            names.push(entry.file_name().into_string().unwrap());
        }
    }
    names.sort();
    names
}

/// Says loudly that something can't be tested here; fails where everything must be there.
pub(crate) fn skip(why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
    eprintln!("SKIPPED: {why}");
}
