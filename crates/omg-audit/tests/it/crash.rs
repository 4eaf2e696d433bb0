//! However a writer ends: what it acknowledged is there, and the next one goes on.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::Duration;

use omg_audit::verify::{Against, verify};
use omg_audit::{Log, Options, Phase, Reader};

use crate::child::{self, Ack};
use crate::world::{Dice, cases, place};

const SIGKILL: i32 = 9;

/// What was acknowledged is in the log; the next writer opens it, finds what is open, and leaves it whole.
pub(crate) fn nothing_lost(dir: &Path, acks: &[Ack], when: &str) {
    let log = Log::open(dir, &Options::default()).unwrap_or_else(|e| panic!("{when}: {e}"));
    let reader = Reader::open(dir).unwrap();
    for ack in acks {
        let record =
            reader.get(ack.seq).unwrap().unwrap_or_else(|| panic!("{when}: {ack:?} is lost"));
        assert_eq!(record.phase.as_str(), ack.what, "{when}: {ack:?}");
    }
    for intent in log.interrupted() {
        assert_eq!(intent.phase, Phase::Intent);
        let ended = acks.iter().any(|ack| ack.what != "intent" && ack.seq > intent.seq);
        // With one thread the last intent alone can be open.
        assert!(!ended, "{when}: {} was ended", intent.seq);
    }
    let report = verify(dir, &Against::default()).unwrap();
    assert_eq!(report.exit(), 0, "{when}: {:?}", report.findings);
}

#[test]
fn at_every_named_place() {
    let first = ["audit.create.key", "audit.create.written", "audit.create.durable"];
    let later = [
        "audit.append.before",
        "audit.append.durable",
        "audit.intent.written",
        "audit.commit.before",
        "audit.commit.written",
    ];
    let rotating =
        ["audit.rotate.key", "audit.rotate.durable", "audit.append.before", "audit.append.durable"];
    let first = first.iter().chain(&later).map(|place| ("one", *place, false));
    let later = later.iter().map(|place| ("one", *place, true));
    let rotating = rotating.iter().map(|place| ("rotating", *place, true));
    for (role, at, exists) in first.chain(later).chain(rotating) {
        let (_keep, dir) = place();
        let mut acks = Vec::new();
        if exists {
            acks = child::run("one", &dir, &[]).0;
            assert_eq!(acks.len(), 2);
        }
        let (more, status) = child::run(role, &dir, &[("OMG_FAILPOINT", &format!("{at}=kill"))]);
        assert_eq!(status.signal(), Some(SIGKILL), "{role} never came by {at}");
        acks.extend(more);
        nothing_lost(&dir, &acks, &format!("{role} at {at}"));
        // A second death, in the middle of what the first one left.
        let (more, status) =
            child::run("rotating", &dir, &[("OMG_FAILPOINT", "audit.append.before=kill")]);
        assert_eq!(status.signal(), Some(SIGKILL));
        acks.extend(more);
        nothing_lost(&dir, &acks, &format!("after {role} at {at}"));
    }
}

#[test]
fn while_the_log_is_made() {
    let mut dice = Dice(9);
    for case in 0..cases(40) {
        let (_keep, dir) = place();
        let mut writer = child::start("endless", &dir, &[]);
        std::thread::sleep(Duration::from_micros(1_500 + dice.below(6_000)));
        writer.kill().unwrap();
        let acks = child::acks(&mut writer);
        writer.wait().unwrap();
        nothing_lost(&dir, &acks, &format!("case {case}"));
    }
}

#[test]
fn an_abort_cut_off() {
    for at in ["audit.abort.before", "audit.abort.written"] {
        let (_keep, dir) = place();
        let (acks, status) = child::run("fifty", &dir, &[("OMG_FAILPOINT", &format!("{at}=kill"))]);
        assert_eq!(status.signal(), Some(SIGKILL));
        nothing_lost(&dir, &acks, at);
    }
}

#[test]
fn at_random_moments() {
    let (_keep, dir) = place();
    let mut acks = Vec::new();
    let mut dice = Dice(u64::from(std::process::id()));
    for case in 0..cases(200) {
        let mut writer = child::start("endless", &dir, &[]);
        let (said, delay) = (1 + dice.below(12) as usize, Duration::from_micros(dice.below(3_000)));
        acks.extend(child::killed_after(&mut writer, said, delay));
        writer.wait().unwrap();
        if case % 20 == 19 {
            nothing_lost(&dir, &acks, &format!("case {case}"));
        }
    }
    nothing_lost(&dir, &acks, "after all");
    assert!(acks.len() >= cases(200), "the writers came to nothing: {}", acks.len());
}

#[test]
fn with_threads_at_random_moments() {
    let (_keep, dir) = place();
    let mut acks = Vec::new();
    let mut dice = Dice(7);
    for _ in 0..cases(30) {
        let mut writer = child::start("threads", &dir, &[]);
        let (said, delay) = (1 + dice.below(60) as usize, Duration::from_micros(dice.below(6_000)));
        acks.extend(child::killed_after(&mut writer, said, delay));
        writer.wait().unwrap();
    }
    Log::open(&dir, &Options::default()).unwrap();
    let reader = Reader::open(&dir).unwrap();
    for ack in &acks {
        assert_eq!(reader.get(ack.seq).unwrap().unwrap().phase.as_str(), ack.what);
    }
    assert_eq!(verify(&dir, &Against::default()).unwrap().exit(), 0);
    assert!(!acks.is_empty());
}
