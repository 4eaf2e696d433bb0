//! Databases that are unpacked in one go: the usual kind, gzip of modest size, in three quarters of
//! the time that it takes in a stream.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use libdeflater::Decompressor;

use super::{FREE, Limits, MOST_RATIO};

/// Most unpacked bytes of an archive that is held as a whole. Arch's largest has 50 MB.
pub(crate) const LARGEST_WHOLE: usize = 64 << 20;
/// Most packed bytes of such an archive.
const LARGEST_PACKED: u64 = 32 << 20;
/// A gzip header without any of the optional fields: magic, deflate, no flags, as libarchive
/// writes it; then time, level and system.
const HEADER: &[u8] = b"\x1f\x8b\x08\0";
const HEADER_LEN: usize = 10;
/// Checksum and length.
const TRAILER_LEN: usize = 8;

/// Unpacks a file if it begins with a gzip member of at most [`LARGEST_WHOLE`] bytes, and of no more
/// than are allowed, with the checksum and the length that the file's end states. `allowed` is asked for
/// that length before anything is unpacked.
///
/// `None` says that the file is to be read by [`super::walk`], which also finds out what is wrong
/// with it, if anything.
pub(crate) fn unpack(
    path: &Path,
    limits: Limits,
    allowed: impl FnOnce(usize) -> bool,
) -> Option<Vec<u8>> {
    let packed = read(path)?;
    let (_, rest) = packed.strip_prefix(HEADER)?.split_at_checked(HEADER_LEN - HEADER.len())?;
    let (deflated, trailer) = rest.split_last_chunk::<TRAILER_LEN>()?;
    let [sum, length] = [trailer.first_chunk::<4>()?, trailer.last_chunk::<4>()?]
        .map(|number| u32::from_le_bytes(*number));
    let length = length as usize;
    let most = limits.unpacked.min((packed.len() as u64).saturating_mul(MOST_RATIO) + FREE);
    if length > LARGEST_WHOLE || length as u64 > most || !allowed(length) {
        return None;
    }
    // Pages that are not written to take no memory: a length that is too large costs nothing.
    let mut unpacked = vec![0; length];
    // What is left over after the end of the deflated data shows in the checksum: it is not the
    // checksum of what was unpacked then.
    let done = Decompressor::new().deflate_decompress(deflated, &mut unpacked).ok()?;
    (done == length && libdeflater::crc32(&unpacked) == sum).then_some(unpacked)
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    let data = file.metadata().ok()?;
    if !data.is_file() || data.len() > LARGEST_PACKED {
        return None;
    }
    let mut packed = Vec::with_capacity(data.len() as usize + 1);
    // It may have grown since.
    file.take(LARGEST_PACKED).read_to_end(&mut packed).ok()?;
    Some(packed)
}
