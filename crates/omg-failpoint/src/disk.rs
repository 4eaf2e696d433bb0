//! A file system in a file, for tests that cut its power.
#![expect(unsafe_code, reason = "the shutdown of a file system has no safe interface")]

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::ioctl::{Opcode, Setter, ioctl, opcode};

/// Bytes of the file system.
const SIZE: u64 = 128 << 20;

/// An ext4 file system that is mounted as long as this lives. Only root can have one, and not in every
/// container.
#[derive(Debug)]
pub struct Disk {
    image: PathBuf,
    at: PathBuf,
}

impl Disk {
    /// Makes its file and its mount point in this directory, which is to live longer.
    ///
    /// # Errors
    /// It can't be made or mounted here; the message says why.
    pub fn within(directory: &Path) -> io::Result<Self> {
        let disk = Self { image: directory.join("disk.image"), at: directory.join("disk") };
        std::fs::create_dir(&disk.at)?;
        File::create_new(&disk.image)?.set_len(SIZE)?;
        run(Command::new("mkfs.ext4").arg("-q").arg(&disk.image))?;
        disk.mount()?;
        Ok(disk)
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.at
    }

    /// Loses all that is not on the disk yet, the journal's last entries with it, and refuses all that
    /// comes (`EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`, Linux's fs/ext4/ext4.h).
    ///
    /// # Errors
    /// The file system refuses.
    pub fn cut(&self) -> io::Result<()> {
        const SHUTDOWN: Opcode = opcode::read::<u32>(b'X', 125);
        let root = File::open(&self.at)?;
        // SAFETY: this request reads one u32 from the pointer and writes nothing.
        unsafe { ioctl(&root, Setter::<SHUTDOWN, u32>::new(2)) }?;
        Ok(())
    }

    /// Mounts what is left. Nobody may have a file of it open.
    ///
    /// # Errors
    /// It is in use, or broken beyond its journal.
    pub fn restore(&self) -> io::Result<()> {
        run(Command::new("umount").arg(&self.at))?;
        self.mount()
    }

    fn mount(&self) -> io::Result<()> {
        run(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.at))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // One that was never mounted needs no unmounting.
        let _ = run(Command::new("umount").arg("--lazy").arg(&self.at));
    }
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
