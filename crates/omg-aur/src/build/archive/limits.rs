//! How much a package may be.

use std::time::Duration;

/// Limits of one package.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArchiveLimits {
    /// Bytes of the file.
    pub packed: u64,
    /// Bytes unpacked, whatever the ratio.
    pub unpacked: u64,
    /// Bytes unpacked up to which the ratio does not count.
    pub free: u64,
    /// How many times its packed size it may be unpacked beyond that.
    pub ratio: u64,
    /// Entries, headers of extensions included.
    pub entries: usize,
    /// Bytes of one file.
    pub entry: u64,
    /// Bytes of the header of an extension (long names, pax records).
    pub extension: u64,
    /// Bytes of `.PKGINFO` and of `.INSTALL`.
    pub about: u64,
    /// Bytes of a path.
    pub path: usize,
    /// Directories above an entry.
    pub depth: usize,
    /// Memory for unpacking.
    pub memory: u64,
    /// Time to read it.
    pub time: Duration,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self {
            packed: 8 << 30,
            unpacked: 32 << 30,
            free: 512 << 20,
            ratio: 20,
            entries: 200_000,
            entry: 8 << 30,
            extension: 64 << 10,
            about: 256 << 10,
            path: 4096,
            depth: 64,
            // What `zstd --ultra -20` and `xz -9` need, and no more.
            memory: 128 << 20,
            time: Duration::from_mins(2),
        }
    }
}

impl ArchiveLimits {
    /// Bytes that a file of this size may unpack to.
    pub(super) fn unpacked_of(&self, packed: u64) -> u64 {
        self.unpacked.min(self.free.max(packed.saturating_mul(self.ratio)))
    }
}
