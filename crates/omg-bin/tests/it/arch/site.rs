//! An AUR on loopback: the server of `omg_aur::testing`, and beside it the recipes' repositories as
//! plain files, which git fetches from any server of files.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use omg_aur::testing::AurServer;

use crate::plans::write;
use crate::support::{Home, Run, run};

/// A home on a root, and an AUR.
pub(crate) struct Site {
    pub(crate) server: AurServer,
    pub(crate) home: Home,
    /// Recipes at work and served, and a canary that hostile ones try to make.
    world: tempfile::TempDir,
    port: u16,
}

impl Site {
    pub(crate) fn over(root: &Path) -> Self {
        let world = tempfile::tempdir().unwrap();
        for part in ["work", "served"] {
            std::fs::create_dir(world.path().join(part)).unwrap();
        }
        let server = AurServer::start().unwrap();
        let port = front(server.port(), world.path().join("served"));
        let site = Self { server, home: Home::over(root), world, port };
        site.settings("");
        site
    }

    /// Writes the settings, with more lines for `[aur]`.
    pub(crate) fn settings(&self, more: &str) {
        let text = format!(
            "[aur]\nurl = \"http://127.0.0.1:{}\"\n{more}\n[archive]\narch = \"\"\n",
            self.port
        );
        write(&self.home.path(".config"), "omg/settings.toml", &text);
    }

    /// Adds a package: its name and further fields as JSON.
    pub(crate) fn add(&self, name: &str, fields: &str) {
        let given = |field: &str| fields.contains(&format!("\"{field}\":"));
        let mut json = format!("{{\"Name\":\"{name}\"");
        for (field, value) in [
            ("PackageBase", format!("\"{name}\"")),
            ("Version", "\"1.0-1\"".into()),
            ("Description", format!("\"The {name} of the AUR\"")),
            ("Maintainer", "\"jguer\"".into()),
            ("NumVotes", "21".into()),
            ("Popularity", "1.5".into()),
            ("FirstSubmitted", "1500000000".into()),
            ("LastModified", "1600000000".into()),
        ] {
            if !given(field) {
                let _ = write!(json, ",\"{field}\":{value}");
            }
        }
        let comma = if fields.is_empty() { "" } else { "," };
        self.server.add(&format!("{json}{comma}{fields}}}")).unwrap();
    }

    pub(crate) fn omg(&self, arguments: &[&str]) -> Run {
        self.home.alone(arguments)
    }

    /// The same; it must succeed.
    pub(crate) fn must(&self, arguments: &[&str]) -> Run {
        let run = self.omg(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {run:?}");
        run
    }

    /// The same with `--json`: the one object that is printed.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let run = self.omg(&[&["--json"], arguments].concat());
        serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {run:?}"))
    }

    /// The packed list of packages that was fetched.
    pub(crate) fn list(&self) -> Option<Vec<u8>> {
        let directory = std::fs::read_dir(self.home.path(".cache/omg/aur")).ok()?;
        let mut packed = directory.flatten().map(|entry| entry.path());
        std::fs::read(packed.find(|path| path.extension().is_some_and(|it| it == "gz"))?).ok()
    }

    pub(crate) fn path(&self, part: &str) -> PathBuf {
        self.world.path().join(part)
    }

    pub(crate) fn canary(&self) -> PathBuf {
        self.path("canary")
    }

    /// Takes the canary away and says whether it was there.
    pub(crate) fn sprung(&self) -> bool {
        std::fs::remove_file(self.canary()).is_ok()
    }

    /// Git as a careless user runs it, with the settings of the home.
    pub(crate) fn git(&self, directory: &Path, arguments: &[&str]) -> Run {
        let mut command = self.home.command("git");
        command.args(["-c", "user.name=A", "-c", "user.email=a@example.org"]).args(arguments);
        run(command.env("GIT_TERMINAL_PROMPT", "0").current_dir(directory))
    }

    fn done(&self, directory: &Path, arguments: &[&str]) {
        let run = self.git(directory, arguments);
        assert_eq!(run.code, 0, "git {arguments:?}: {run:?}");
    }

    /// The directory of a recipe's work tree.
    pub(crate) fn work(&self, name: &str) -> PathBuf {
        let work = self.path("work").join(name);
        if !work.exists() {
            std::fs::create_dir(&work).unwrap();
            self.done(&work, &["init", "-q", "-b", "master", "--template="]);
        }
        work
    }

    /// Commits files (path, text) over what the recipe has, and serves it.
    pub(crate) fn commit(&self, name: &str, files: &[(&str, &str)]) {
        let work = self.work(name);
        for (path, text) in files {
            write(&work, path, text);
        }
        self.done(&work, &["add", "-A"]);
        self.publish(name);
    }

    /// Commits what is staged, and serves it.
    pub(crate) fn publish(&self, name: &str) {
        let (work, served) = (self.work(name), self.path("served").join(format!("{name}.git")));
        self.done(&work, &["commit", "-q", "--allow-empty", "-m", "upgpkg"]);
        if !served.exists() {
            std::fs::create_dir(&served).unwrap();
            self.done(&served, &["init", "-q", "--bare", "-b", "master", "--template="]);
        }
        self.done(&work, &["push", "-q", served.to_str().unwrap(), "HEAD:refs/heads/master"]);
        self.done(&served, &["update-server-info"]);
    }
}

/// Serves repositories itself and passes everything else on. It ends with the process.
fn front(aur: u16, served: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let served = served.clone();
            // Who hangs up early has what he wanted.
            std::thread::spawn(move || pass(stream, aur, &served).unwrap_or_default());
        }
    });
    port
}

fn pass(mut client: TcpStream, aur: u16, served: &Path) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let target = head.split(' ').nth(1).unwrap_or("/");
    let path = target.split('?').next().unwrap_or(target);
    if !path.contains(".git/") {
        let mut upstream = TcpStream::connect(("127.0.0.1", aur))?;
        upstream.write_all(head.as_bytes())?;
        std::io::copy(&mut upstream, &mut client)?;
        return client.shutdown(Shutdown::Both);
    }
    let (status, body) = match std::fs::read(served.join(path.trim_start_matches('/'))) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    client.write_all(head.as_bytes())?;
    client.write_all(&body)
}

/// What gzip packed, whole.
pub(crate) fn unpacked(packed: &Path) -> Vec<u8> {
    let output = Command::new("gzip").arg("-dc").arg(packed).output().unwrap();
    assert!(output.status.success());
    output.stdout
}
