//! Making, taking over and refusing sockets.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Barrier;

use omg_core::Code;
use omg_ipc::{Error, Socket};

fn mode(path: &std::path::Path) -> u32 {
    path.symlink_metadata().unwrap().mode() & 0o7777
}

#[test]
fn socket_and_directory_are_their_owners_alone() {
    let directory = crate::support::private();
    let path = directory.path().join("new").join("omg.sock");
    let socket = Socket::bind(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&path.with_file_name("omg.sock.lock")), 0o600);
    drop(socket);
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);
}

#[test]
fn a_directory_that_others_may_enter_is_refused() {
    let directory = crate::support::private();
    for bits in [0o755, 0o710, 0o701, 0o777] {
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(bits)).unwrap();
        let error = Socket::bind(&directory.path().join("omg.sock")).unwrap_err();
        assert!(matches!(error, Error::Directory { .. }), "{bits:o}: {error:?}");
        assert_eq!(error.fault().code, Code::Peer);
        assert!(error.fault().hint.unwrap().contains("chmod 700"));
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_link_to_a_directory_is_refused() {
    let directory = crate::support::private();
    let link = directory.path().join("link");
    let target = directory.path().join("target");
    std::fs::create_dir(&target).unwrap();
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let error = Socket::bind(&link.join("omg.sock")).unwrap_err();
    assert!(matches!(error, Error::Directory { .. }), "{error:?}");
    assert_eq!(std::fs::read_dir(&target).unwrap().count(), 0);
}

#[test]
fn the_socket_of_a_dead_daemon_is_taken_over() {
    let directory = crate::support::private();
    let path = directory.path().join("omg.sock");
    drop(UnixListener::bind(&path).unwrap());
    std::fs::write(directory.path().join("omg.sock.lock"), "4194304\n").unwrap();
    assert!(path.exists(), "std leaves the file, as a killed daemon does");
    let socket = Socket::bind(&path).unwrap();
    assert!(UnixStream::connect(&path).is_ok());
    drop(socket);
    assert!(!path.exists());
}

#[test]
fn a_living_daemon_keeps_its_socket() {
    let directory = crate::support::private();
    let path = directory.path().join("omg.sock");
    let _first = Socket::bind(&path).unwrap();
    let inode = path.metadata().unwrap().ino();
    match Socket::bind(&path) {
        Err(Error::Live { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
        other => panic!("{other:?}"),
    }
    assert_eq!(path.metadata().unwrap().ino(), inode);
    assert!(UnixStream::connect(&path).is_ok());
}

/// As a service manager that holds the socket without our lock.
#[test]
fn a_socket_that_somebody_listens_on_is_not_taken_either() {
    let directory = crate::support::private();
    let path = directory.path().join("omg.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    assert!(matches!(Socket::bind(&path), Err(Error::Live { pid: Some(_), .. })));
    assert!(path.exists());
}

#[test]
fn other_files_are_not_removed() {
    let directory = crate::support::private();
    let path = directory.path().join("omg.sock");
    std::fs::write(&path, "precious").unwrap();
    assert!(matches!(Socket::bind(&path), Err(Error::NotASocket { .. })));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("elsewhere", &path).unwrap();
    assert!(matches!(Socket::bind(&path), Err(Error::NotASocket { .. })));
}

#[test]
fn a_lock_that_is_a_link_is_not_followed() {
    let directory = crate::support::private();
    let victim = directory.path().join("victim");
    std::fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, directory.path().join("omg.sock.lock")).unwrap();
    assert!(Socket::bind(&directory.path().join("omg.sock")).is_err());
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
}

#[test]
fn a_successors_socket_is_not_removed() {
    let directory = crate::support::private();
    let path = directory.path().join("omg.sock");
    let first = Socket::bind(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let _successor = UnixListener::bind(&path).unwrap();
    drop(first);
    assert!(path.exists());
}

#[test]
fn of_daemons_that_start_at_once_exactly_one_listens() {
    for _ in 0..50 {
        let directory = crate::support::private();
        let path = directory.path().join("omg.sock");
        drop(UnixListener::bind(&path).unwrap());
        let start = Barrier::new(8);
        let end = Barrier::new(8);
        let winners: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        let socket = Socket::bind(&path);
                        end.wait();
                        match socket {
                            Ok(_) => 1,
                            Err(Error::Live { .. }) => 0,
                            Err(other) => panic!("{other:?}"),
                        }
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(winners, 1);
        assert!(!path.exists());
    }
}

/// As when a daemon is stopped and the next one started at once.
#[test]
fn a_daemon_that_is_ending_is_waited_for() {
    let directory = crate::support::private();
    let path = directory.path().join("omg.sock");
    let first = Socket::bind(&path).unwrap();
    let stream = UnixStream::connect(&path).unwrap();
    first.withdraw();
    assert!(!path.exists() && UnixStream::connect(&path).is_err());
    std::thread::scope(|scope| {
        let second = scope.spawn(|| Socket::bind(&path).unwrap());
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert!(!second.is_finished() && !path.exists());
        drop((first, stream));
        let second = second.join().unwrap();
        assert!(UnixStream::connect(second.path()).is_ok());
    });
}

#[test]
fn a_path_that_fits_no_address_is_named() {
    let directory = crate::support::private();
    let error = Socket::bind(&directory.path().join("x".repeat(108))).unwrap_err();
    assert!(error.to_string().contains("at most 107 bytes"), "{error}");
}
