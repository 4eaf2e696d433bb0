//! Which snapshots are believed.

use crate::{Runtime, executable, good, now, status};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use zerocopy::IntoBytes as _;

#[test]
fn a_good_one_gives_its_numbers() {
    let runtime = Runtime::with(&good());
    runtime.says("status", "707 packages · 120 explicit · 3 orphans · 5 updates (2 security)\n");
    runtime.says("tc", "707\n");
    runtime.says("ec", "120\n");
    runtime.says("oc", "3\n");
    runtime.says("uc", "5\n");
}

#[test]
fn none_is_no_error() {
    Runtime::new().is_silent();
}

#[test]
fn each_flipped_bit_is_seen() {
    let bytes = good();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << bit;
            let output = Runtime::with(&bad).run(&["status"]);
            assert_eq!(
                (output.status.code(), output.stdout.len()),
                (Some(3), 0),
                "byte {at}, bit {bit}"
            );
        }
    }
}

#[test]
fn each_wrong_length_is_seen() {
    let bytes = good();
    for length in 0..bytes.len() {
        Runtime::with(&bytes[..length]).is_silent();
    }
    let mut longer = bytes.clone();
    longer.push(0);
    Runtime::with(&longer).is_silent();
    Runtime::with(&vec![0; 1 << 20]).is_silent();
}

#[test]
fn an_old_one_and_one_from_the_future_are_stale() {
    for seconds in [140, 0] {
        Runtime::with(status(now() - seconds).as_bytes()).says("tc", "707\n");
    }
    for timestamp in [now() - 152, 0, now() + 160, u64::MAX] {
        Runtime::with(status(timestamp).as_bytes()).is_silent();
    }
}

#[test]
fn links_are_not_followed() {
    let elsewhere = Runtime::with(&good());
    let runtime = Runtime::new();
    symlink(elsewhere.file(), runtime.file()).unwrap();
    runtime.is_silent();
    let dangling = Runtime::new();
    symlink("/nowhere", dangling.file()).unwrap();
    dangling.is_silent();
}

#[test]
fn what_is_no_file_is_not_read() {
    let directory = Runtime::new();
    std::fs::create_dir(directory.file()).unwrap();
    directory.is_silent();

    let pipe = Runtime::new();
    let made = Command::new("mkfifo").arg(pipe.file()).status().unwrap();
    assert!(made.success());
    pipe.is_silent();

    let socket = Runtime::new();
    let _listener = std::os::unix::net::UnixListener::bind(socket.file()).unwrap();
    socket.is_silent();
}

#[test]
fn one_that_everybody_may_write_is_refused() {
    let runtime = Runtime::with(&good());
    std::fs::set_permissions(runtime.file(), std::fs::Permissions::from_mode(0o666)).unwrap();
    runtime.is_silent();
}

#[test]
fn one_of_another_user_is_refused() {
    let runtime = Runtime::with(&good());
    if chown(runtime.file(), Some(65_534), None).is_err() {
        println!("skipped: only root can give a file away");
        return;
    }
    std::fs::set_permissions(runtime.file(), std::fs::Permissions::from_mode(0o644)).unwrap();
    runtime.is_silent();
}

/// What is printed with this value of the variable. A daemon of the user may have left a true
/// snapshot at one of the fixed places, which are next in turn; it has other numbers.
fn total_below(directory: impl AsRef<std::ffi::OsStr>, current: &std::path::Path) -> Vec<u8> {
    let mut command = Command::new(executable());
    command.arg("tc").env_clear().env("XDG_RUNTIME_DIR", directory).current_dir(current);
    command.output().unwrap().stdout
}

#[test]
fn only_a_directory_of_ours_is_a_runtime_directory() {
    let mut marked = status(now());
    marked.total = 4_000_000_001.into();
    let runtime = Runtime::with(marked.sealed().as_bytes());
    let seen = b"4000000001\n";
    assert_eq!(total_below(runtime.path(), runtime.path()), seen);
    for directory in [".", "", "no/such"] {
        assert_ne!(total_below(directory, runtime.path()), seen, "{directory:?}");
    }
    let links = Runtime::new();
    symlink(runtime.path(), links.path().join("link")).unwrap();
    for directory in ["link", "absent"] {
        assert_ne!(total_below(links.path().join(directory), runtime.path()), seen, "{directory}");
    }
    if chown(runtime.path(), Some(65_534), None).is_err() {
        println!("skipped in part: only root can give a directory away");
        return;
    }
    assert_ne!(total_below(runtime.path(), runtime.path()), seen);
    chown(runtime.path(), Some(0), None).unwrap();
}

#[test]
fn a_file_that_shrinks_and_grows_meanwhile_does_no_harm() {
    let runtime = Runtime::with(&good());
    let bytes = good();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let file = std::fs::OpenOptions::new().write(true).open(runtime.file()).unwrap();
            for round in 0_u64.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                file.set_len(round % 49).unwrap();
                std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0).unwrap();
            }
        });
        for _ in 0..500 {
            let output = runtime.run(&["tc"]);
            match output.status.code() {
                Some(0) => assert_eq!(output.stdout, b"707\n"),
                code => assert_eq!((code, output.stdout.len()), (Some(3), 0)),
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_closed_or_full_output_is_a_failure() {
    let runtime = Runtime::with(&good());
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = Command::new(executable())
        .arg("tc")
        .env_clear()
        .env("XDG_RUNTIME_DIR", runtime.path())
        .stdout(Stdio::from(full))
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
}
