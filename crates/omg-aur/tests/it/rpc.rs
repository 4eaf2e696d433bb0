//! The RPC: real answers, and servers that are slow, huge, wrong or gone.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use omg_aur::rpc::{By, FRESH_S, Suggest};
use omg_aur::testing::Mishap;
use omg_aur::{Aur, Error, Limits, Settings};
use omg_core::Code;

use crate::data::skip;
use crate::server::{Site, limits};

#[tokio::test]
async fn recorded_answers_are_read_whole() {
    let Some(site) = Site::real() else { return };
    for (by, term, count) in [
        (By::NameDescription, "aura", 16),
        (By::NameDescription, "auracle", 1),
        (By::NameDescription, "systemd", 197),
        (By::NameDescription, "le-git", 174),
        (By::Provides, "curl", 4),
        (By::Provides, "pacman", 3),
        (By::Maintainer, "falconindy", 11),
    ] {
        let answer = site.aur.search(by, term).await.unwrap();
        assert_eq!((answer.value.len(), answer.age, answer.stale), (count, 0, None), "{term}");
        assert_eq!(answer.warnings, [""; 0]);
    }
    let names = ["auracle-git", "pkgfile-git", "no-such-package", "pacman-git"];
    let answer = site.aur.info(&names).await.unwrap();
    let found: Vec<_> = answer.value.iter().map(|package| &*package.name).collect();
    assert_eq!(found, ["auracle-git", "pacman-git", "pkgfile-git"]);
    let auracle = &answer.value[0];
    assert_eq!(auracle.depends, ["pacman", "libarchive.so", "libcurl.so", "libsystemd.so"]);
    assert_eq!(auracle.make_depends, ["meson", "git", "nlohmann-json"]);
    assert_eq!(auracle.check_depends, ["gtest", "gmock"]);
    assert_eq!((auracle.num_votes, auracle.popularity), (16, 1.02916));
    assert_eq!(auracle.maintainer.as_deref(), Some("falconindy"));
    assert_eq!(answer.value[1].provides, ["pacman=6.1.0"]);
    let answer = site.aur.suggest(Suggest::Package, "ocaml-s").await.unwrap();
    assert_eq!(answer.value, ["ocaml-sexplib0", "ocaml-sqlite3", "ocaml-stdio"]);
    let answer = site.aur.suggest(Suggest::Base, "aurac").await.unwrap();
    assert_eq!(answer.value, ["auracle-git"]);
}

#[tokio::test]
async fn we_say_who_we_are_and_ask_as_the_interface_has_it() {
    let site = Site::new();
    site.aur.search(By::Depends, "c++ & more/less?").await.unwrap();
    site.aur.search(By::Maintainer, "").await.unwrap();
    site.aur.search(By::Keywords, "ide").await.unwrap();
    site.aur.info(&["libc++", "a@b"]).await.unwrap();
    site.aur.suggest(Suggest::Base, "a b").await.unwrap();
    let requests = site.server.requests();
    let targets: Vec<_> = requests.iter().map(|request| &*request.target).collect();
    assert_eq!(
        targets,
        [
            "/rpc?v=5&type=search&by=depends&arg=c%2B%2B%20%26%20more%2Fless%3F",
            "/rpc?v=5&type=search&by=maintainer&arg=",
            "/rpc/v5/search/ide?by=keywords",
            "/rpc/v5/info?arg[]=a%40b&arg[]=libc%2B%2B",
            "/rpc/v5/suggest-pkgbase/a%20b",
        ]
    );
    let agent = concat!("omg/", env!("CARGO_PKG_VERSION"));
    assert!(requests.iter().all(|request| request.header("User-Agent") == Some(agent)));
    assert!(requests.iter().all(|request| request.header("Accept-Encoding").is_none()));
}

#[tokio::test]
async fn many_names_take_few_requests() {
    let site = Site::new();
    let names: Vec<String> = (0..400).map(|at| format!("package-{at:03}")).collect();
    for name in &names {
        site.add(name, "");
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let answer = site.aur.info(&names).await.unwrap();
    assert!(answer.value.iter().map(|package| &*package.name).eq(names.iter().copied()));
    assert_eq!(site.asked(), 3);
    let longest = site.server.requests().into_iter().map(|request| request.target.len()).max();
    assert!(longest.unwrap() < 4400);
    // All of it is known now, so a part of it takes none.
    let answer = site.aur.info(&names[10..20]).await.unwrap();
    assert_eq!((answer.value.len(), site.asked()), (10, 3));
}

#[tokio::test]
async fn an_answer_of_type_error_is_told() {
    let site = Site::new();
    let error = site.aur.search(By::Name, "x").await.unwrap_err();
    assert_eq!(error.to_string(), "the AUR refuses the request: Query arg too small.");
    let Some(site) = Site::real() else { return };
    let error = site.aur.search(By::NameDescription, "git").await.unwrap_err();
    assert_eq!(error.to_string(), "the AUR refuses the request: Too many package results.");
    // It is the request that is wrong, so the next one may follow at once.
    site.aur.search(By::NameDescription, "aura").await.unwrap();
}

#[tokio::test]
async fn names_and_terms_are_looked_at_before_anything_is_asked() {
    let site = Site::new();
    for name in ["../etc/passwd", "-rf", "a\nHost: evil", "", "a&arg[]=b"] {
        let error = site.aur.info(&["good", name]).await.unwrap_err();
        assert_eq!(error.fault().code, Code::Usage, "{name:?}");
        assert!(!error.to_string().contains('\n'));
    }
    for term in ["", "..", "a\r\nHost: evil"] {
        assert!(matches!(site.aur.search(By::Name, term).await, Err(Error::Argument { .. })));
    }
    assert_eq!(site.asked(), 0);
}

async fn failing(site: &Site, mishap: Mishap) -> Error {
    site.server.set_mishap(Some(mishap));
    let error = site.aur.search(By::Name, "foo").await.unwrap_err();
    site.server.set_mishap(None);
    site.pass(3600);
    error
}

#[tokio::test]
async fn wrong_answers_are_errors_and_not_empty_ones() {
    let site = Site::new();
    site.add("foo", "");
    for (body, reason) in [
        ("", "EOF while parsing a value"),
        ("<html>busy</html>", "expected value"),
        ("[]", "invalid length 0"),
        ("{}", "missing field `version`"),
        (r#"{"version":5,"type":"search","resultcount":0,"results":{}}"#, "invalid type: map"),
        (r#"{"version":"5","type":"search","resultcount":0,"results":[]}"#, "invalid type: string"),
        (r#"{"version":6,"type":"search","resultcount":0,"results":[]}"#, "version 5"),
        (r#"{"version":5,"type":"multiinfo","resultcount":0,"results":[]}"#, "type 'search'"),
        (r#"{"version":5,"type":"search","resultcount":7,"results":[]}"#, "promises 7 results"),
        (r#"{"version":5,"type":"search","resultcount":1,"results":[{"#, "EOF while parsing"),
    ] {
        let error = failing(&site, Mishap::Body(body.into())).await;
        assert!(error.to_string().contains(reason), "{body}: {error}");
        assert_eq!(error.fault().code, Code::Malformed, "{body}");
    }
    let message = r#"{"version":5,"type":"error","resultcount":0,"results":[],
        "error":"a\u001b[2Jb"}"#;
    let error = failing(&site, Mishap::Body(message.into())).await;
    assert_eq!(error.to_string(), "the AUR refuses the request: a\\x1b[2Jb");
    let error = failing(&site, Mishap::Cut).await;
    assert!(matches!(error, Error::Unreachable { context: "reading", .. }), "{error}");
    assert_eq!(site.aur.search(By::Name, "foo").await.unwrap().value.len(), 1);
}

#[tokio::test]
async fn results_that_make_no_sense_are_left_out_and_told() {
    let site = Site::new();
    let good = r#"{"Name":"foo","PackageBase":"foo","Version":"1-1"}"#;
    let bad = [
        r#"{"Name":"../foo","PackageBase":"foo","Version":"1-1"}"#,
        r#"{"Name":"foo","PackageBase":"foo","Version":"1-1","NumVotes":"many"}"#,
        "null",
    ];
    let answer = |kind: &str| {
        let text = format!(
            r#"{{"version":5,"type":"{kind}","resultcount":4,"results":[{good},{}]}}"#,
            bad.join(",")
        );
        Some(Mishap::Body(text.into()))
    };
    site.server.set_mishap(answer("search"));
    let found = site.aur.search(By::Name, "foo").await.unwrap();
    assert_eq!((found.value.len(), found.warnings.len()), (1, 3), "{:?}", found.warnings);
    // A package asked for by name must not look as if it did not exist.
    site.server.set_mishap(answer("multiinfo"));
    let error = site.aur.info(&["foo", "bar"]).await.unwrap_err();
    assert_eq!(error.fault().code, Code::Malformed);
}

#[tokio::test]
async fn packages_that_nobody_asked_for_are_not_taken() {
    let site = Site::new();
    let text = r#"{"version":5,"type":"multiinfo","resultcount":2,"results":[
        {"Name":"foo","PackageBase":"foo","Version":"1-1"},
        {"Name":"glibc","PackageBase":"glibc","Version":"99-1"}]}"#;
    site.server.set_mishap(Some(Mishap::Body(text.into())));
    let found = site.aur.info(&["foo"]).await.unwrap();
    assert_eq!(found.value.len(), 1);
    site.server.set_mishap(None);
    assert!(site.aur.info(&["glibc"]).await.unwrap().value.is_empty());
}

#[tokio::test]
async fn huge_and_endless_answers_end_at_the_limit() {
    let site = Site::with(Limits { answer_bytes: 1 << 20, ..limits() });
    let error = failing(&site, Mishap::Endless).await;
    assert!(matches!(error, Error::TooLarge { limit: 1_048_576, .. }), "{error}");
    assert_eq!(error.fault().code, Code::Limit);
    let error = failing(&site, Mishap::Promised(1 << 40)).await;
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn slow_answers_end_at_the_deadline_or_for_their_pace() {
    let soon = Limits { answer: Duration::from_millis(300), ..limits() };
    let site = Site::with(soon);
    for mishap in [Mishap::Silent, Mishap::Dripping(Duration::from_millis(1))] {
        let error = failing(&site, mishap).await;
        assert!(error.to_string().contains("deadline"), "{error}");
        assert_eq!(error.fault().code, Code::Network);
    }
    // A server that takes the connection and says nothing is not waited for until the deadline.
    let (connect, window) = (Duration::from_millis(100), Duration::from_millis(400));
    let site = Site::with(Limits { connect, window, ..limits() });
    let error = failing(&site, Mishap::Silent).await;
    assert!(error.to_string().contains("no answer within 0.5 s"), "{error}");
    let site = Site::with(Limits { window: Duration::from_millis(200), ..limits() });
    let error = failing(&site, Mishap::Dripping(Duration::from_millis(20))).await;
    assert!(error.to_string().ends_with("less than 16384 bytes in 0.2 s"), "{error}");
}

#[tokio::test]
async fn redirects_are_followed_on_the_same_host_only() {
    let site = Site::new();
    site.add("foo", "");
    site.server.set_mishap(Some(Mishap::Moved));
    assert_eq!(site.aur.search(By::Name, "fo").await.unwrap().value.len(), 1);
    let other = Site::new();
    other.add("foo", "");
    let port = site.server.port();
    for target in [
        format!("{}/rpc/v5/search/foo?by=name", other.server.address()),
        format!("http://localhost:{port}/rpc/v5/search/foo?by=name"),
        format!("//127.0.0.2:{port}/"),
        "http://169.254.169.254/latest/meta-data".into(),
        format!("https://127.0.0.1:{port}/"),
        "file:///etc/passwd".into(),
        format!("http://user:secret@127.0.0.1:{port}/"),
    ] {
        let error = failing(&site, Mishap::Redirect(target.clone())).await;
        assert!(matches!(error, Error::Redirect { .. }), "{target}: {error}");
    }
    assert_eq!(other.asked(), 0);
    let before = site.asked();
    let error = failing(&site, Mishap::Redirect("/again".into())).await;
    assert!(error.to_string().ends_with("there are more than three"), "{error}");
    assert_eq!(site.asked() - before, 4);
}

#[tokio::test]
async fn a_busy_server_is_left_alone_and_earlier_answers_are_given() {
    let site = Site::new();
    site.add("foo", r#""Description":"old""#);
    site.aur.search(By::Name, "foo").await.unwrap();
    site.aur.info(&["foo", "gone"]).await.unwrap();
    site.pass(FRESH_S + 40);
    site.server.set_mishap(Some(Mishap::Status(429, Some(120))));
    let answer = site.aur.search(By::Name, "foo").await.unwrap();
    assert_eq!((answer.value.len(), answer.age), (1, FRESH_S + 40));
    assert!(answer.stale.unwrap().contains("429"));
    assert_eq!(site.asked(), 3);
    // Not asked again, neither for what is known nor for what is not.
    site.pass(60);
    let answer = site.aur.info(&["foo", "gone"]).await.unwrap();
    assert_eq!((answer.value.len(), answer.age), (1, FRESH_S + 100));
    let error = site.aur.search(By::Name, "other").await.unwrap_err();
    assert_eq!(error.to_string(), "the AUR asked us to wait; the next request is possible in 60 s");
    assert_eq!(error.fault().code, Code::Network);
    assert_eq!(site.asked(), 3);
    // After the time it is asked again; the wait is forgotten after a success.
    site.server.set_mishap(None);
    site.pass(60);
    let answer = site.aur.search(By::Name, "foo").await.unwrap();
    assert_eq!((answer.age, answer.stale, site.asked()), (0, None, 4));
}

#[tokio::test]
async fn waits_grow_while_the_server_stays_down() {
    let site = Site::new();
    site.server.set_mishap(Some(Mishap::Status(503, None)));
    let mut waits = Vec::new();
    for _ in 0..4 {
        let error = site.aur.search(By::Name, "foo").await.unwrap_err();
        assert!(matches!(error, Error::Status { status: 503, .. }), "{error}");
        let Err(Error::Waiting { seconds, .. }) = site.aur.search(By::Name, "foo").await else {
            panic!("asked again at once");
        };
        waits.push(seconds);
        site.pass(seconds);
    }
    assert_eq!(waits, [5, 10, 20, 40]);
    assert_eq!(site.asked(), 4);
}

#[tokio::test]
async fn nobody_there_is_an_error_that_says_so() {
    let site = Site::new();
    let Site { server, aur, .. } = site;
    drop(server);
    // The thread of the server may still take one connection, which it does not answer.
    let mut error = aur.search(By::Name, "foo").await.unwrap_err();
    if !matches!(error, Error::Unreachable { .. }) {
        error = aur.search(By::Name, "foo").await.unwrap_err();
    }
    let fault = error.fault();
    assert!(fault.message.starts_with("the AUR can't be reached at http://127.0.0.1:"), "{fault}");
    assert!(!fault.cause.is_empty() && fault.hint.unwrap().starts_with("curl -sSI"));
}

#[tokio::test]
async fn plain_http_is_for_this_machine_only() {
    let directory = tempfile::tempdir().unwrap();
    for address in ["http://aur.archlinux.org", "ftp://x", "https://u:p@aur.archlinux.org", ""] {
        let settings = omg_aur::Settings::new(address, directory.path(), crate::server::order);
        let error = omg_aur::Aur::open(settings).unwrap_err();
        assert_eq!(error.fault().code, Code::Settings, "{address}");
    }
}

/// An own certificate, which no trust store has, and a server that shows it.
fn impostor(directory: &Path) -> Option<(std::process::Child, u16)> {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let quiet = |arguments: &str| {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(directory);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let made = quiet("req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout k -out c");
    if !{ made }.status().is_ok_and(|status| status.success()) {
        skip("openssl can't make a certificate");
        return None;
    }
    let address = format!("s_server -accept {port} -key k -cert c -www");
    Some((quiet(&address).spawn().unwrap(), port))
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let Some((mut server, port)) = impostor(directory.path()) else { return };
    let address = format!("https://localhost:{port}");
    let settings = Settings::new(&address, directory.path(), crate::server::order);
    let mut told = Vec::new();
    // Until the server has started the connection is refused.
    for _ in 0..500 {
        let aur = Aur::open(settings.clone()).unwrap();
        told = aur.search(By::Name, "foo").await.unwrap_err().fault().cause;
        if !told.iter().any(|cause| cause.contains("refused")) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(told.iter().any(|cause| cause.contains("certificate")), "{told:?}");
}
