//! Whose the files are, and what else they may not be.

use std::os::unix::fs::{PermissionsExt, symlink};

use omg_audit::{Log, Options, Reader, default_pin};
use omg_core::Code;

use crate::world::{entry, fault, filled, place};

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn who_may_read_what() {
    for (world_readable, of_dir, of_file) in [(true, 0o755, 0o644), (false, 0o700, 0o600)] {
        let (_keep, dir) = place();
        let options = Options { world_readable, ..Options::default() };
        let log = Log::open(&dir, &options).unwrap();
        log.deny(entry("install", "vim", 1), &fault()).unwrap();
        assert_eq!((mode(&dir), mode(&dir.join("log.redb"))), (of_dir, of_file));
        for secret in ["key", "lock"] {
            assert_eq!(mode(&dir.join(secret)), 0o600, "{secret}");
        }
        assert_eq!(mode(&default_pin(&dir)), 0o644);
    }
}

#[test]
fn links_are_refused() {
    for name in ["log.redb", "key", "lock"] {
        let (keep, dir) = filled(4);
        let elsewhere = keep.path().join("elsewhere");
        std::fs::rename(dir.join(name), &elsewhere).unwrap();
        symlink(&elsewhere, dir.join(name)).unwrap();
        let error = Log::open(&dir, &Options::default()).unwrap_err();
        assert_eq!(error.code(), Code::Audit, "{name}: {error}");
        assert!(error.to_string().contains("is a link"), "{name}: {error}");
        std::fs::remove_file(dir.join(name)).unwrap();
        std::fs::hard_link(&elsewhere, dir.join(name)).unwrap();
        let error = Log::open(&dir, &Options::default()).unwrap_err();
        assert!(error.to_string().contains("second name"), "{name}: {error}");
    }
    let (keep, dir) = filled(4);
    let link = keep.path().join("link");
    symlink(&dir, &link).unwrap();
    assert_eq!(Log::open(&link, &Options::default()).unwrap_err().code(), Code::Audit);
}

#[test]
fn what_others_can_write_is_refused() {
    for name in ["", "log.redb", "key", "lock"] {
        let (_keep, dir) = filled(4);
        let path = if name.is_empty() { dir.clone() } else { dir.join(name) };
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode | 0o020)).unwrap();
        let error = Log::open(&dir, &Options::default()).unwrap_err();
        assert_eq!(error.code(), Code::Audit, "{name}: {error}");
        assert!(error.to_string().contains("written by others"), "{name}: {error}");
    }
}

#[test]
fn what_is_another_users_is_refused() {
    if !is_root() {
        return eprintln!("SKIPPED: only root can give files to another user");
    }
    for name in ["", "log.redb", "key", "lock"] {
        let (_keep, dir) = filled(4);
        let path = if name.is_empty() { dir.clone() } else { dir.join(name) };
        std::os::unix::fs::chown(&path, Some(65534), Some(65534)).unwrap();
        let error = Log::open(&dir, &Options::default()).unwrap_err();
        assert_eq!(error.code(), Code::Audit, "{name}: {error}");
        assert!(error.to_string().contains("belongs to user 65534"), "{name}: {error}");
    }
}

#[test]
fn a_directory_that_can_not_be_written_is_a_clear_refusal() {
    let (_keep, dir) = place();
    std::fs::write(&dir, "a file").unwrap();
    let fault = omg_core::Fault::from(Log::open(&dir, &Options::default()).unwrap_err());
    assert_eq!((fault.code, fault.code.exit()), (Code::Audit, 1));
    assert!(fault.cause[0].contains("is not a directory"), "{fault}");
    let absent = Reader::open(&dir.join("none")).unwrap_err();
    assert!(matches!(absent.code(), Code::NotFound | Code::Audit), "{absent}");
}
