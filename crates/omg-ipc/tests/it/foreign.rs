//! Peers of another user. These need root, to become somebody else; otherwise they say so and skip.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use omg_core::Code;
use omg_ipc::{Config, Error, Socket};
use omg_proto::Reply;

use crate::support::{Daemon, Raw, frame, hello, ping};

const NOBODY: u32 = 65534;

/// Names what the process that runs as nobody has to do, and where.
const ROLE: &str = "OMG_TEST_ROLE";

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("skipped: only root can become another user");
    }
    root
}

/// Runs a function of this file, [`other_user`], as nobody in a process of its own.
fn as_nobody(role: &str, path: &Path) -> Command {
    // The test's own executable may be where nobody can't reach it.
    let directory = path.parent().unwrap();
    let copy = directory.join("as-nobody");
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(copy);
    command.args(["--exact", "foreign::other_user", "--nocapture", "--ignored"]);
    command
        .env(ROLE, format!("{role}:{}", path.display()))
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY);
    command
}

/// A directory that everybody can reach.
fn shared() -> tempfile::TempDir {
    let directory = tempfile::Builder::new().prefix("omg-").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

/// What runs as nobody. Not a test by itself.
#[test]
#[ignore = "the other tests of this file run it as another user"]
fn other_user() {
    let role = std::env::var(ROLE).unwrap_or_default();
    let Some((role, path)) = role.split_once(':') else { return };
    match role {
        "ask" => {
            let fault = Raw::connect(path.as_ref())
                .send(&hello())
                .send(&frame(1, &ping().encode()))
                .fault();
            assert_eq!(fault.code, Code::Peer);
        }
        "listen" => {
            let listener = UnixListener::bind(path).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
            println!("listening");
            // Whoever connects must say nothing at all.
            let (stream, _) = listener.accept().unwrap();
            assert!(Raw(stream).rest().is_empty(), "the client said something");
        }
        other => panic!("{other}"),
    }
}

/// The modes already keep others out; this is what the kernel's word adds.
#[test]
fn another_user_is_refused_even_if_the_file_lets_him_in() {
    if !is_root() {
        return;
    }
    let daemon = Daemon::start(Config::default());
    let outside = shared();
    let path = outside.path().join("door.sock");
    // A way in past directory and mode.
    let directory = daemon.socket.parent().unwrap();
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&daemon.socket, std::fs::Permissions::from_mode(0o777)).unwrap();
    std::os::unix::fs::symlink(&daemon.socket, &path).unwrap();
    let output = as_nobody("ask", &path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!((daemon.counters.refusals(), daemon.counters.accepted()), (1, 0));
    daemon.end();
}

#[test]
fn the_modes_keep_another_user_out() {
    if !is_root() {
        return;
    }
    let daemon = Daemon::start(Config::default());
    let outside = shared();
    let path = outside.path().join("door.sock");
    std::os::unix::fs::symlink(&daemon.socket, &path).unwrap();
    let output = as_nobody("ask", &path).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("PermissionDenied"), "{output:?}");
    assert_eq!(daemon.counters.refusals(), 0);
    daemon.end();
}

/// snapd once parsed the peer's uid out of a text that held the address that the peer had bound.
#[test]
fn an_address_that_claims_a_uid_changes_nothing() {
    let daemon = Daemon::start(Config::default());
    let directory = crate::support::private();
    let claim = directory.path().join("x;uid=4242;pid=1;");
    let socket = rustix::net::socket(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::STREAM,
        None,
    )
    .unwrap();
    rustix::net::bind(&socket, &rustix::net::SocketAddrUnix::new(&claim).unwrap()).unwrap();
    rustix::net::connect(&socket, &rustix::net::SocketAddrUnix::new(&daemon.socket).unwrap())
        .unwrap();
    let stream = UnixStream::from(socket);
    let ours: SocketAddr = stream.local_addr().unwrap();
    assert_eq!(ours.as_pathname(), Some(claim.as_path()));
    let mut raw = Raw(stream);
    raw.send(&hello()).send(&frame(1, &ping().encode()));
    raw.0.shutdown(std::net::Shutdown::Write).unwrap();
    let answers = crate::support::frames(&raw.rest());
    let Reply::Pong { generation } = Reply::decode(&answers[0].1).unwrap() else { panic!() };
    assert_eq!(
        generation.0,
        u64::from(rustix::process::geteuid().as_raw()),
        "the service saw the true uid"
    );
    daemon.end();
}

#[test]
fn a_socket_of_another_user_is_told_nothing() {
    if !is_root() {
        return;
    }
    let outside = shared();
    // Nobody may write here, but the directory is ours.
    std::fs::set_permissions(outside.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let path = outside.path().join("omg.sock");
    let mut fake = as_nobody("listen", &path).stdout(std::process::Stdio::piped()).spawn().unwrap();
    crate::support::eventually("the fake daemon listens", || {
        path.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o777 == 0o777)
    });
    match omg_ipc::blocking::Client::connect(&path) {
        Err(error @ Error::ForeignServer { theirs: NOBODY, .. }) => {
            assert_eq!(error.fault().code, Code::Peer);
        }
        other => panic!("{other:?}"),
    }
    let output = fake.wait().unwrap();
    assert!(output.success());
}

#[test]
fn the_async_client_looks_too() {
    if !is_root() {
        return;
    }
    let outside = shared();
    std::fs::set_permissions(outside.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let path = outside.path().join("omg.sock");
    let mut fake = as_nobody("listen", &path).stdout(std::process::Stdio::piped()).spawn().unwrap();
    crate::support::eventually("the fake daemon listens", || {
        path.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o777 == 0o777)
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result = runtime.block_on(omg_ipc::Client::connect(&path));
    assert!(matches!(result, Err(Error::ForeignServer { theirs: NOBODY, .. })), "{result:?}");
    assert!(fake.wait().unwrap().success());
}

#[test]
fn a_directory_of_another_user_is_neither_used_nor_trusted() {
    if !is_root() {
        return;
    }
    let directory = crate::support::private();
    chown(directory.path(), Some(NOBODY), None).unwrap();
    let path = directory.path().join("omg.sock");
    assert!(matches!(Socket::bind(&path), Err(Error::Directory { .. })));
    // Even with a daemon of ours behind it.
    let _listener = UnixListener::bind(&path).unwrap();
    assert!(matches!(omg_ipc::blocking::Client::connect(&path), Err(Error::Directory { .. })));
}
