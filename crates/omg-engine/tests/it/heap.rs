//! Counts what a piece of code allocates at most, on its own thread.
#![expect(unsafe_code, reason = "an allocator can only be watched from inside")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Watched;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

fn grow(bytes: usize) {
    let live = LIVE.get().wrapping_add(bytes);
    LIVE.set(live);
    if live < usize::MAX / 2 {
        PEAK.set(PEAK.get().max(live));
    }
}

// SAFETY: every call is passed on to the system's allocator unchanged; the counters are constant
// thread-locals without destructors, so touching them never allocates.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // Memory of another thread may be freed here, hence the wrapping.
        LIVE.set(LIVE.get().wrapping_sub(layout.size()));
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Runs `work` and gives back by how many bytes this thread's live memory grew at the most.
pub(crate) fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    LIVE.set(0);
    PEAK.set(0);
    let result = work();
    (result, PEAK.get())
}

#[test]
fn the_watch_sees_an_allocation() {
    let (_, bytes) = peak(|| vec![0_u8; 100_000]);
    assert!((100_000..101_000).contains(&bytes), "{bytes}");
}
