//! The power fails in the middle of a change: after `omg recover` nothing is half done, and the log holds.

use std::process::{Command, Stdio};
use std::time::Instant;

use omg_failpoint::disk::Disk;

use crate::change::shop;
use crate::shop::installed;
use crate::support::Home;

#[test]
fn a_change_outlives_the_power() {
    let Some(shop) = shop() else { return };
    let keep = tempfile::tempdir().unwrap();
    let disk = match Disk::within(keep.path()) {
        Ok(disk) => disk,
        Err(why) => {
            println!("nothing was tested of power cuts: no file system can be mounted here: {why}");
            return;
        }
    };
    let root = disk.path().join("root");
    let copied = Command::new("cp").arg("-a").args([&shop.root(), &root]).status().unwrap();
    assert!(copied.success());
    let home = Home::over(&root);
    let does = |arguments: &[&str], when: &str| {
        let run = home.alone(arguments);
        assert_eq!(run.code, 0, "{when}: {arguments:?}: {run:?}");
    };
    does(&["sync"], "at first");
    let begun = Instant::now();
    does(&["install", "-y", "editor"], "at first");
    let whole = begun.elapsed();
    does(&["remove", "-y", "editor", "tool", "libtool1"], "at first");
    assert!(Command::new("sync").status().unwrap().success());
    let mut cut_off = 0;
    // From before the engine has begun to after it has ended, however fast this machine is.
    for case in 0..8 {
        let delay = whole * (case + 1) / 6;
        let when = format!("case {case}, after {delay:?}");
        let mut omg = home
            .command(env!("CARGO_BIN_EXE_omg"))
            .env("OMG_NO_DAEMON", "1")
            .args(["install", "-y", "editor"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(delay);
        disk.cut().unwrap();
        let done = omg.wait().unwrap().success();
        disk.restore().unwrap();
        cut_off += usize::from(!done);

        does(&["recover"], &when);
        does(&["audit", "verify"], &when);
        if done {
            assert_eq!(installed(&root).len(), 3, "{when}: what was said to be done is lost");
        }
        does(&["install", "-y", "editor"], &when);
        assert_eq!(installed(&root), ["editor 1.0", "libtool1 1.0", "tool 2.0"], "{when}");
        for name in ["editor", "libtool1", "tool"] {
            let data = std::fs::read_to_string(root.join(format!("usr/share/{name}/data")));
            assert!(data.unwrap().starts_with(name), "{when}");
        }
        does(&["remove", "-y", "editor", "tool", "libtool1"], &when);
        assert!(Command::new("sync").status().unwrap().success());
    }
    println!("{cut_off} of 8 changes were cut off");
}
