//! The daemon as a process: signals, sockets, service managers.

mod home;

use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::{Command, Stdio};
use std::time::Duration;

use omg_core::Code;
use omg_ipc::Error;
use omg_ipc::blocking::Client;
use omg_proto::{Query, Reply, Request};

use home::{Home, Running, until};

const PING: Request<'static> = Request::One(Query::Ping);

/// Installed packages, as the daemon counts them.
fn installed(client: &mut Client) -> u32 {
    let answer = client.call(&Request::One(Query::Status)).unwrap();
    match answer.reply().unwrap() {
        Reply::Status(status) => status.packages.total,
        other => panic!("{other:?}"),
    }
}

fn fault(answer: &omg_ipc::Answer) -> Code {
    match answer.reply().unwrap() {
        Reply::Fault(fault) => fault.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_answers_and_leaves_nothing_but_its_cache() {
    let home = Home::new();
    for signal in ["TERM", "INT"] {
        let mut daemon = home.start();
        assert_eq!(installed(&mut daemon.client()), 2);
        daemon.signal(signal);
        assert_eq!(daemon.end(), Some(0), "{signal}");
        assert_eq!(home.left_in_runtime(), [""; 0]);
    }
    let cache: Vec<_> = std::fs::read_dir(home.path("cache")).unwrap().collect();
    assert_eq!(cache.len(), 1, "{cache:?}");
}

#[test]
fn a_second_daemon_is_told_who_is_first() {
    let home = Home::new();
    let daemon = home.start();
    let mut client = daemon.client();
    let output = home.omgd().output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains(&format!("(pid {})", daemon.id())), "{text}");
    assert!(client.call(&PING).is_ok() && daemon.client().call(&PING).is_ok());
}

#[test]
fn a_killed_daemon_s_socket_is_taken_over() {
    let home = Home::new();
    let mut daemon = home.start();
    daemon.client().call(&PING).unwrap();
    daemon.signal("KILL");
    assert_eq!(daemon.end(), None);
    assert!(home.socket().exists());
    assert!(Client::connect(&home.socket()).unwrap_err().is_absent());
    let mut daemon = home.start();
    assert_eq!(installed(&mut daemon.client()), 2);
    daemon.signal("TERM");
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn settings_are_read_again_under_connected_clients() {
    let home = Home::new();
    let daemon = home.start();
    let mut client = daemon.client();
    client.call(&PING).unwrap();

    home.settings("[limits]\nconnections = 1\n");
    daemon.signal("HUP");
    let refused = until("the new limit is in force", || match daemon.client().call(&PING) {
        Err(Error::Refused(fault)) => Some(fault.code),
        _ => None,
    });
    assert_eq!(refused, Code::Busy);
    client.call(&PING).unwrap();

    home.settings("[limits]\nconnexions = 9\n");
    daemon.signal("HUP");
    std::thread::sleep(Duration::from_millis(200));
    assert!(
        matches!(daemon.client().call(&PING), Err(Error::Refused(_))),
        "wrong settings change nothing"
    );
    client.call(&PING).unwrap();

    home.settings("");
    daemon.signal("HUP");
    until("the old limit is back", || daemon.client().call(&PING).ok());
    client.call(&PING).unwrap();
}

#[test]
fn wrong_settings_are_named_and_keep_it_from_starting() {
    let home = Home::new();
    home.settings("[daemon]\n\nworkers = \"many\"\n");
    let output = home.omgd().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("settings.toml:3: 'daemon.workers' must be"), "{text}");
}

#[test]
fn it_ends_by_itself_when_idle_and_told_so() {
    let home = Home::new();
    home.settings("[daemon]\nidle_exit_s = 1\n");
    let mut daemon = home.start();
    let mut client = daemon.client();
    client.call(&PING).unwrap();
    std::thread::sleep(Duration::from_millis(2500));
    client.call(&PING).expect("a connected client keeps it awake");
    drop(client);
    assert_eq!(daemon.end(), Some(0));
    assert_eq!(home.left_in_runtime(), [""; 0]);
}

#[test]
fn without_a_package_database_those_who_wait_are_told_so() {
    let home = Home::new();
    std::fs::remove_dir_all(home.path("root/var")).unwrap();
    let mut daemon = home.start();
    // It may be gone before anybody asks; then its exit code and its words must do.
    if let Ok(mut client) = Client::connect(&home.socket())
        && let Ok(answer) = client.call(&PING)
    {
        assert_eq!(fault(&answer), Code::NoBackend);
    }
    assert_eq!(daemon.end(), Some(1));
    assert_eq!(home.left_in_runtime(), [""; 0]);
}

#[test]
fn a_directory_that_others_may_enter_is_no_place_for_a_socket() {
    let home = Home::new();
    std::fs::set_permissions(home.path("run"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = home.omgd().output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("OMG-E0021") && text.contains("chmod 700"), "{text}");
}

#[test]
fn over_pipes_it_ends_with_its_input() {
    let home = Home::new();
    let mut child =
        home.omgd().arg("--stdio").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut client = Client::over(child.stdout.take().unwrap(), child.stdin.take().unwrap());
    assert_eq!(installed(&mut client), 2);
    assert_eq!(installed(&mut client), 2);
    drop(client);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(home.left_in_runtime(), [""; 0]);
}

#[test]
fn over_pipes_a_failed_start_is_the_answer() {
    let home = Home::new();
    home.settings("[daemon]\nworkers = 0\n");
    let mut child =
        home.omgd().arg("--stdio").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut client = Client::over(child.stdout.take().unwrap(), child.stdin.take().unwrap());
    assert_eq!(fault(&client.call(&PING).unwrap()), Code::Settings);
    drop(client);
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

/// `sh` gives the listening socket the number that a service manager would, and its process id
/// becomes the daemon's.
#[test]
fn a_passed_socket_is_used_and_left_where_it_is() {
    let home = Home::new();
    let listener = UnixListener::bind(home.socket()).unwrap();
    let program = home.omgd();
    let mut shell = Command::new("sh");
    shell.args(["-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\" 3<&0 0</dev/null", "sh"]);
    // Without --socket, which would be stronger.
    shell
        .arg(program.get_program())
        .args(program.get_args().filter(|&word| word != "--socket" && word != home.socket()));
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let mut daemon = Running::adopt(
        &home,
        shell.stdin(OwnedFd::from(listener.try_clone().unwrap())).spawn().unwrap(),
    );
    assert_eq!(installed(&mut daemon.client()), 2);
    daemon.signal("TERM");
    assert_eq!(daemon.end(), Some(0));
    assert!(home.socket().exists(), "the socket is the service manager's");
    // Whoever connects now waits for the next one.
    assert!(Client::connect(&home.socket()).is_ok());
}

#[test]
fn a_service_manager_hears_how_it_is_doing() {
    let home = Home::new();
    let path = home.path("notify.sock");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut words = home.omgd();
    words.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000");
    let mut daemon = Running::adopt(&home, words.spawn().unwrap());
    let wait_for = |wanted: &str| {
        let mut buffer = [0; 512];
        loop {
            let count =
                manager.recv(&mut buffer).unwrap_or_else(|error| panic!("{wanted}: {error}"));
            let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
            if text.lines().any(|line| line.starts_with(wanted)) {
                return text;
            }
        }
    };
    wait_for("READY=1");
    wait_for("WATCHDOG=1");
    wait_for("WATCHDOG=1");
    daemon.signal("HUP");
    assert!(wait_for("RELOADING=1").contains("MONOTONIC_USEC="));
    wait_for("READY=1");
    daemon.signal("TERM");
    wait_for("STOPPING=1");
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn help_names_every_argument() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_omgd"))
        .arg("--help")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success());
    for word in ["--root", "--socket", "--cache", "--stdio", "--version"] {
        assert!(text.contains(word), "{word}");
    }
}
