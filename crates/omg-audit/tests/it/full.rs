//! Row 58: a disk that is full, at every step.

use std::path::{Path, PathBuf};
use std::process::Command;

use omg_audit::verify::{Against, Verdict, verify};
use omg_audit::{Done, Ended, Filter, Log, Options, Reader};
use omg_core::Code;

use crate::child;
use crate::world::entry;

/// A file system of its own, so small that it can be filled.
struct Small(PathBuf);

impl Small {
    fn of(kilobytes: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap().keep();
        let size = format!("size={kilobytes}k");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&dir).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(dir));
        }
        std::fs::remove_dir(&dir).unwrap();
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "root can mount in CI");
        eprintln!("SKIPPED: no file system can be mounted here, so none can be full");
        None
    }

    fn log(&self) -> PathBuf {
        self.0.join("audit")
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// Fills what is left, to the last byte.
fn fill(dir: &Path) {
    let mut file = std::fs::File::create(dir.join("ballast")).unwrap();
    for size in [1 << 16, 1 << 12, 1] {
        let block = vec![1; size];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
    }
}

#[test]
fn what_was_begun_can_be_ended_on_a_full_disk() {
    let Some(small) = Small::of(8 << 10) else { return };
    let log = Log::open(&small.log(), &Options::default()).unwrap();
    let pending = log.begin(entry("install", "vim", 1)).unwrap();
    let seq = pending.seq();
    fill(&small.0);
    pending.commit(&Done::default()).unwrap();
    let refused = log.begin(entry("install", "emacs", 2)).unwrap_err();
    assert_eq!(refused.code(), Code::Audit, "{refused}");
    let reader = Reader::open(&small.log()).unwrap();
    assert_eq!(reader.change(seq).unwrap().unwrap().ended(), Ended::Done);
    assert_eq!(verify(&small.log(), &Against::default()).unwrap().exit(), 0);
    std::fs::remove_file(small.0.join("ballast")).unwrap();
    log.begin(entry("install", "emacs", 3)).unwrap().commit(&Done::default()).unwrap();
    assert_eq!(verify(&small.log(), &Against::default()).unwrap().exit(), 0);
}

/// The child's side: a change that is begun, and a disk that is full when it is made.
pub(crate) fn fill_up(dir: &Path) {
    let log = Log::open(dir, &Options::default()).unwrap();
    let pending = log.begin(entry("install", "vim", 1)).unwrap();
    fill(dir.parent().unwrap());
    pending.commit(&Done::default()).unwrap();
}

#[test]
fn without_reserved_space_the_end_is_lost() {
    for (weaken, expected) in [("58", Ended::Open), ("", Ended::Done)] {
        let Some(small) = Small::of(8 << 10) else { return };
        let (_, status) = child::run("full", &small.log(), &[("OMG_WEAKEN", weaken)]);
        assert_eq!(status.success(), expected == Ended::Done, "{weaken}");
        let history = Reader::open(&small.log()).unwrap().history(&Filter::default()).unwrap();
        assert_eq!(history[0].ended(), expected, "{weaken}");
    }
}

#[test]
fn any_size_of_disk() {
    // From too small for an empty log to large enough for some hundred records.
    for kilobytes in (64..4096).step_by(if crate::world::cases(1) > 1 { 8 } else { 160 }) {
        let Some(small) = Small::of(kilobytes) else { return };
        let dir = small.log();
        let mut ended = Vec::new();
        if let Ok(log) = Log::open(&dir, &Options::default()) {
            for number in 0..200 {
                let mut large = entry("install", "vim", number);
                large.plan = Some("x".repeat(16 << 10));
                let Ok(pending) = log.begin(large) else { break };
                let seq = pending.seq();
                pending.commit(&Done::default()).unwrap_or_else(|e| panic!("{kilobytes} KiB: {e}"));
                ended.push(seq);
            }
        }
        let Ok(reader) = Reader::open(&dir) else {
            assert!(ended.is_empty(), "{kilobytes} KiB");
            continue;
        };
        for seq in ended {
            assert_eq!(
                reader.change(seq).unwrap().unwrap().ended(),
                Ended::Done,
                "{kilobytes} KiB"
            );
        }
        if reader.len().unwrap() > 0 && omg_audit::default_pin(&dir).exists() {
            let report = verify(&dir, &Against::default()).unwrap();
            assert_ne!(
                report.verdict(),
                Verdict::Tampered,
                "{kilobytes} KiB: {:?}",
                report.findings
            );
        }
    }
}
