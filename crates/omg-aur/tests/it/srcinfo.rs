//! `.SRCINFO` files: 411 real ones, and what makepkg writes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use omg_aur::srcinfo::{Field, Srcinfo};

use crate::data::{skip, unpack};

/// The files that are refused, and why.
const REFUSED: &[(&str, &str)] = &[
    ("duplicate_pkgbase", ":5: a second 'pkgbase'"),
    ("empty", ":0: there is no 'pkgbase'"),
    ("key_before_pkgbase", ":1: 'arch' before 'pkgbase'"),
    ("no_arch", ":5: there is no 'arch'"),
    ("no_key", ":5: there is no key before '='"),
    ("no_pkgbase", ":1: 'pkgdesc' before 'pkgbase'"),
    ("no_pkgname", ":4: there is no 'pkgname'"),
    ("no_pkgver", ":5: there is no 'pkgver'"),
    ("no_value2", ":6: there is no 'arch'"),
    ("pkgname_before_pkgbase", ":1: 'pkgname' before 'pkgbase'"),
    ("undeclared_arch2", ":5: a key for 'bar', which 'arch' does not name"),
];

#[test]
fn every_real_file_is_read_or_refused_for_a_reason() {
    let Some(dir) = unpack("aur/srcinfo.tar.gz") else { return };
    let mut refused = BTreeMap::new();
    let mut read = 0;
    for folder in [dir.path().join("srcinfo"), dir.path().join("srcinfo/good")] {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if !entry.path().is_file() {
                continue;
            }
            let name = entry.file_name().into_string().unwrap();
            let bytes = fs::read(entry.path()).unwrap();
            match Srcinfo::parse("", &bytes) {
                Ok(srcinfo) => {
                    read += 1;
                    check(&name, &srcinfo, std::str::from_utf8(&bytes).unwrap());
                }
                Err(error) => assert_eq!(refused.insert(name, error.to_string()), None),
            }
        }
    }
    let wanted = REFUSED.iter().map(|(name, why)| ((*name).to_owned(), (*why).to_owned()));
    assert_eq!(refused, wanted.collect());
    assert_eq!(read + refused.len(), 411);
}

/// Every value of the file is somewhere in what was read, and nothing else is.
fn check(name: &str, srcinfo: &Srcinfo, text: &str) {
    assert_eq!(srcinfo.warnings(), [""; 0], "{name}");
    let lines = text.lines().filter_map(|line| line.trim().split_once('='));
    let mut wanted: Vec<(String, String)> = lines
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .filter(|(key, value)| !key.starts_with('#') && !value.is_empty())
        .collect();
    let mut have = vec![("pkgbase".to_owned(), srcinfo.base().to_owned())];
    have.extend(srcinfo.packages().map(|package| ("pkgname".into(), package.into())));
    for field in Field::ALL {
        have.extend(srcinfo.every(*field).map(|(architecture, value)| {
            let key = match architecture {
                Some(architecture) => format!("{}_{architecture}", field.as_str()),
                None => field.as_str().to_owned(),
            };
            (key, value.to_owned())
        }));
    }
    wanted.sort();
    have.sort();
    assert_eq!(have, wanted, "{name}");
}

const PKGBUILD: &str = r#"
pkgbase=demo
pkgname=(demo demo-docs)
pkgver=1.2.r3
pkgrel=4
epoch=2
pkgdesc="A demo   of  $pkgbase"
arch=(x86_64 aarch64)
url='https://example.org/?a=b'
license=(MIT)
makedepends=(cmake 'ninja>=1.10')
checkdepends=(python-pytest)
depends=(glibc 'bar>=1.0')
depends_x86_64=(lib32-glibc)
depends_aarch64=(libarm)
provides=("demo-api=$pkgver")
optdepends=('vim: to edit' 'emacs: likewise')
source=("https://example.org/$pkgname-$pkgver.tar.gz" local.patch)
source_x86_64=(blob::https://example.org/blob?x=1)
sha256sums=(SKIP SKIP)
sha256sums_x86_64=(0000000000000000000000000000000000000000000000000000000000000000)
validpgpkeys=(ABAF11C65A2970B130ABE3C479BE3E4300411886)
touch canary-of-global-code
package_demo() { install=demo.install; depends=(glibc); depends_x86_64=(); }
package_demo-docs() { arch=(any); pkgdesc='Its docs'; depends=(); conflicts=(old-docs); }
"#;

/// What the real makepkg writes for a recipe. It refuses root, so root asks as nobody.
fn printed(dir: &Path) -> Option<String> {
    let mut command = Command::new("makepkg");
    if rustix::process::geteuid().is_root() {
        command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "makepkg"]);
    }
    command.arg("--printsrcinfo").current_dir(dir).env("HOME", dir).env("LC_ALL", "C");
    match command.stdin(Stdio::null()).output() {
        Ok(output) => {
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "makepkg fails: {errors}");
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) => {
            skip(&format!("makepkg can't be run: {error}"));
            None
        }
    }
}

#[test]
fn what_makepkg_writes_is_what_we_read() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(dir.path().join("PKGBUILD"), PKGBUILD).unwrap();
    fs::write(dir.path().join("demo.install"), "").unwrap();
    let Some(text) = printed(dir.path()) else { return };
    let demo = Srcinfo::parse("demo/.SRCINFO", text.as_bytes()).unwrap();
    check("demo", &demo, &text);
    assert_eq!((demo.base(), &*demo.version()), ("demo", "2:1.2.r3-4"));
    assert_eq!(demo.packages().collect::<Vec<_>>(), ["demo", "demo-docs"]);
    let values = |package, field| demo.values(package, field, "x86_64");
    assert_eq!(values(None, Field::Depends), ["glibc", "bar>=1.0", "lib32-glibc"]);
    assert_eq!(values(Some("demo"), Field::Depends), ["glibc"]);
    assert_eq!(demo.values(Some("demo"), Field::Depends, "aarch64"), ["glibc", "libarm"]);
    assert_eq!(values(Some("demo-docs"), Field::Architecture), ["any"]);
    assert_eq!(values(Some("demo-docs"), Field::Conflicts), ["old-docs"]);
    assert_eq!(values(Some("demo"), Field::Provides), ["demo-api=1.2.r3"]);
    assert_eq!(demo.single(Some("demo"), Field::Install), Some("demo.install"));
    assert_eq!(demo.single(Some("demo-docs"), Field::Install), None);
    assert_eq!(demo.single(None, Field::Description), Some("A demo of demo"));
    assert_eq!(demo.single(Some("demo-docs"), Field::Description), Some("Its docs"));
    assert_eq!(
        values(None, Field::Source),
        [
            "https://example.org/demo-1.2.r3.tar.gz",
            "local.patch",
            "blob::https://example.org/blob?x=1"
        ]
    );
    assert_eq!(values(None, Field::MakeDepends), ["cmake", "ninja>=1.10"]);
    assert_eq!(values(None, Field::CheckDepends), ["python-pytest"]);
    assert_eq!(values(None, Field::OptDepends), ["vim: to edit", "emacs: likewise"]);
    assert_eq!(values(None, Field::ValidPgpKeys).len(), 1);
}

#[test]
fn reading_runs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("PKGBUILD"), PKGBUILD).unwrap();
    let canary = dir.path().join("canary");
    let text = format!(
        "pkgbase = a\npkgver = $(touch {0})\npkgrel = 1\narch = any\ndepends = `touch {0}`\n\
         pkgname = a\n",
        canary.display()
    );
    let parsed = Srcinfo::parse("a/.SRCINFO", text.as_bytes()).unwrap();
    assert_eq!(parsed.version(), format!("$(touch {})-1", canary.display()));
    assert!(!canary.exists() && !dir.path().join("canary-of-global-code").exists());
}
