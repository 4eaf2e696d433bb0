//! Versions that only the distribution's archive still has, over a server in the shape of Debian's.

use std::path::PathBuf;
use std::process::Command;

use omg_fetch::testing::Mirror;

use crate::change::{does, shop, tree};
use crate::shop::{Shop, installed};
use crate::support::{Home, Run};

/// A system with tool 2.0, whose repository and caches have tool 1.0 no more, and an archive that has.
struct Yard {
    shop: Shop,
    home: Home,
    archive: tempfile::TempDir,
    sha1: String,
}

const OLD: [&str; 2] = ["libtool1 1.0", "tool 1.0"];
const NEW: [&str; 2] = ["libtool1 1.0", "tool 2.0"];

impl Yard {
    fn open() -> Option<Self> {
        let shop = shop()?;
        let home = Home::over(&shop.root());
        does(&home, &["sync"]);
        does(&home, &["install", "-y", "tool=1.0"]);
        does(&home, &["update", "-y"]);
        assert_eq!(installed(&shop.root()), NEW);
        let archive = tempfile::Builder::new().prefix("archive-").tempdir().unwrap();
        let deb = shop.deb("tool", "1.0");
        let run = Command::new("sha1sum").arg(&deb).output().unwrap();
        let sha1 = String::from_utf8(run.stdout).unwrap()[..40].to_owned();
        let yard = Self { shop, home, archive, sha1 };
        yard.write(&yard.file(), &std::fs::read(&deb).unwrap());
        let other = "0123456789".repeat(4);
        let index = format!(
            "{{\"_comment\": \"foo\", \"binary\": \"tool\", \"binary_version\": \"1.0\", \"result\": \
             [{{\"hash\": \"{other}\", \"architecture\": \"arm64\"}}, \
             {{\"hash\": \"{}\", \"architecture\": \"amd64\"}}], \"fileinfo\": {{}}}}",
            yard.sha1
        );
        yard.write("mr/binary/tool/1.0/binfiles", index.as_bytes());
        std::fs::remove_file(&deb).unwrap();
        yard.shop.publish();
        does(&yard.home, &["sync"]);
        yard.forget();
        Some(yard)
    }

    /// Empties the caches: the native tool's and the user's.
    fn forget(&self) {
        does(&self.home, &["clean", "--all"]);
        std::fs::remove_dir_all(self.home.path(".cache/omg")).unwrap();
    }

    fn root(&self) -> PathBuf {
        self.shop.root()
    }

    fn file(&self) -> String {
        format!("file/{}", self.sha1)
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.archive.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// From now on the archive is at this address.
    fn archive_is(&self, address: &str) {
        let directory = self.home.path(".config/omg");
        std::fs::create_dir_all(&directory).unwrap();
        let text = format!("[archive]\ndebian = \"{address}\"\n");
        std::fs::write(directory.join("settings.toml"), text).unwrap();
    }

    /// Takes back, which must fail like this and change nothing.
    fn refused(&self, arguments: &[&str], code: i32, expected: &[&str]) -> Run {
        let before = tree(&self.root());
        let run = self.home.alone(arguments);
        assert_eq!(run.code, code, "{run:?}");
        for part in expected {
            assert!(run.stderr.contains(part), "{part} in {run:?}");
        }
        assert_eq!(tree(&self.root()), before);
        assert_eq!(installed(&self.root()), NEW);
        run
    }
}

#[test]
fn what_only_the_archive_has_is_had_from_there_or_not_at_all() {
    let Some(yard) = Yard::open() else { return };
    let mirror = Mirror::start(yard.archive.path()).unwrap();
    let index = "/mr/binary/tool/1.0/binfiles?fileinfo=1";

    yard.archive_is("");
    let undo = ["history", "undo", "-y"];
    yard.refused(&undo, 3, &["OMG-E0038", "tool 1.0", "switched off"]);

    yard.archive_is(&mirror.base());
    // The log does not know this version, and a file of Debian's has nothing else to be known by.
    let run = yard.refused(&["downgrade", "-y", "tool=0.9"], 3, &["OMG-E0038", "tool 0.9"]);
    assert!(run.stderr.contains("log has no SHA-256"), "{run:?}");
    assert!(mirror.asked().is_empty(), "{:?}", mirror.asked());

    // Another file than the one that was installed, under the right name.
    let good = std::fs::read(yard.archive.path().join(yard.file())).unwrap();
    let mut bytes = good.clone();
    bytes[good.len() / 2] ^= 1;
    yard.write(&yard.file(), &bytes);
    for arguments in [&undo[..], &["downgrade", "-y", "tool=1.0"]] {
        yard.refused(arguments, 9, &["OMG-E0011"]);
    }
    let denied = does(&yard.home, &["audit", "log", "--user", "--phase", "deny", "--json"]).stdout;
    assert_eq!(denied.matches("tool=1.0").count(), 2, "{denied}");
    let asked: Vec<String> = mirror.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(asked[..2], [index.to_owned(), format!("/{}", yard.file())]);

    // The index names it, and it is not there; then the index is gone, too.
    std::fs::remove_file(yard.archive.path().join(yard.file())).unwrap();
    yard.refused(&undo, 3, &["OMG-E0038", "tool 1.0", &yard.file()]);
    let index = yard.archive.path().join(&index[1..index.len() - "?fileinfo=1".len()]);
    let text = std::fs::read(&index).unwrap();
    std::fs::remove_file(&index).unwrap();
    yard.refused(&undo, 3, &["OMG-E0038", "tool 1.0", "mr/binary/tool/1.0/binfiles"]);

    std::fs::write(&index, text).unwrap();
    yard.write(&yard.file(), &good);
    let run = does(&yard.home, &undo);
    assert_eq!(installed(&yard.root()), OLD);
    assert!(run.stderr.contains("tool 1.0 is from the archive"), "{run:?}");

    does(&yard.home, &["update", "-y", "--no-sync"]);
    assert_eq!(installed(&yard.root()), NEW);
    yard.forget();
    does(&yard.home, &["downgrade", "-y", "tool=1.0"]);
    assert_eq!(installed(&yard.root()), OLD);

    // Nobody answers.
    does(&yard.home, &["update", "-y", "--no-sync"]);
    yard.forget();
    drop(mirror);
    yard.refused(&undo, 3, &["OMG-E0038", "tool 1.0", "can't be asked for"]);
}
