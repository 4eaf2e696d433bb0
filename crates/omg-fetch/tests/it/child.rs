//! A process of its own: to be killed, to have its checks left out, to be counted.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use omg_core::Wanted;
use omg_fetch::{DocumentRequest, Fetched, Fetcher, Options, Store};

use crate::support::options;

/// A fetch that a child does.
#[derive(Default)]
pub(crate) struct Job {
    pub(crate) store: String,
    pub(crate) wanted: Option<Wanted>,
    /// Fetch a document with this cap instead.
    pub(crate) document: Option<u64>,
    pub(crate) weaken: &'static str,
    pub(crate) failpoint: &'static str,
}

impl Job {
    pub(crate) fn file(store: &Path, wanted: &Wanted) -> Self {
        let store = store.to_str().unwrap().into();
        Self { store, wanted: Some(wanted.clone()), ..Self::default() }
    }

    pub(crate) fn weaken(self, row: &'static str) -> Self {
        Self { weaken: row, ..self }
    }

    pub(crate) fn command(&self) -> Command {
        let exe = std::env::current_exe().unwrap();
        let mut command = Command::new(exe);
        command.args(["--exact", "child::child", "--nocapture", "--test-threads=1"]);
        command.env("OMG_TEST_STORE", &self.store);
        command.env("OMG_WEAKEN", self.weaken).env("OMG_FAILPOINT", self.failpoint);
        if let Some(wanted) = &self.wanted {
            command.env("OMG_TEST_URLS", wanted.urls.join(" "));
            command.env("OMG_TEST_SHA256", wanted.sha256.as_deref().unwrap_or_default());
            let size = wanted.size.map(|size| size.to_string()).unwrap_or_default();
            command.env("OMG_TEST_SIZE", size);
        }
        if let Some(cap) = self.document {
            command.env("OMG_TEST_DOCUMENT", cap.to_string());
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What the child says: `ok PATH`, `fault OMG-E… TEXT`, or `died`.
    pub(crate) fn run(&self) -> String {
        let output = self.command().output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let said =
            text.lines().find_map(|line| line.split_once("RESULT ").map(|it| it.1.to_owned()));
        said.unwrap_or_else(|| {
            format!("died {}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr))
        })
    }
}

/// Runs a test of this program in a process of its own, started through another program and with
/// this in its environment. In there [`is_alone`] holds. Gives what it said after `RESULT `.
pub(crate) fn alone(test: &str, through: &[&str], env: &[(&str, &str)]) -> Vec<String> {
    let exe = std::env::current_exe().unwrap();
    let exe = exe.to_str().unwrap();
    let all: Vec<_> = through.iter().copied().chain([exe]).collect();
    let mut command = Command::new(all[0]);
    command.args(&all[1..]).args(["--exact", test, "--nocapture", "--test-threads=1"]);
    let output = command.env("OMG_TEST_ALONE", "1").envs(env.iter().copied()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{test} {env:?} {}\n{text}{error}", output.status);
    text.lines().filter_map(|line| line.split_once("RESULT ")).map(|it| it.1.into()).collect()
}

pub(crate) fn is_alone() -> bool {
    std::env::var_os("OMG_TEST_ALONE").is_some()
}

/// Does nothing unless it is started by [`Job`].
#[test]
fn child() {
    let Ok(store) = std::env::var("OMG_TEST_STORE") else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let result = runtime.block_on(work(Path::new(&store)));
    println!("\nRESULT {result}");
}

async fn work(store: &Path) -> String {
    let text = |name: &str| std::env::var(name).unwrap_or_default();
    let urls: Vec<String> = text("OMG_TEST_URLS").split_whitespace().map(str::to_owned).collect();
    let store = match Store::open(store) {
        Ok(store) => store,
        Err(error) => return said(&error.fault()),
    };
    let mut options = Options { overall: Duration::from_secs(15), ..options() };
    options.caps.file = 1 << 20;
    let fetcher = Fetcher::new(options, store).unwrap();
    if let Ok(cap) = text("OMG_TEST_DOCUMENT").parse() {
        let request = DocumentRequest { urls, cap, conditional: None };
        return match fetcher.fetch_document(&request, |_, _| ()).await {
            Ok(Fetched::New(document)) => format!("ok {} bytes of {}", document.size, document.url),
            Ok(Fetched::Unchanged) => "ok unchanged".into(),
            Err(error) => said(&error.fault()),
        };
    }
    let wanted = Wanted {
        size: text("OMG_TEST_SIZE").parse().ok(),
        sha256: Some(text("OMG_TEST_SHA256")),
        ..crate::support::wanted("file", b"", &urls)
    };
    match fetcher.fetch(vec![wanted], |_| ()).await.pop().unwrap() {
        Ok(artifact) => format!("ok {}", artifact.path),
        Err(fault) => said(&fault),
    }
}

fn said(fault: &omg_core::Fault) -> String {
    format!("fault {} {fault}", fault.code.id())
}
