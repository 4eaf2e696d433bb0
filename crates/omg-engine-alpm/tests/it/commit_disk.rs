//! Row 58: a disk that is full at any step of a transaction. It is a tmpfs that a root lies on.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use omg_core::{Change, Operation, Task};

use crate::commit::possible;
use crate::commit_crash::{mirrors, recovered, roots};
use crate::process_commit::{command, run, start};
use crate::root::Root;
use crate::tree;
use crate::workshop::{Mirror, Recipe};

/// Sizes that are tried, if the environment says nothing.
const USUAL: u64 = 5;
/// Free bytes of the smallest and the largest.
const FREE: (u64, u64) = (8 << 10, 420 << 10);

/// A tmpfs over a root, with a copy of it.
struct Disk(PathBuf);

impl Disk {
    fn over(root: &Root) -> Option<Self> {
        let aside = tempfile::tempdir().unwrap();
        copy(root.path(), aside.path());
        let mount = ["-t", "tmpfs", "-o", "size=64m,mode=755", "tmpfs"];
        let done = Command::new("mount").args(mount).arg(root.path()).output().unwrap();
        if !done.status.success() {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "root can mount in CI");
            eprintln!("SKIPPED: no file system can be mounted here, so none can be full");
            return None;
        }
        copy(aside.path(), root.path());
        Some(Self(root.path().to_owned()))
    }

    fn used(&self) -> u64 {
        let there = rustix::fs::statvfs(&self.0).unwrap();
        (there.f_blocks - there.f_bfree) * there.f_frsize
    }

    fn resize(&self, bytes: u64) {
        let size = format!("remount,size={}", bytes.next_multiple_of(4096));
        assert!(Command::new("mount").args(["-o", &size]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status();
    assert!(done.unwrap().success());
}

/// Packages that need more room than those that they take the place of.
fn larger() -> Mirror {
    let new = Mirror::new("core");
    let many = |mut recipe: Recipe| {
        for at in 0..60 {
            let name = format!("usr/share/{}/2/{at}", recipe.name.clone());
            recipe = recipe.file(&name, "2\n");
        }
        recipe
    };
    new.add(&[
        Recipe::new("a", "2-1").depends("b>=2").depends("c"),
        many(Recipe::new("b", "2-1").backup("etc/b.conf", "version = 2\n")),
        many(Recipe::new("c", "2-1").with("conflict", "gone").with("replaces", "gone")),
    ]);
    new
}

#[test]
fn row_58_what_a_full_disk_left_half_done_is_finished_with_room() {
    if !possible() {
        return;
    }
    let (old, _) = mirrors();
    let new = larger();
    let number = std::env::var("OMG_SIZES").ok().and_then(|text| text.parse().ok());
    let number: u64 = number.unwrap_or(USUAL).max(2);
    let (ours, theirs) = roots(&old, &new);
    // The log is there, and has room of its own.
    let mark = Task::Mark { packages: vec!["a".into()], automatic: false };
    start(command(ours.path()), mark).end().unwrap().unwrap();
    let upgrade = Change::new(Operation::Upgrade, [""; 0]);
    let (mut refused, mut unfinished, mut done) = (0, 0, 0);
    for at in 0..number {
        let free = FREE.0 + (FREE.1 - FREE.0) * at / (number - 1);
        let Some(disk) = Disk::over(&ours) else { return };
        let device = ours.path().metadata().unwrap().dev();
        let before = tree::of(&ours);
        disk.resize(disk.used() + free);
        let (ended, _) = run(&ours, &upgrade, &[new.path()]);
        let ended = ended.expect("it lives");
        let journal = ours.path().join("var/lib/omg/alpm/journal").exists();
        let half = tree::of(&ours) != before;
        println!("{} KiB free: {:?}, unfinished {journal}", free >> 10, ended.as_ref().err());
        assert_eq!(ended.is_ok(), half && !journal, "{ended:?}");
        assert!(half || !journal, "{ended:?}");
        disk.resize(64 << 20);
        recovered(&ours, &format!("{free} bytes free"));
        if half {
            let difference = tree::difference_of_recovered(&ours, &theirs);
            // The user's copy stays, where what was known of it went with the old entry.
            let others = difference.lines().filter(|line| !line.contains("etc/b.conf"));
            assert_eq!(others.collect::<Vec<_>>(), [""; 0], "{free} bytes free");
        } else {
            assert_eq!(tree::of(&ours), before, "{free} bytes free");
        }
        refused += usize::from(!half);
        unfinished += usize::from(journal);
        done += usize::from(ended.is_ok());
        assert_eq!(ours.path().metadata().unwrap().dev(), device);
    }
    println!("{refused} refused, {unfinished} finished afterwards, {done} done");
    assert!(unfinished > 0, "the disk was never full in the middle");
}
