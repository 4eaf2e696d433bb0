//! Runs the executable against good, old, foreign and damaged snapshots.
//!
//! `OMG_FAST` names another executable to test: `cargo xtask ci` puts the freestanding one there.
#![expect(clippy::unwrap_used, reason = "the functions beside the tests are part of them")]

mod snapshot;
mod verbs;

use omg_proto::snapshot::{FILE_NAME, FastStatus};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};
use zerocopy::IntoBytes as _;

/// A runtime directory of this test alone.
struct Runtime(tempfile::TempDir);

impl Runtime {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(bytes: &[u8]) -> Self {
        let runtime = Self::new();
        std::fs::write(runtime.file(), bytes).unwrap();
        runtime
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self) -> PathBuf {
        self.path().join(FILE_NAME)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(executable());
        command.args(arguments).env_clear().env("XDG_RUNTIME_DIR", self.path()).output().unwrap()
    }

    #[track_caller]
    fn says(&self, verb: &str, text: &str) {
        let output = self.run(&[verb]);
        assert_eq!(String::from_utf8_lossy(&output.stdout), text);
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{verb}");
    }

    #[track_caller]
    fn is_silent(&self) {
        for verb in ["status", "tc", "ec", "oc", "uc"] {
            let output = self.run(&[verb]);
            let seen = (output.status.code(), output.stdout.as_slice(), output.stderr.as_slice());
            assert_eq!(seen, (Some(3), &b""[..], &b""[..]), "{verb}");
        }
    }
}

fn executable() -> PathBuf {
    std::env::var_os("OMG_FAST")
        .map_or_else(|| env!("CARGO_BIN_EXE_omg-fast").into(), PathBuf::from)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn status(timestamp: u64) -> FastStatus {
    FastStatus {
        magic: 0.into(),
        version: 0,
        reserved: [0; 3],
        total: 707.into(),
        explicit: 120.into(),
        orphans: 3.into(),
        updates: 5.into(),
        security_updates: 2.into(),
        pid: std::process::id().into(),
        timestamp: timestamp.into(),
        checksum: 0.into(),
    }
    .sealed()
}

fn good() -> Vec<u8> {
    status(now()).as_bytes().to_vec()
}
