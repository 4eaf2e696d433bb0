//! The L0 status snapshot: counts for prompts, in a file that needs no parsing.
//!
//! A writer puts it beside its final name and renames it, so a reader sees the old or the new
//! one. A reader opens it without following links, checks the owner, reads once, and calls
//! [`FastStatus::read`], which refuses anything whose checksum does not fit.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, little_endian};

/// File name below the runtime directory.
pub const FILE_NAME: &str = "omg-status.bin";

/// First four bytes, as a number: "OMGS".
pub const MAGIC: u32 = 0x4F4D_4753;

/// Version of this layout.
pub const VERSION: u8 = 1;

/// The file's only content. All numbers are little-endian; 48 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FastStatus {
    /// [`MAGIC`].
    pub magic: little_endian::U32,
    /// [`VERSION`].
    pub version: u8,
    /// Zero.
    pub reserved: [u8; 3],
    /// Installed packages.
    pub total: little_endian::U32,
    /// Installed because the user asked.
    pub explicit: little_endian::U32,
    /// What `autoremove` would remove.
    pub orphans: little_endian::U32,
    /// Installed with a newer candidate.
    pub updates: little_endian::U32,
    /// Of these, with security fixes.
    pub security_updates: little_endian::U32,
    /// Process id of the writer; a reader may ask whether it still runs.
    pub pid: little_endian::U32,
    /// Seconds since the epoch at which it was written.
    pub timestamp: little_endian::U64,
    /// [`checksum`] of all bytes before.
    pub checksum: little_endian::U64,
}

/// Bytes of a snapshot.
pub const SIZE: usize = size_of::<FastStatus>();

impl FastStatus {
    /// A sealed snapshot: total, explicit, orphans, updates, security updates; the writer's process
    /// id; seconds since the epoch.
    pub fn counted(counts: [u32; 5], pid: u32, timestamp: u64) -> Self {
        let [total, explicit, orphans, updates, security_updates] =
            counts.map(little_endian::U32::new);
        Self {
            magic: MAGIC.into(),
            version: VERSION,
            reserved: [0; 3],
            total,
            explicit,
            orphans,
            updates,
            security_updates,
            pid: pid.into(),
            timestamp: timestamp.into(),
            checksum: 0.into(),
        }
        .sealed()
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }

    /// Fills in magic, version and checksum.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.magic = MAGIC.into();
        self.version = VERSION;
        self.reserved = [0; 3];
        self.checksum = checksum(&self.as_bytes()[..SIZE - 8]).into();
        self
    }

    /// Reads a snapshot; `None` unless it is whole and of this version.
    pub fn read(bytes: &[u8; SIZE]) -> Option<&Self> {
        let status = Self::ref_from_bytes(bytes).ok()?;
        let fits = status.magic.get() == MAGIC
            && status.version == VERSION
            && status.checksum.get() == checksum(&bytes[..SIZE - 8]);
        fits.then_some(status)
    }
}

/// FNV-1a over 64-bit little-endian words (then any odd bytes): a check against torn or truncated
/// files in a few instructions, not against an attacker, whom the owner check keeps out.
pub fn checksum(bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, word| {
        (hash ^ u64::from_le_bytes(*word)).wrapping_mul(PRIME).rotate_left(29)
    });
    rest.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::FromZeros as _;

    #[test]
    fn every_flipped_bit_is_refused() {
        let status = FastStatus {
            total: 707.into(),
            timestamp: 1_763_000_000.into(),
            ..FastStatus::new_zeroed()
        };
        let sealed = status.sealed();
        let bytes: [u8; SIZE] = zerocopy::transmute!(sealed);
        assert_eq!(FastStatus::read(&bytes), Some(&sealed));
        for bit in 0..SIZE * 8 {
            let mut bad = bytes;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(FastStatus::read(&bad), None, "bit {bit}");
        }
    }
}
