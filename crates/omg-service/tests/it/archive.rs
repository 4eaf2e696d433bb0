//! Versions that only the distribution's archive has, over servers on loopback in the shape of Arch's and
//! Debian's.

use std::fs;
use std::path::Path;

use omg_backend::fake::Operation as Asked;
use omg_core::{Code, Fault};
use omg_fetch::testing::{Fault as Wrong, Mirror};
use omg_fetch::{Fetcher, Sha256};
use omg_service::{Archive, Downloads, Layout, Place};

use super::*;

const ZST: &str = "t/tool/tool-1:1.0-1-any.pkg.tar.zst";
const XZ: &str = "t/tool/tool-1:1.0-1-any.pkg.tar.xz";
const INDEX: &str = "mr/binary/tool/1:1.0-1/binfiles";

/// An archive, a store, and a world that has files from the one in the other.
struct Yard<S> {
    world: World<S>,
    mirror: Mirror,
    directory: tempfile::TempDir,
}

async fn yard(layout: Layout, off: bool) -> Yard<impl Answers<Call>> {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path().canonicalize().unwrap();
    fs::create_dir_all(at.join("mirror")).unwrap();
    let mirror = Mirror::start(&at.join("mirror")).unwrap();
    let (place, base) = (at.join("cache"), if off { String::new() } else { mirror.base() });
    let downloads = Downloads::new(move || {
        let store = omg_fetch::Store::open(&place.join("store"))?;
        let fetcher = Fetcher::new(omg_fetch::Options::default(), store)?;
        let directory = place.join("archive");
        let archive = Archive { layout, base: base.clone(), directory };
        Ok(Place { fetcher, lists: place.join("lists"), archive: Some(archive) })
    });
    let options = Options { downloads: Some(downloads), ..Options::default() };
    let world = world(Fake::new([]), Store::in_memory(), options).await;
    Yard { world, mirror, directory }
}

impl<S: Answers<Call>> Yard<S> {
    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.directory.path().join("mirror").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.directory.path().join("mirror").join(path)).unwrap();
    }

    /// Debian's index, with this file for `all`.
    fn index(&self, hash: &str) {
        let text = format!(r#"{{"result": [{{"hash": "{hash}", "architecture": "all"}}]}}"#);
        self.write(INDEX, text);
    }

    async fn ask(&self, name: &str, version: &str, sha256: &str) -> Result<String, Fault> {
        let query = Query::Archive { name, version, architecture: "any", sha256 };
        let body = self.world.ask(query).await?;
        match Reply::decode(&body) {
            Ok(Reply::Archived { path, from }) => {
                assert_eq!(from, self.mirror.base());
                Ok(path)
            }
            other => panic!("{other:?}"),
        }
    }

    async fn tool(&self, sha256: &str) -> Result<String, Fault> {
        self.ask("tool", "1:1.0-1", sha256).await
    }

    /// Directories of files that were brought.
    fn brought(&self) -> usize {
        fs::read_dir(self.directory.path().join("cache/archive")).map_or(0, Iterator::count)
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::of(bytes).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_file_of_arch_comes_with_its_signature_under_its_name() {
    let yard = yard(Layout::Arch, false).await;
    yard.write(ZST, "a package");
    yard.write(&format!("{ZST}.sig"), "signed");
    for sha256 in [String::new(), digest(b"a package")] {
        let path = yard.tool(&sha256).await.unwrap();
        assert!(path.ends_with("/tool-1:1.0-1-any.pkg.tar.zst"), "{path}");
        assert_eq!(fs::read(&path).unwrap(), b"a package");
        assert_eq!(fs::read(format!("{path}.sig")).unwrap(), b"signed");
    }
    assert_eq!(yard.world.fake.calls(Asked::VerifyArtifact), 2);
    // It is written as a path has to be.
    let asked = yard.mirror.asked();
    assert_eq!(asked[0].path, "/t/tool/tool-1%3A1.0-1-any.pkg.tar.zst");

    // What is older is packed in another way.
    yard.remove(ZST);
    yard.write(XZ, "an old package");
    yard.write(&format!("{XZ}.sig"), "signed");
    let path = yard.tool("").await.unwrap();
    assert!(path.ends_with("any.pkg.tar.xz"), "{path}");
    assert_eq!(fs::read(&path).unwrap(), b"an old package");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_nothing_speaks_for_is_not_taken() {
    let yard = yard(Layout::Arch, false).await;
    yard.write(ZST, "a package");
    let fault = yard.tool("").await.unwrap_err();
    assert_eq!(fault.code, Code::Gone);
    assert!(fault.to_string().contains("tool 1:1.0-1"), "{fault}");
    assert!(fault.to_string().contains("no signature of its own"), "{fault}");
    // The log's digest does, unless the distribution's rules want a signature all the same.
    let path = yard.tool(&digest(b"a package")).await.unwrap();
    assert!(!Path::new(&format!("{path}.sig")).exists());
    let wrong = Fault::new(Code::Signature, "there must be one");
    yard.world.fake.fail(Asked::VerifyArtifact, Some(wrong.clone()));
    assert_eq!(yard.tool(&digest(b"a package")).await.unwrap_err(), wrong);
    yard.world.fake.fail(Asked::VerifyArtifact, None);
    assert_eq!(yard.tool(&digest(b"another")).await.unwrap_err().code, Code::Digest);
    assert_eq!(yard.brought(), 1, "what was refused leaves nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_debian_is_found_by_its_index_and_known_by_its_digest() {
    let yard = yard(Layout::Debian, false).await;
    let sha1 = "0123456789abcdef0123456789abcdef01234567";
    yard.index(sha1);
    yard.write(&format!("file/{sha1}"), "a package");
    let fault = yard.tool("").await.unwrap_err();
    assert_eq!(fault.code, Code::Gone);
    assert!(fault.to_string().contains("log has no SHA-256"), "{fault}");
    assert!(yard.mirror.asked().is_empty());
    assert_eq!(yard.tool(&digest(b"another")).await.unwrap_err().code, Code::Digest);
    let path = yard.tool(&digest(b"a package")).await.unwrap();
    assert!(path.ends_with("/tool_1%3a1.0-1_any.deb"), "{path}");
    assert_eq!(fs::read(&path).unwrap(), b"a package");
    // What is in the store is asked for nowhere.
    yard.mirror.forget();
    yard.tool(&digest(b"a package")).await.unwrap();
    assert!(yard.mirror.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_believed_in_nothing() {
    let yard = yard(Layout::Debian, false).await;
    let sha256 = digest(b"a package");
    yard.write(INDEX, "<html>");
    assert_eq!(yard.tool(&sha256).await.unwrap_err().code, Code::Malformed);
    for hash in ["../../etc/passwd", "", "?", &"0".repeat(41)] {
        yard.index(hash);
        assert_eq!(yard.tool(&sha256).await.unwrap_err().code, Code::Gone, "{hash}");
    }
    yard.write(INDEX, vec![b' '; (1 << 20) + 1]);
    assert_eq!(yard.tool(&sha256).await.unwrap_err().code, Code::Limit);
    yard.mirror.fault("/mr/", Wrong::Redirect(b"file:///etc/passwd".to_vec()));
    assert_eq!(yard.tool(&sha256).await.unwrap_err().code, Code::Refused);
    assert_eq!(yard.brought(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_and_who_does_not_answer_are_told_apart() {
    for layout in [Layout::Arch, Layout::Debian] {
        let yard = yard(layout, false).await;
        let sha256 = digest(b"a package");
        let fault = yard.tool(&sha256).await.unwrap_err();
        assert_eq!((fault.code, fault.code.exit()), (Code::Gone, 3));
        assert!(fault.to_string().contains(&yard.mirror.base()), "{fault}");
        yard.mirror.fault("/", Wrong::Status(503));
        let fault = yard.tool(&sha256).await.unwrap_err();
        assert_eq!(fault.code, Code::Network, "{fault}");
    }
    for layout in [Layout::Arch, Layout::Debian] {
        let yard = yard(layout, true).await;
        let fault = yard.tool(&digest(b"a package")).await.unwrap_err();
        assert_eq!(fault.code, Code::Gone);
        assert!(fault.to_string().contains("switched off"), "{fault}");
        assert!(yard.mirror.asked().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_no_package_is_not_asked_for() {
    let yard = yard(Layout::Arch, false).await;
    for (name, version) in [("../x", "1"), ("x", "../1"), ("", "1"), ("x", "1\n2"), (".", "1")] {
        let fault = yard.ask(name, version, "").await.unwrap_err();
        assert_eq!(fault.code, Code::Usage, "{name:?} {version:?}");
    }
    assert_eq!(yard.tool("0123").await.unwrap_err().code, Code::Usage);
    assert!(yard.mirror.asked().is_empty());
}
