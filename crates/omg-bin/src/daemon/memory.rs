//! Has the allocator give back what building an index freed.
#![expect(unsafe_code, reason = "std has no way to set up the C library's allocator")]

/// Allocations from this size on get pages of their own, which go back when they are freed.
///
/// glibc starts with the same number but raises it up to 32 MiB as large blocks are freed. The
/// buffers of a build, of the lists and of the image then come from its heaps, one for each thread,
/// and stay there: 160 MiB resident instead of 45, measured with 64,000 packages.
#[cfg(target_env = "gnu")]
const THRESHOLD: i32 = 128 * 1024;

/// Sets that up. To be called before there are threads; elsewhere than on glibc it does nothing.
pub(super) fn give_back() {
    #[cfg(target_env = "gnu")]
    {
        /// `M_MMAP_THRESHOLD` of malloc.h.
        const MMAP_THRESHOLD: i32 = -3;
        unsafe extern "C" {
            fn mallopt(parameter: i32, value: i32) -> i32;
        }
        // SAFETY: this is mallopt(3)'s signature; it takes two numbers and keeps no reference.
        let set = unsafe { mallopt(MMAP_THRESHOLD, THRESHOLD) };
        debug_assert_eq!(set, 1, "glibc takes any threshold up to 32 MiB");
    }
}
