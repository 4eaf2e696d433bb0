//! Recipes, servers of sources, and a sandbox to build in.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use omg_aur::build::{Builder, Options, Web};
use omg_aur::recipes::Recipes;
use omg_sandbox::{Confinement, Identity, Limits, Profile};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;

use crate::data::skip;
use crate::world::World;

type Served = Arc<Mutex<HashMap<String, Vec<u8>>>>;

pub(crate) struct Kitchen {
    pub(crate) world: World,
    runtime: Runtime,
    served: Served,
    port: u16,
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

pub(crate) fn readable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

impl Kitchen {
    /// `None`, said aloud, if a tool is not there.
    pub(crate) fn new() -> Option<Self> {
        Self::with_shim(&built_shim())
    }

    pub(crate) fn with_shim(shim: &Path) -> Option<Self> {
        for tool in ["bwrap", "makepkg", "fakeroot", "bsdtar", "git"] {
            if !Path::new("/usr/bin").join(tool).exists() && which(tool).is_none() {
                skip(&format!("{tool} is not installed"));
                return None;
            }
        }
        let world = World::new();
        readable(&world.path(""));
        fs::copy(shim, world.path("omg-sandbox-exec")).unwrap();
        let served = Served::default();
        let port = serve(&served);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        Some(Self { world, runtime, served, port })
    }

    pub(crate) fn shim(&self) -> PathBuf {
        self.world.path("omg-sandbox-exec")
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.world.path("builds")
    }

    /// Serves a file, and says where.
    pub(crate) fn serve(&self, name: &str, bytes: &[u8]) -> String {
        self.served.lock().unwrap().insert(format!("/{name}"), bytes.to_vec());
        format!("http://127.0.0.1:{}/{name}", self.port)
    }

    pub(crate) fn web(&self) -> Web {
        Web::local(self.runtime.handle().clone()).unwrap()
    }

    pub(crate) fn options() -> Options {
        Options { min_age: Duration::ZERO, local_sources: true, ..Options::default() }
    }

    pub(crate) fn confinement(&self, limits: Limits) -> Confinement {
        let confinement = Confinement::new(Profile::Build, &self.shim()).limits(limits);
        let nobody = Identity { uid: 65534, gid: 65534 };
        if is_root() { confinement.run_as(nobody) } else { confinement }
    }

    pub(crate) fn builder<'a>(
        &self,
        recipes: &'a Recipes,
        web: &'a Web,
        options: Options,
    ) -> Builder<'a> {
        let limits = Limits { wall: Duration::from_mins(1), ..Limits::default() };
        self.limited(recipes, web, options, limits)
    }

    pub(crate) fn limited<'a>(
        &self,
        recipes: &'a Recipes,
        web: &'a Web,
        options: Options,
        limits: Limits,
    ) -> Builder<'a> {
        let confinement = self.confinement(limits);
        Builder::new(recipes, confinement, web, &self.directory(), options).unwrap()
    }
}

/// A recipe of one package for all architectures: `PKGBUILD` and `.SRCINFO`. Each source has its SHA-256.
pub(crate) fn recipe(
    name: &str,
    version: &str,
    sources: &[(String, String)],
    body: &str,
) -> (String, String) {
    let (ver, rel) = version.split_once('-').unwrap();
    let list = |of: fn(&(String, String)) -> &String| -> String {
        sources.iter().map(|it| format!("'{}'", of(it))).collect::<Vec<_>>().join(" ")
    };
    let pkgbuild = format!(
        "pkgname={name}\npkgver={ver}\npkgrel={rel}\narch=(any)\nsource=({})\nsha256sums=({})\n{body}\n",
        list(|it| &it.0),
        list(|it| &it.1)
    );
    let mut srcinfo =
        format!("pkgbase = {name}\n\tpkgver = {ver}\n\tpkgrel = {rel}\n\tarch = any\n");
    for (source, _) in sources {
        writeln!(srcinfo, "\tsource = {source}").unwrap();
    }
    for (_, sum) in sources {
        writeln!(srcinfo, "\tsha256sums = {sum}").unwrap();
    }
    writeln!(srcinfo, "\npkgname = {name}").unwrap();
    (pkgbuild, srcinfo)
}

/// A body that makes a package with one file.
pub(crate) fn package(_name: &str) -> &'static str {
    "package() { install -Dm644 /dev/null \"$pkgdir/usr/share/$pkgname/file\"; }"
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// `omg-sandbox-exec` as it was built beside this program; built now if it was not.
fn built_shim() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let target = own.ancestors().nth(2).unwrap();
    let shim = target.join("omg-sandbox-exec");
    if !shim.exists() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "-p", "omg-sandbox", "--bin", "omg-sandbox-exec"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(built.unwrap().success(), "omg-sandbox-exec can't be built");
    }
    shim
}

fn which(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|it| it.join(tool)).find(|it| it.exists())
}

/// A web server that ends with the test program.
fn serve(served: &Served) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = Arc::clone(served);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let mut request = String::new();
            let _first = reader.read_line(&mut request);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
            let body = served.lock().unwrap().get(&path).cloned();
            let mut stream = reader.into_inner();
            let (status, body) = body.map_or(("404 Not Found", Vec::new()), |it| ("200 OK", it));
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _gone = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    port
}
