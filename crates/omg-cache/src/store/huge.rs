//! A buffer for the index image in huge pages.
//!
//! The image is read into memory at every start and searched ever after. In pages of 4 KiB the
//! kernel interrupts the reading thousands of times, which takes longer than the copying itself; in
//! pages of 2 MiB a dozen times.
#![expect(
    unsafe_code,
    reason = "madvise is unsafe for any advice, as some change what memory holds"
)]

use rustix::mm::{Advice, madvise};

/// Size and alignment of a huge page, bytes.
const HUGE: usize = 2 << 20;

/// An empty vector with room for `length` bytes, in huge pages where the kernel has any.
pub(super) fn buffer(length: usize) -> Vec<u8> {
    let mut buffer: Vec<u8> = Vec::with_capacity(length);
    let room = buffer.spare_capacity_mut();
    let skip = room.as_ptr().align_offset(HUGE);
    if let Some(whole) = room.len().checked_sub(skip).map(|rest| rest / HUGE * HUGE)
        && let Some(inner) = room.get_mut(skip..skip + whole)
        && !inner.is_empty()
    {
        // SAFETY: the range is whole pages within memory that the vector owns, and this advice
        // changes how the kernel backs them, never what they hold.
        let _ = unsafe { madvise(inner.as_mut_ptr().cast(), inner.len(), Advice::LinuxHugepage) };
        // Refused where the kernel has none: then it is a buffer like any other.
    }
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_of_any_size_is_a_vector() {
        for length in [0, 1, 4096, HUGE - 1, HUGE, 5 * HUGE + 17] {
            let mut buffer = buffer(length);
            assert!(buffer.is_empty() && buffer.capacity() >= length);
            buffer.resize(length, 0xA5);
            assert!(buffer.iter().all(|&byte| byte == 0xA5));
        }
    }
}
