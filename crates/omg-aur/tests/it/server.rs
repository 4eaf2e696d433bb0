//! An AUR on loopback with the real answers, and one that goes wrong.

use std::cmp::Ordering;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicU64};
use std::time::Duration;

use omg_aur::testing::AurServer;
use omg_aur::{Aur, Limits, Settings};
use tempfile::TempDir;

use crate::data::{data, unpack};

/// Versions of tests are numbers with dots.
pub(crate) fn order(left: &str, right: &str) -> Ordering {
    let numbers = |text: &str| -> Vec<u64> {
        text.split(['.', '-', ':']).map(|part| part.parse().unwrap_or(0)).collect()
    };
    numbers(left).cmp(&numbers(right))
}

/// A server, a client of it, and the client's clock.
pub(crate) struct Site {
    pub(crate) server: AurServer,
    pub(crate) aur: Aur,
    pub(crate) directory: TempDir,
    pub(crate) clock: Arc<AtomicU64>,
}

impl Site {
    /// An empty AUR with limits that a test can wait for.
    pub(crate) fn new() -> Self {
        Self::with(limits())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let server = AurServer::start().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicU64::new(1_700_000_000));
        let aur = open(&server, directory.path(), limits, &clock);
        Self { server, aur, directory, clock }
    }

    /// An AUR with the recorded answers and the real dump.
    pub(crate) fn real() -> Option<Self> {
        let answers = unpack("aur/rpc-v5-answers.tar.gz")?;
        let dump = fs::read(data("aur/packages-meta-ext.json.gz")?).unwrap();
        let site = Self::new();
        site.server.record(answers.path()).unwrap();
        site.server.set_dump(Some(dump));
        Some(site)
    }

    /// Another client of the same AUR and directory, with an empty memory.
    pub(crate) fn again(&self) -> Aur {
        open(&self.server, self.directory.path(), limits(), &self.clock)
    }

    pub(crate) fn add(&self, name: &str, fields: &str) {
        let comma = if fields.is_empty() { "" } else { "," };
        let version = if fields.contains("\"Version\"") { "" } else { "\"Version\":\"1-1\"," };
        let base = if fields.contains("\"PackageBase\"") {
            String::new()
        } else {
            format!("\"PackageBase\":\"{name}\",")
        };
        let json = format!("{{{base}{version}\"Name\":\"{name}\"{comma}{fields}}}");
        self.server.add(&json).unwrap();
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.fetch_add(seconds, atomic::Ordering::SeqCst);
    }

    /// Requests to the server so far.
    pub(crate) fn asked(&self) -> usize {
        self.server.requests().len()
    }

    /// Files in the client's directory.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// The usual limits in small.
pub(crate) fn limits() -> Limits {
    Limits {
        connect: Duration::from_secs(5),
        answer: Duration::from_secs(20),
        dump: Duration::from_secs(20),
        window: Duration::from_secs(10),
        ..Limits::default()
    }
}

fn open(server: &AurServer, directory: &Path, limits: Limits, clock: &Arc<AtomicU64>) -> Aur {
    let clock = clock.clone();
    let mut settings = Settings::new(&server.address(), directory, order);
    settings.limits = limits;
    settings.clock = Arc::new(move || clock.load(atomic::Ordering::SeqCst));
    Aur::open(settings).unwrap()
}
