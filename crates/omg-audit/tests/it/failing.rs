//! Row 58: system calls that fail, one after the other.

use std::process::{Command, Stdio};

use omg_audit::verify::{Against, Verdict, verify};
use omg_audit::{Log, Options, Reader};

use crate::child;
use crate::world::{cases, place};

fn strace() -> bool {
    let traces = Command::new("strace").args(["-e", "none", "true"]).stderr(Stdio::null()).status();
    let traces = traces.is_ok_and(|status| status.success());
    if !traces {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "strace is needed");
        eprintln!("SKIPPED: strace is not here or may not trace");
    }
    traces
}

/// Runs a writer of which the calls `which` fail with `error` from the `first` one on: what it says is
/// recorded is.
fn writer(which: &str, error: &str, first: usize, endless: bool) {
    let (_keep, dir) = place();
    let (mut acks, _) = child::run("one", &dir, &[]);
    let plus = if endless { "+" } else { "" };
    let inject = format!("inject={which}:error={error}:when={first}{plus}");
    let mut traced = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={which}"), "-e", &inject])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "child::entry_point", "--nocapture", "--include-ignored"])
        .env("OMG_AUDIT_ROLE", "few")
        .env("OMG_AUDIT_DIR", &dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    acks.extend(child::acks(&mut traced));
    traced.wait().unwrap();
    let when = format!("{which} {error} from {first}{plus}");
    let log = Log::open(&dir, &Options::default());
    log.unwrap_or_else(|e| panic!("{when}: {e}"));
    let reader = Reader::open(&dir).unwrap();
    for ack in acks {
        let record =
            reader.get(ack.seq).unwrap().unwrap_or_else(|| panic!("{when}: {ack:?} is lost"));
        assert_eq!(record.phase.as_str(), ack.what, "{when}");
    }
    let report = verify(&dir, &Against::default()).unwrap();
    assert_eq!(report.verdict(), Verdict::Whole, "{when}: {:?}", report.findings);
}

#[test]
fn every_call_fails_once_or_for_good() {
    if !strace() {
        return;
    }
    let (last, step) = if cases(1) > 1 { (60, 1) } else { (10, 5) };
    for which in ["fdatasync", "fsync", "pwrite64", "ftruncate", "fallocate", "flock", "openat"] {
        let writes = ["fdatasync", "pwrite64"].contains(&which) || cases(1) > 1;
        let errors: &[&str] = if writes { &["EIO", "ENOSPC", "EINTR"] } else { &["ENOSPC"] };
        for error in errors {
            // Opening files fails while the program is loaded; that is not what is tested.
            let from = if which == "openat" { 12 } else { 1 };
            for first in (from..from + last).step_by(step) {
                writer(which, error, first, false);
                if *error != "EINTR" && (first == from || step == 1) {
                    writer(which, error, first, true);
                }
            }
        }
    }
}
