//! Processes that write at the same time take turns, and readers are not in their way.

use std::time::Duration;

use omg_audit::verify::{Against, Verdict, verify};
use omg_audit::{Log, Options, Reader};
use omg_core::Code;

use crate::child;
use crate::world::place;

#[test]
fn two_processes_write_one_log() {
    let (_keep, dir) = place();
    let mut writers = [child::start("fifty", &dir, &[]), child::start("fifty", &dir, &[])];
    // Meanwhile somebody reads, without a lock: what he sees is always the log as it was at one moment.
    let mut seen = 0;
    while writers[0].try_wait().unwrap().is_none() {
        match Reader::open(&dir) {
            Ok(reader) => {
                let report = verify(&dir, &Against::default());
                seen = seen.max(reader.len().unwrap());
                if let Ok(report) = report {
                    assert_ne!(report.verdict(), Verdict::Tampered, "{:?}", report.findings);
                }
            }
            Err(e) => assert!(matches!(e.code(), Code::NotFound | Code::Lock), "{e}"),
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut acks = Vec::new();
    for writer in &mut writers {
        acks.extend(child::acks(writer));
        assert!(writer.wait().unwrap().success());
    }
    assert_eq!(acks.len(), 200);
    let mut numbers: Vec<u64> = acks.iter().map(|ack| ack.seq).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 200, "a number was given twice");
    let report = verify(&dir, &Against::default()).unwrap();
    assert_eq!((report.exit(), report.records), (0, 201), "{:?}", report.findings);
    assert!(seen > 1, "nothing was read");
}

#[test]
fn whoever_waits_too_long_is_told_for_whom() {
    let (_keep, dir) = place();
    drop(Log::open(&dir, &Options::default()).unwrap());
    let held = child::start("one", &dir, &[("OMG_FAILPOINT", "audit.append.before=stop")]);
    let options = Options { lock_timeout: Duration::from_millis(50), ..Options::default() };
    let error = loop {
        match Log::open(&dir, &options) {
            Ok(_) => std::thread::sleep(Duration::from_millis(5)),
            Err(e) => break e,
        }
    };
    assert_eq!(error.code(), Code::Lock, "{error}");
    assert!(error.to_string().contains(&held.id().to_string()), "{error}");
    // A reader has no need to wait.
    assert_eq!(Reader::open(&dir).unwrap().len().unwrap(), 1);
    let mut held = held;
    held.kill().unwrap();
    held.wait().unwrap();
    Log::open(&dir, &Options::default()).unwrap();
}
