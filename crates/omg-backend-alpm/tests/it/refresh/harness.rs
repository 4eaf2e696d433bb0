//! Repositories signed with keys of their own, and roots that trust them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use omg_backend::{FetchedLists, PackageManager};
use omg_backend_alpm::{Alpm, lists};
use omg_core::{Code, Fault};
use omg_fetch::testing::Mirror;
use omg_fetch::{Fetcher, Options, Sha256, Store};
use sequoia_openpgp as pgp;
use sequoia_openpgp::cert::{CertBuilder, CipherSuite};
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::serialize::stream::{Message, Signer};
use tempfile::TempDir;

/// A key that signs, made for one test.
pub(crate) struct Key(pgp::Cert);

impl Key {
    pub(crate) fn new(name: &str) -> Self {
        let then = SystemTime::now() - Duration::from_hours(24 * 400);
        let builder = CertBuilder::new()
            .set_creation_time(then)
            .set_cipher_suite(CipherSuite::Cv25519)
            .add_userid(name)
            .add_signing_subkey();
        Self(builder.generate().unwrap().0)
    }

    fn public(&self) -> Vec<u8> {
        self.0.clone().strip_secret_key_material().to_vec().unwrap()
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let policy = pgp::policy::StandardPolicy::new();
        let keys = self.0.keys().secret().with_policy(&policy, None).for_signing();
        let pair = keys.last().unwrap().key().clone().into_keypair().unwrap();
        let mut signature = Vec::new();
        let message = Message::new(&mut signature);
        let mut signer = Signer::new(message, pair).unwrap().detached().build().unwrap();
        signer.write_all(bytes).unwrap();
        signer.finalize().unwrap();
        signature
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// A database of 20 packages.
pub(crate) fn database(version: &str, built: u64) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for number in 0..20 {
        let name = format!("tool{number}");
        let archive = format!("{name} {version}");
        let text = format!(
            "%FILENAME%\n{name}-{version}-x86_64.pkg.tar.zst\n\n%NAME%\n{name}\n\n%VERSION%\n{version}\n\n%CSIZE%\n{}\n\n%SHA256SUM%\n{}\n\n%ARCH%\nx86_64\n\n%BUILDDATE%\n{built}\n\n",
            archive.len(),
            Sha256::of(archive.as_bytes())
        );
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(built);
        tar.append_data(&mut header, format!("{name}-{version}/desc"), text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// Puts a database on a mirror, or into a directory, with its time.
pub(crate) fn put(dir: &Path, bytes: &[u8], key: Option<&Key>, changed: u64) {
    let _ = fs::remove_file(dir.join("core.db.sig"));
    fs::write(dir.join("core.db"), bytes).unwrap();
    if let Some(key) = key {
        fs::write(dir.join("core.db.sig"), key.sign(bytes)).unwrap();
    }
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(changed);
    for name in ["core.db", "core.db.sig"] {
        if let Ok(file) = fs::File::open(dir.join(name)) {
            file.set_modified(time).unwrap();
        }
    }
}

/// A system with one repository, `core`.
pub(crate) struct Root(pub(crate) TempDir);

impl Root {
    pub(crate) fn new(servers: &[String], level: &str, trusted: &Key) -> Self {
        let root = Self(tempfile::tempdir().unwrap());
        for path in
            ["etc/pacman.d", "var/lib/pacman/local", "var/lib/pacman/sync", "var/cache/pacman/pkg"]
        {
            fs::create_dir_all(root.path().join(path)).unwrap();
        }
        fs::write(root.path().join("var/lib/pacman/local/ALPM_DB_VERSION"), "9\n").unwrap();
        let servers: String = servers.iter().map(|url| format!("Server = {url}\n")).collect();
        let conf =
            format!("[options]\nArchitecture = x86_64\nSigLevel = {level}\n[core]\n{servers}");
        fs::write(root.path().join("etc/pacman.conf"), conf).unwrap();
        root.trust(trusted, true);
        root
    }

    /// Adds a key to the shipped keyring; only a trusted one makes signatures that count.
    pub(crate) fn trust(&self, key: &Key, trusted: bool) {
        let dir = self.path().join("usr/share/pacman/keyrings");
        fs::create_dir_all(&dir).unwrap();
        let name = if trusted { "own" } else { "other" };
        fs::write(dir.join(format!("{name}.gpg")), key.public()).unwrap();
        let lines =
            if trusted { format!("{}:4:\n", key.0.fingerprint().to_hex()) } else { String::new() };
        fs::write(dir.join(format!("{name}-trusted")), lines).unwrap();
    }

    /// Makes the keyring that pacman reads; `None` without gpg.
    pub(crate) fn gnupg(&self, key: &Key) -> Option<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let home = self.path().join("etc/pacman.d/gnupg");
        fs::create_dir_all(&home).unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
        // With this file there GnuPG uses the format that pacman-key uses.
        fs::write(home.join("pubring.gpg"), "").unwrap();
        let run = |arguments: &[&str], input: &[u8]| {
            let mut child = Command::new("gpg")
                .args(["--batch", "--quiet", "--no-autostart", "--homedir"])
                .arg(&home)
                .args(arguments)
                .stdin(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .ok()?;
            child.stdin.take().unwrap().write_all(input).unwrap();
            Some(child.wait().unwrap())
        };
        run(&["--import"], &key.public())?;
        let trust = format!("{}:6:\n", key.0.fingerprint().to_hex());
        run(&["--import-ownertrust"], trust.as_bytes())?;
        run(&["--check-trustdb"], b"")?;
        Some(())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn sync_dir(&self) -> PathBuf {
        self.path().join("var/lib/pacman/sync")
    }

    pub(crate) fn tree(&self) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
        let entries = fs::read_dir(self.sync_dir()).unwrap().flatten();
        entries
            .map(|entry| {
                let changed = entry.metadata().unwrap().modified().unwrap();
                let name = entry.file_name().into_string().unwrap();
                (name, (fs::read(entry.path()).unwrap_or_default(), changed))
            })
            .collect()
    }

    pub(crate) fn fetch(&self, into: &Path) -> Result<FetchedLists, Fault> {
        let cache = tempfile::tempdir().unwrap();
        let store = Store::open(&cache.path().join("store")).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let fetcher = Fetcher::new(Options::default(), store).unwrap();
            Alpm::open(self.path()).unwrap().fetch_lists(&fetcher, into, &|_| {}).await
        })
    }

    /// Both sides, one after the other.
    pub(crate) fn sync(&self) -> Result<FetchedLists, Fault> {
        let staged = tempfile::tempdir().unwrap();
        let fetched = self.fetch(staged.path())?;
        let installed = lists::install(self.path(), staged.path(), None)?;
        assert_eq!(installed, fetched.changed);
        Ok(fetched)
    }

    /// Root's side alone, on a directory that has this database.
    pub(crate) fn install(
        &self,
        bytes: &[u8],
        key: Option<&Key>,
        max_age_s: Option<u64>,
    ) -> Result<(), Fault> {
        let staged = tempfile::tempdir().unwrap();
        put(staged.path(), bytes, key, now());
        let before = self.tree();
        let result = lists::install(self.path(), staged.path(), max_age_s);
        if result.is_err() {
            assert_eq!(self.tree(), before, "a refused swap changes nothing");
        }
        result.map(|_| ())
    }
}

/// A mirror and a system that trusts its key.
pub(crate) struct Scene {
    pub(crate) key: Key,
    pub(crate) dir: TempDir,
    pub(crate) mirror: Mirror,
    pub(crate) root: Root,
}

impl Scene {
    pub(crate) fn new(level: &str) -> Self {
        let key = Key::new("packager");
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), &database("1.0-1", now() - 7200), Some(&key), now() - 7000);
        let mirror = Mirror::start(dir.path()).unwrap();
        let root = Root::new(&[mirror.base()], level, &key);
        Self { key, dir, mirror, root }
    }
}

/// Runs an attack: it must end in `code`, and it must succeed in a process that leaves out the
/// check of this row.
pub(crate) fn attack(row: &str, code: Code, scenario: impl Fn() -> Result<(), Fault>) {
    if std::env::var_os("OMG_WEAKEN").is_some() {
        scenario().unwrap();
        return;
    }
    let fault = scenario().expect_err("the attack is refused");
    assert_eq!(fault.code, code, "{fault:?}");
    let test = std::thread::current().name().unwrap().to_owned();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &test, "--nocapture"])
        .env("OMG_WEAKEN", row)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && text.contains("1 passed"),
        "without the check of row {row} the attack should succeed: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
