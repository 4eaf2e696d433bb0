//! Row 59: a clock that is set, while a log is written.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use omg_audit::verify::{Against, verify};
use omg_audit::{Log, Options, Reader, Time};

use crate::child;
use crate::world::{entry, fault, place};

const TEN_YEARS_MS: u64 = 10 * 365 * 24 * 3600 * 1000;

/// Wall clock ten years forth and back in turn; the other one a little back now and then, as between
/// processors.
fn adrift() -> Time {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let calls = CALLS.fetch_add(1, Ordering::Relaxed);
    let wall =
        [1_800_000_000_000, 1_800_000_000_000 + TEN_YEARS_MS, 1_800_000_000_000 - TEN_YEARS_MS];
    let back = if calls % 4 == 3 { 15 } else { 0 };
    let boot_id = omg_audit::Bytes([7; 16]);
    Time { wall_ms: wall[calls as usize % 3], boot_ms: 1_000 + calls * 10 - back, boot_id }
}

fn write(dir: &Path) {
    let options = Options { clock: adrift, ..Options::default() };
    let log = Log::open(dir, &options).unwrap();
    for number in 0..40 {
        log.deny(entry("install", "vim", number), &fault()).unwrap();
    }
}

/// The child's side.
pub(crate) fn backwards(dir: &Path) {
    write(dir);
}

#[test]
fn the_order_is_kept_whatever_the_clock_says() {
    let (_keep, dir) = place();
    write(&dir);
    let report = verify(&dir, &Against::default()).unwrap();
    assert_eq!(report.exit(), 0, "{:?}", report.findings);
    let records: Vec<_> =
        Reader::open(&dir).unwrap().records(0).unwrap().map(Result::unwrap).collect();
    assert!(records.windows(2).all(|pair| pair[0].boot_ms <= pair[1].boot_ms));
    assert!(records.windows(2).any(|pair| pair[0].wall_ms > pair[1].wall_ms), "the clock was set");
    // Setting the clock by years brings a new key, and that is all that it brings.
    assert!(report.epochs > 10);
}

#[test]
fn without_the_floor_it_would_not_be() {
    let (_keep, dir) = place();
    let (_, status) = child::run("clock", &dir, &[("OMG_WEAKEN", "59")]);
    assert!(status.success());
    let report = verify(&dir, &Against::default()).unwrap();
    assert_eq!(report.exit(), 1);
    assert!(report.findings[0].text.contains("goes back"), "{report:?}");
}

#[test]
fn a_new_start_of_the_machine_begins_at_nothing() {
    fn first() -> Time {
        Time { wall_ms: 5, boot_ms: 1_000_000, boot_id: omg_audit::Bytes([1; 16]) }
    }
    fn second() -> Time {
        Time { wall_ms: 6, boot_ms: 10, boot_id: omg_audit::Bytes([2; 16]) }
    }
    let (_keep, dir) = place();
    for clock in [first as fn() -> Time, second] {
        let log = Log::open(&dir, &Options { clock, ..Options::default() }).unwrap();
        log.deny(entry("install", "vim", 1), &fault()).unwrap();
    }
    assert_eq!(verify(&dir, &Against::default()).unwrap().exit(), 0);
    let last = Reader::open(&dir).unwrap().get(2).unwrap().unwrap();
    assert_eq!((last.boot_ms, last.boot_id), (10, omg_audit::Bytes([2; 16])));
}
