//! What is written is there, and what was begun is accounted for.

use omg_audit::verify::{Against, verify};
use omg_audit::{Done, Ended, Filter, Log, Options, Phase, Reader};
use omg_core::Code;

use crate::world::{entry, fault, fill, place};

#[test]
fn a_change_is_an_intent_and_its_end() {
    let (_keep, dir) = place();
    let log = Log::open(&dir, &Options::default()).unwrap();
    let pending = log.begin(entry("install", "vim", 1)).unwrap();
    let seq = pending.seq();
    let during = Reader::open(&dir).unwrap();
    assert_eq!(during.change(seq).unwrap().unwrap().ended(), Ended::Open);
    let notices = vec!["vim: /etc/vim/vimrc.dpkg-dist".to_owned()];
    let end = pending.commit(&Done { notices: notices.clone(), ..Done::default() }).unwrap();
    let reader = Reader::open(&dir).unwrap();
    let change = reader.change(seq).unwrap().unwrap();
    assert_eq!(change.ended(), Ended::Done);
    assert_eq!(change.done(), entry("install", "vim", 1).subjects);
    assert_eq!(change.end.as_ref().unwrap().seq, end);
    assert_eq!(change.end.as_ref().unwrap().outcome.as_ref().unwrap().notices, notices);
    assert_eq!(reader.change(end).unwrap().unwrap(), change);
    assert_eq!(reader.len().unwrap(), 3, "the first record announces the key");
}

#[test]
fn refusals_and_failures_are_recorded_with_their_fault() {
    let (_keep, dir) = place();
    let log = Log::open(&dir, &Options::default()).unwrap();
    let denied = log.deny(entry("install", "vim", 1), &fault()).unwrap();
    let failed = log.begin(entry("remove", "vim", 2)).unwrap().abort(&fault()).unwrap();
    let reader = Reader::open(&dir).unwrap();
    for (seq, phase) in [(denied, Phase::Deny), (failed, Phase::Abort)] {
        let record = reader.get(seq).unwrap().unwrap();
        assert_eq!(record.phase, phase);
        assert_eq!(record.outcome.unwrap().code, Code::Signature as u16);
    }
    assert_eq!(reader.change(denied).unwrap().unwrap().ended(), Ended::Refused);
    assert_eq!(reader.change(failed).unwrap().unwrap().ended(), Ended::Failed);
}

#[test]
fn what_is_dropped_is_recorded_as_interrupted_once() {
    let (_keep, dir) = place();
    let log = Log::open(&dir, &Options::default()).unwrap();
    let seq = log.begin(entry("install", "vim", 1)).unwrap().seq();
    drop(log);
    let report = verify(&dir, &Against::default()).unwrap();
    assert_eq!(report.exit(), 2, "{:?}", report.findings);
    let log = Log::open(&dir, &Options::default()).unwrap();
    assert_eq!(log.interrupted().iter().map(|intent| intent.seq).collect::<Vec<_>>(), [seq]);
    assert_eq!(log.interrupted()[0].subjects, entry("install", "vim", 1).subjects);
    assert!(Log::open(&dir, &Options::default()).unwrap().interrupted().is_empty());
    let reader = Reader::open(&dir).unwrap();
    assert_eq!(reader.change(seq).unwrap().unwrap().ended(), Ended::Interrupted);
    assert_eq!(reader.interrupted().unwrap().len(), 1);
    assert_eq!(verify(&dir, &Against::default()).unwrap().exit(), 0);
    log.begin(entry("recover", "vim", 2)).unwrap().commit(&Done::default()).unwrap();
    assert_eq!(Reader::open(&dir).unwrap().interrupted().unwrap(), []);
}

#[test]
fn an_intent_of_a_living_process_is_left_alone() {
    let (_keep, dir) = place();
    let log = Log::open(&dir, &Options::default()).unwrap();
    let pending = log.begin(entry("install", "vim", 1)).unwrap();
    let other = Log::open(&dir, &Options::default()).unwrap();
    assert!(other.interrupted().is_empty());
    other.deny(entry("install", "emacs", 2), &fault()).unwrap();
    pending.commit(&Done::default()).unwrap();
    assert_eq!(verify(&dir, &Against::default()).unwrap().exit(), 0);
}

#[test]
fn many_threads_write_one_whole_log() {
    let (_keep, dir) = place();
    let log = Log::open(&dir, &Options::default()).unwrap();
    fill(&log, 1000);
    let report = verify(&dir, &Against::default()).unwrap();
    assert_eq!(report.exit(), 0, "{:?}", report.findings);
    let reader = Reader::open(&dir).unwrap();
    assert_eq!(report.records, reader.len().unwrap());
    assert!(report.checkpoints > report.records / 130, "{report:?}");
    assert_eq!(report.checkpoint.as_deref(), reader.checkpoint());
    assert_eq!(reader.history(&Filter::default()).unwrap().len(), 500);
    assert_eq!(log.checkpoint().unwrap(), report.checkpoint.unwrap());
}

#[test]
fn keys_change_and_old_ones_are_gone() {
    let (_keep, dir) = place();
    let options = Options { key_lifetime: std::time::Duration::ZERO, ..Options::default() };
    let mut keys = Vec::new();
    for number in 0..5 {
        let log = Log::open(&dir, &options).unwrap();
        log.deny(entry("install", "vim", number), &fault()).unwrap();
        keys.push(std::fs::read_to_string(dir.join("key")).unwrap());
    }
    keys.dedup();
    assert_eq!(keys.len(), 5);
    assert!(!dir.join("key.next").exists());
    let report = verify(&dir, &Against::default()).unwrap();
    assert_eq!((report.exit(), report.epochs), (0, 6), "{:?}", report.findings);
}

#[test]
fn a_record_over_the_limit_is_refused_and_harms_no_other() {
    let (_keep, dir) = place();
    let log = Log::open(&dir, &Options::default()).unwrap();
    let mut large = entry("install", "vim", 1);
    large.plan = Some("x".repeat(omg_audit::MAX_RECORD));
    assert_eq!(log.begin(large).unwrap_err().code(), Code::Limit);
    log.begin(entry("install", "vim", 1)).unwrap().commit(&Done::default()).unwrap();
    assert_eq!(verify(&dir, &Against::default()).unwrap().exit(), 0);
}
