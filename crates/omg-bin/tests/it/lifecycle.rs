//! The daemon's life as `omg` sees it.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Home, run};

#[test]
fn a_first_query_starts_a_daemon_that_others_use() {
    let home = Home::new();
    let first = home.omg(&["search", "-q", "--limit", "1", "jq"]);
    assert_eq!(first.stdout, "jq\n", "{first:?}");
    let status = home.omg(&["daemon", "status", "--json"]);
    assert_eq!(status.code, 0, "{status:?}");
    let pid = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["pid"].clone();
    assert_eq!(pid(&status.stdout), pid(&home.omg(&["daemon", "start", "--json"]).stdout));
    assert_eq!(home.omg(&["daemon", "reload"]).code, 0);
    let logs = home.omg(&["daemon", "logs"]);
    assert!(logs.stdout.contains("answering"), "{logs:?}");
    let doctor = home.omg(&["doctor"]);
    assert_eq!(doctor.code, 0, "{doctor:?}");
    assert_eq!(home.omg(&["daemon", "stop"]).code, 0);
    assert_eq!(home.omg(&["daemon", "status"]).code, 3);
    assert!(!home.path("omg.sock").exists());
}

#[test]
fn autostart_can_be_switched_off() {
    let home = Home::new();
    std::fs::create_dir_all(home.path(".config/omg")).unwrap();
    std::fs::write(home.path(".config/omg/settings.toml"), "[daemon]\nautostart = false\n")
        .unwrap();
    assert_eq!(home.omg(&["explicit", "--count"]).stdout, "4\n");
    assert_eq!(home.omg(&["daemon", "status"]).code, 3);
}

#[test]
fn a_daemon_that_can_not_start_says_why() {
    let home = Home::new();
    let mut command = home.command(env!("CARGO_BIN_EXE_omg"));
    let missing = home.path("nosuch");
    let refused = run(command.env("OMG_ROOT", &missing).args(["--json", "list"]));
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.stdout.contains("omg.error/1") && refused.stdout.contains("nosuch"),
        "{refused:?}"
    );
}

#[test]
fn doctor_finds_a_directory_that_others_write_to() {
    let home = Home::new();
    let open = home.path("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = home.command(env!("CARGO_BIN_EXE_omg"));
    command.env("OMG_SOCKET", open.join("omg.sock")).env("OMG_NO_DAEMON", "1").arg("doctor");
    let found = run(&mut command);
    assert_eq!(found.code, 1, "{found:?}");
    assert!(found.stdout.contains("can be written by others"), "{found:?}");
    assert!(found.stdout.contains("chmod 700"), "{found:?}");
}
