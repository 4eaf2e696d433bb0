//! Archives signed with keys of their own, roots that trust them, and attacks that are run twice.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use omg_backend::{FetchedLists, PackageManager, date};
use omg_backend_dpkg::{Dpkg, lists};
use omg_core::{Code, Fault};
use omg_fetch::testing::Mirror;
use omg_fetch::{Fetcher, Options, Sha256, Store};
use sequoia_openpgp as pgp;
use sequoia_openpgp::cert::{CertBuilder, CipherSuite};
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::serialize::stream::{Message, Signer};
use tempfile::TempDir;

/// A key that signs, made for one test.
pub(crate) struct Key(pub(crate) pgp::Cert);

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

    pub(crate) fn public(&self) -> Vec<u8> {
        self.0.clone().strip_secret_key_material().to_vec().unwrap()
    }

    pub(crate) fn fingerprint(&self) -> String {
        self.0.fingerprint().to_hex()
    }

    fn pair(&self) -> pgp::crypto::KeyPair {
        let policy = pgp::policy::StandardPolicy::new();
        let keys = self.0.keys().secret().with_policy(&policy, None).for_signing();
        keys.last().unwrap().key().clone().into_keypair().unwrap()
    }

    /// The text signed in the clear.
    pub(crate) fn clearsign(&self, text: &str) -> Vec<u8> {
        let mut signed = Vec::new();
        let message = Message::new(&mut signed);
        let mut signer = Signer::new(message, self.pair()).unwrap().cleartext().build().unwrap();
        signer.write_all(text.as_bytes()).unwrap();
        signer.finalize().unwrap();
        signed
    }

    /// A signature for itself.
    pub(crate) fn sign(&self, text: &str) -> Vec<u8> {
        let mut signature = Vec::new();
        let message = pgp::serialize::stream::Armorer::new(Message::new(&mut signature))
            .kind(pgp::armor::Kind::Signature)
            .build()
            .unwrap();
        let mut signer = Signer::new(message, self.pair()).unwrap().detached().build().unwrap();
        signer.write_all(text.as_bytes()).unwrap();
        signer.finalize().unwrap();
        signature
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// How a Release file is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Inline,
    Detached,
    Unsigned,
}

/// One suite of an archive: `dists/sid`, component `main`, architecture `amd64`.
pub(crate) struct Archive {
    pub(crate) dir: TempDir,
    /// Seconds since the epoch.
    pub(crate) date: u64,
    pub(crate) valid_until: Option<u64>,
    pub(crate) by_hash: bool,
    pub(crate) form: Form,
    /// More lines of the Release file.
    pub(crate) fields: String,
    /// Texts of the lists by their names in the Release file.
    pub(crate) lists: BTreeMap<String, String>,
}

impl Archive {
    pub(crate) fn new(version: &str) -> Self {
        let mut lists = BTreeMap::new();
        lists.insert("main/binary-amd64/Packages".to_owned(), packages(version));
        let translation = "Package: tool\nDescription-md5: 0123456789abcdef0123456789abcdef\nDescription-en: A tool\n\n";
        lists.insert("main/i18n/Translation-en".to_owned(), translation.to_owned());
        Self {
            dir: tempfile::tempdir().unwrap(),
            date: now() - 3600,
            valid_until: None,
            by_hash: true,
            form: Form::Inline,
            fields: "Origin: Test\nLabel: Test\nSuite: sid\nCodename: sid\n".into(),
            lists,
        }
    }

    pub(crate) fn suite(&self) -> PathBuf {
        self.dir.path().join("dists/sid")
    }

    /// The Release file's text.
    pub(crate) fn release(&self) -> String {
        let mut text = self.fields.clone();
        writeln!(text, "Date: {}", date::write(self.date).replace("GMT", "UTC")).unwrap();
        if let Some(end) = self.valid_until {
            writeln!(text, "Valid-Until: {}", date::write(end).replace("GMT", "UTC")).unwrap();
        }
        if self.by_hash {
            text.push_str("Acquire-By-Hash: yes\n");
        }
        text.push_str("Architectures: amd64\nComponents: main\nSHA256:\n");
        for (name, list) in &self.lists {
            for (suffix, bytes) in [("", list.clone().into_bytes()), (".xz", xz(list))] {
                let digest = Sha256::of(&bytes);
                writeln!(text, " {digest} {} {name}{suffix}", bytes.len()).unwrap();
            }
        }
        text
    }

    /// Writes everything as a mirror has it.
    pub(crate) fn publish(&self, key: &Key) {
        let suite = self.suite();
        for (name, list) in &self.lists {
            let bytes = xz(list);
            let path = suite.join(format!("{name}.xz"));
            fs::create_dir_all(path.parent().unwrap().join("by-hash/SHA256")).unwrap();
            let hash = Sha256::of(&bytes).to_string();
            fs::write(path.parent().unwrap().join("by-hash/SHA256").join(hash), &bytes).unwrap();
            fs::write(path, bytes).unwrap();
        }
        self.write_release(&suite, "", key);
    }

    /// Writes the Release file in its form.
    pub(crate) fn write_release(&self, dir: &Path, prefix: &str, key: &Key) {
        for name in ["InRelease", "Release", "Release.gpg"] {
            let _ = fs::remove_file(dir.join(format!("{prefix}{name}")));
        }
        let text = self.release();
        let path = |name: &str| dir.join(format!("{prefix}{name}"));
        match self.form {
            Form::Inline => fs::write(path("InRelease"), key.clearsign(&text)).unwrap(),
            Form::Unsigned => fs::write(path("Release"), text).unwrap(),
            Form::Detached => {
                fs::write(path("Release.gpg"), key.sign(&text)).unwrap();
                fs::write(path("Release"), text).unwrap();
            }
        }
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(self.date);
        for name in ["InRelease", "Release", "Release.gpg"] {
            if let Ok(file) = fs::File::open(path(name)) {
                file.set_modified(time).unwrap();
            }
        }
    }

    /// What a hostile user hands to root: the names that apt gives, without any mirror.
    pub(crate) fn staged(&self, root: &Root, key: &Key) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        let prefix = root.prefix();
        self.write_release(dir.path(), &prefix, key);
        for (name, list) in &self.lists {
            fs::write(dir.path().join(format!("{prefix}{}", name.replace('/', "_"))), list)
                .unwrap();
        }
        dir
    }
}

pub(crate) fn packages(version: &str) -> String {
    (0..50).fold(String::new(), |mut text, number| {
        let name = if number == 0 { "tool".to_owned() } else { format!("tool{number}") };
        let digest = Sha256::of(format!("{name} {version}").as_bytes());
        write!(
            text,
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: x\nFilename: pool/main/{name}_{version}_amd64.deb\nSize: 1000\nSHA256: {digest}\nDescription: a tool\n\n"
        )
        .unwrap();
        text
    })
}

fn xz(text: &str) -> Vec<u8> {
    liblzma::encode_all(text.as_bytes(), 1).unwrap()
}

/// A system with one source.
pub(crate) struct Root {
    pub(crate) dir: TempDir,
    uri: String,
}

impl Root {
    /// Trusts the key for all sources; `options` are those between brackets.
    pub(crate) fn new(uri: &str, options: &str, key: &Key) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Self { dir, uri: uri.to_owned() };
        for path in [
            "etc/apt/apt.conf.d",
            "etc/apt/preferences.d",
            "etc/apt/sources.list.d",
            "etc/apt/trusted.gpg.d",
            "usr/share/keyrings",
            "var/lib/apt/lists/partial",
            "var/cache/apt/archives/partial",
            "var/lib/dpkg",
        ] {
            fs::create_dir_all(root.path().join(path)).unwrap();
        }
        root.write("var/lib/dpkg/status", b"");
        root.write(
            "etc/apt/apt.conf",
            b"APT::Architecture \"amd64\";\nAPT::Architectures { \"amd64\"; };\nAcquire::Languages { \"en\"; };\n",
        );
        root.write("etc/apt/trusted.gpg.d/test.gpg", &key.public());
        root.source(options);
        root
    }

    pub(crate) fn source(&self, options: &str) {
        let line = format!("deb {options} {} sid main\n", self.uri);
        self.write("etc/apt/sources.list", line.as_bytes());
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        fs::write(self.path().join(path), bytes).unwrap();
    }

    /// Start of the names of its lists.
    pub(crate) fn prefix(&self) -> String {
        let bare = self.uri.trim_start_matches("http://").trim_end_matches('/');
        format!("{}_dists_sid_", bare.replace('/', "_"))
    }

    pub(crate) fn lists(&self) -> PathBuf {
        self.path().join("var/lib/apt/lists")
    }

    /// Names and contents of the lists.
    pub(crate) fn tree(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.lists()).unwrap().flatten();
        entries
            .filter(|entry| entry.path().is_file() && entry.file_name() != "lock")
            .map(|entry| {
                (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
            })
            .collect()
    }

    /// Root's side alone.
    pub(crate) fn install(&self, staged: &Path) -> Result<Vec<String>, Fault> {
        lists::install(self.path(), staged)
    }

    /// The user's side alone.
    pub(crate) fn fetch(&self, into: &Path) -> Result<FetchedLists, Fault> {
        let cache = tempfile::tempdir().unwrap();
        let store = Store::open(&cache.path().join("store")).unwrap();
        let options = Options { window: Duration::from_secs(2), ..Options::default() };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let fetcher = Fetcher::new(options, store).unwrap();
            let dpkg = Dpkg::open(self.path()).unwrap();
            dpkg.fetch_lists(&fetcher, into, &|_| {}).await
        })
    }

    /// Both sides, one after the other.
    pub(crate) fn sync(&self) -> Result<FetchedLists, Fault> {
        let staged = tempfile::tempdir().unwrap();
        let fetched = self.fetch(staged.path())?;
        let installed = self.install(staged.path())?;
        assert_eq!(installed, fetched.changed);
        Ok(fetched)
    }
}

/// A mirror, an archive on it, and a system that trusts its key.
pub(crate) struct Scene {
    pub(crate) key: Key,
    pub(crate) archive: Archive,
    pub(crate) mirror: Mirror,
    pub(crate) root: Root,
}

impl Scene {
    pub(crate) fn new(options: &str) -> Self {
        let key = Key::new("archive");
        let archive = Archive::new("1.0");
        archive.publish(&key);
        let mirror = Mirror::start(archive.dir.path()).unwrap();
        let root = Root::new(&mirror.base(), options, &key);
        Self { key, archive, mirror, root }
    }

    pub(crate) fn staged(&self) -> TempDir {
        self.archive.staged(&self.root, &self.key)
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

/// The same attack on the root's side: what is in place must not change by it.
pub(crate) fn refused(root: &Root, staged: &Path) -> Result<(), Fault> {
    let before = root.tree();
    let result = root.install(staged);
    if result.is_err() {
        assert_eq!(root.tree(), before, "a refused swap changes nothing");
        assert!(!root.lists().join(".omg").exists());
    } else {
        assert_ne!(root.tree(), before);
    }
    result.map(|_| ())
}
