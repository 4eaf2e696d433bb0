//! The power fails: the file system loses all that was not made durable.
#![expect(unsafe_code, reason = "the shutdown of a file system has no safe interface")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::ioctl::{Setter, ioctl, opcode};

use crate::child;
use crate::crash::nothing_lost;
use crate::world::{Dice, cases, place};

/// A file system of its own in a file, ended with the value.
struct Disk {
    _keep: tempfile::TempDir,
    image: PathBuf,
    at: PathBuf,
}

impl Disk {
    fn new() -> Option<Self> {
        let (keep, base) = place();
        let (image, at) = (base.with_extension("image"), base.with_extension("mount"));
        std::fs::create_dir(&at).unwrap();
        File::create(&image).unwrap().set_len(64 << 20).unwrap();
        let disk = Self { _keep: keep, image, at };
        let made = done(Command::new("mkfs.ext4").arg("-q").arg(&disk.image));
        if made && disk.mount() {
            return Some(disk);
        }
        eprintln!("no file system can be mounted here: nothing was tested of power cuts");
        None
    }

    fn mount(&self) -> bool {
        done(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.at))
    }

    /// What is not on the disk yet is lost, the journal's last entries with it (`EXT4_IOC_SHUTDOWN` with
    /// `EXT4_GOING_FLAGS_NOLOGFLUSH`, Linux's fs/ext4/ext4.h).
    fn cut(&self) {
        const SHUTDOWN: rustix::ioctl::Opcode = opcode::read::<u32>(b'X', 125);
        let root = File::open(&self.at).unwrap();
        // SAFETY: this request reads one u32 from the pointer and writes nothing.
        unsafe { ioctl(&root, Setter::<SHUTDOWN, u32>::new(2)) }.unwrap();
    }

    fn back(&self) {
        assert!(done(Command::new("umount").arg(&self.at)));
        assert!(self.mount(), "the file system can't be mounted again");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        done(Command::new("umount").arg("--lazy").arg(&self.at));
    }
}

fn done(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn directory(disk: &Disk) -> PathBuf {
    Path::join(&disk.at, "audit")
}

#[test]
fn what_was_acknowledged_outlives_the_power() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("only root can mount: nothing was tested of power cuts");
        return;
    }
    let Some(disk) = Disk::new() else { return };
    let mut dice = Dice(u64::from(std::process::id()));
    let mut acks = Vec::new();
    for case in 0..cases(12) {
        let mut writer = child::start("endless", &directory(&disk), &[]);
        // The power goes first, then the writer: until then it may acknowledge what is durable only.
        acks.extend(child::ended_after(&mut writer, 1 + dice.below(9) as usize, || disk.cut()));
        writer.wait().unwrap();
        disk.back();
        nothing_lost(&directory(&disk), &acks, &format!("case {case}"));
    }
    assert!(acks.len() >= cases(12), "the writers came to nothing: {}", acks.len());
}
