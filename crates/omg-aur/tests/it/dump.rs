//! The dump: fetched when it is newer, kept whole or not at all.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use omg_aur::rpc::By;
use omg_aur::testing::Mishap;
use omg_aur::{Error, Fresh, Limits};
use omg_backend::PackageManager;
use omg_backend::contract::{Expected, contract, moves};
use omg_core::{Available, Code, Fault, Repository, RepositoryId, Sink, Source};

use crate::server::{Site, limits};

#[derive(Default)]
struct Seen {
    repositories: Vec<String>,
    packages: Vec<(String, String, u32)>,
    warnings: Vec<String>,
}

impl Sink for Seen {
    fn repository(&mut self, repository: &Repository) -> Result<RepositoryId, Fault> {
        self.repositories.push(format!("{} {}", repository.name, repository.uri));
        Ok(RepositoryId(0))
    }

    fn package(&mut self, package: &Available<'_>) -> Result<(), Fault> {
        assert_eq!((package.architecture, package.candidate), ("source", Some(0)));
        let votes = package.aur.unwrap().votes;
        let version = package.versions[0].version;
        self.packages.push((package.name.into(), version.into(), votes));
        Ok(())
    }

    fn warning(&mut self, message: String) {
        self.warnings.push(message);
    }
}

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn stored(site: &Site) -> PathBuf {
    site.directory.path().join("packages-meta-ext-v1.json.gz")
}

const FILES: [&str; 2] = ["packages-meta-ext-v1.json.gz", "packages-meta-ext-v1.origin.json"];

#[tokio::test]
async fn the_real_dump_is_fetched_stored_and_read() {
    let Some(site) = Site::real() else { return };
    let empty = site.aur.packages(Seen::default()).await.unwrap();
    assert_eq!((empty.repositories.len(), empty.packages.len()), (1, 0));
    assert_eq!(site.aur.refreshed_at(), None);
    let Fresh::New { packages, fetched } = site.aur.refresh().await.unwrap() else { panic!() };
    assert_eq!((packages, fetched), (4037, fs::metadata(stored(&site)).unwrap().len()));
    assert_eq!(site.aur.refreshed_at(), Some(1_700_000_000));
    let seen = site.aur.packages(Seen::default()).await.unwrap();
    // 28 of its packages are there twice.
    assert_eq!((seen.packages.len(), seen.warnings.len()), (4009, 28));
    assert!(seen.warnings.iter().all(|text| text.ends_with("is there twice")));
    assert_eq!(seen.repositories, [format!("aur {}/", site.server.address())]);
    let expected = Expected { installed: &[], candidates: &[("vim-language-server", "2.3.1-1")] };
    contract(&site.aur, &expected).await;
    assert_eq!(site.files(), FILES);
}

#[tokio::test]
async fn what_has_not_changed_is_not_fetched_again() {
    let site = Site::new();
    site.add("foo", r#""NumVotes":3"#);
    assert!(matches!(site.aur.refresh().await.unwrap(), Fresh::New { packages: 1, .. }));
    let before = site.aur.generations().await.unwrap();
    site.pass(50);
    assert_eq!(site.aur.refresh().await.unwrap(), Fresh::Unchanged { packages: 1 });
    assert_eq!(site.aur.refreshed_at(), Some(1_700_000_050));
    assert_eq!(site.aur.generations().await.unwrap(), before);
    // Another process knows it too.
    assert_eq!(site.again().refresh().await.unwrap(), Fresh::Unchanged { packages: 1 });
    let tags: Vec<bool> = site
        .server
        .requests()
        .iter()
        .map(|request| request.header("If-None-Match").is_some())
        .collect();
    assert_eq!(tags, [false, true, true]);
    site.add("bar", r#""NumVotes":5"#);
    assert!(matches!(site.aur.refresh().await.unwrap(), Fresh::New { packages: 2, .. }));
    let seen = site.aur.packages(Seen::default()).await.unwrap();
    let names: Vec<_> = seen.packages.iter().map(|(name, _, votes)| (&**name, *votes)).collect();
    assert_eq!(names, [("bar", 5), ("foo", 3)]);
    assert_ne!(site.aur.generations().await.unwrap(), before);
}

#[tokio::test]
async fn a_refresh_moves_only_what_is_offered() {
    let site = Site::new();
    site.add("foo", "");
    site.aur.refresh().await.unwrap();
    site.add("bar", "");
    let aur = site.aur.clone();
    moves(&site.aur, (true, false), || {
        // The suite changes things between two awaits, so the refresh runs elsewhere.
        std::thread::scope(|scope| {
            let refresh = || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(aur.refresh()).unwrap()
            };
            assert!(matches!(scope.spawn(refresh).join().unwrap(), Fresh::New { .. }));
        });
    })
    .await;
}

#[tokio::test]
async fn a_tag_that_is_about_another_file_is_not_trusted() {
    let site = Site::new();
    site.add("foo", "");
    site.aur.refresh().await.unwrap();
    // As after a crash between the two renames, or with a damaged disk.
    fs::write(stored(&site), packed("[]")).unwrap();
    assert!(matches!(site.aur.refresh().await.unwrap(), Fresh::New { packages: 1, .. }));
    fs::write(site.directory.path().join(FILES[1]), "nonsense").unwrap();
    assert!(matches!(site.aur.refresh().await.unwrap(), Fresh::New { packages: 1, .. }));
    fs::remove_file(stored(&site)).unwrap();
    assert!(matches!(site.aur.refresh().await.unwrap(), Fresh::New { packages: 1, .. }));
    assert!(site.server.requests().iter().all(|request| request.header("If-None-Match").is_none()));
}

/// Whatever comes instead of a dump, the one that is there stays, and nothing lies beside it.
#[tokio::test]
async fn a_bad_dump_never_takes_the_place_of_a_good_one() {
    let site = Site::with(Limits {
        dump_bytes: 1 << 20,
        unpacked_bytes: 8 << 20,
        dump: Duration::from_millis(1500),
        window: Duration::from_millis(400),
        ..limits()
    });
    site.add("foo", "");
    site.aur.refresh().await.unwrap();
    let good = fs::read(stored(&site)).unwrap();
    site.add("bar", "");
    let whole = packed(&format!("[{}]", vec![r#"{"Name":"a"}"#; 5000].join(",")));
    let bomb = packed(&" ".repeat(64 << 20));
    assert!(bomb.len() < 1 << 20);
    let mishaps = [
        (Mishap::Body(whole[..whole.len() - 9].to_vec()), Code::Malformed, "can't be unpacked"),
        (Mishap::Body(bomb), Code::Limit, "unpacked, is larger than 8388608 bytes"),
        (Mishap::Body(packed("[]")), Code::Malformed, "there is no package in it"),
        (Mishap::Body(packed("{}")), Code::Malformed, "expected a list"),
        (Mishap::Body(packed("[{\"Name\":")), Code::Malformed, "ends inside a package"),
        (Mishap::Body(b"<html>".to_vec()), Code::Malformed, "can't be unpacked"),
        (Mishap::Body(Vec::new()), Code::Malformed, "can't be unpacked"),
        (Mishap::Endless, Code::Limit, "larger than 1048576 bytes"),
        (Mishap::Promised(1 << 40), Code::Limit, "larger than 1048576 bytes"),
        (Mishap::Dripping(Duration::from_millis(20)), Code::Network, "less than 16384 bytes"),
        (Mishap::Silent, Code::Network, "deadline"),
        (Mishap::Cut, Code::Network, "can't be reached"),
        (Mishap::Status(503, None), Code::Network, "503"),
        (Mishap::Redirect("http://127.0.0.2/".into()), Code::Network, "another host"),
    ];
    for (mishap, code, reason) in mishaps {
        site.server.set_mishap(Some(mishap.clone()));
        let fault = site.aur.refresh().await.unwrap_err().fault();
        assert_eq!(fault.code, code, "{fault}");
        assert!(fault.message.contains(reason), "{fault}");
        assert_eq!(fs::read(stored(&site)).unwrap(), good, "{fault}");
        assert_eq!(site.files(), FILES, "{fault}");
        site.pass(3600);
    }
    site.server.set_mishap(None);
    assert!(matches!(site.aur.refresh().await.unwrap(), Fresh::New { packages: 2, .. }));
}

#[tokio::test]
async fn a_dropped_refresh_leaves_nothing() {
    let site = Site::new();
    site.add("foo", "");
    site.server.set_mishap(Some(Mishap::Dripping(Duration::from_millis(5))));
    let aur = site.aur.clone();
    let task = tokio::spawn(async move { aur.refresh().await });
    while site.files().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    while !site.files().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    site.server.set_mishap(None);
    assert!(matches!(site.aur.refresh().await.unwrap(), Fresh::New { packages: 1, .. }));
}

#[tokio::test]
async fn what_an_earlier_fetch_left_is_removed_when_it_is_old() {
    let site = Site::new();
    site.add("foo", "");
    let old = site.directory.path().join("packages-meta-ext-v1.json.gz.1-0.tmp");
    let new = site.directory.path().join("packages-meta-ext-v1.json.gz.2-0.tmp");
    let other = site.directory.path().join("unrelated.tmp");
    for path in [&old, &new, &other] {
        fs::write(path, "x").unwrap();
    }
    let past = std::time::SystemTime::now() - Duration::from_hours(2);
    for path in [&old, &other] {
        fs::File::options().write(true).open(path).unwrap().set_modified(past).unwrap();
    }
    site.aur.refresh().await.unwrap();
    assert!(!old.exists() && new.exists() && other.exists());
}

#[tokio::test]
async fn without_the_rpc_the_dump_answers_and_says_how_old_it_is() {
    let site = Site::new();
    site.add("foo", r#""Maintainer":"ann","Depends":["bar>=2"],"Provides":["virtual=3"]"#);
    site.add("foo-docs", r#""Description":"Documents of Foo","PackageBase":"foo""#);
    site.aur.refresh().await.unwrap();
    site.pass(500);
    site.server.set_mishap(Some(Mishap::Status(503, None)));
    let answer = site.aur.info(&["foo", "nothing"]).await.unwrap();
    assert_eq!((answer.value.len(), answer.age), (1, 500));
    assert_eq!(answer.value[0].depends, ["bar>=2"]);
    assert!(answer.stale.unwrap().contains("503"));
    for (by, term, wanted) in [
        (By::Name, "foo", vec!["foo", "foo-docs"]),
        (By::NameDescription, "DOCUMENTS", vec!["foo-docs"]),
        (By::Maintainer, "ann", vec!["foo"]),
        (By::Maintainer, "", vec!["foo-docs"]),
        (By::Depends, "bar", vec!["foo"]),
        (By::Provides, "virtual", vec!["foo"]),
        (By::Provides, "foo", vec!["foo"]),
        (By::Conflicts, "foo", vec![]),
    ] {
        let answer = site.aur.search(by, term).await.unwrap();
        let names: Vec<_> = answer.value.iter().map(|package| &*package.name).collect();
        assert_eq!((names, answer.age), (wanted, 500), "{by:?} {term}");
    }
}

#[tokio::test]
async fn a_dump_damaged_on_disk_is_told() {
    let site = Site::new();
    site.add("foo", "");
    site.aur.refresh().await.unwrap();
    let good = fs::read(stored(&site)).unwrap();
    fs::write(stored(&site), &good[..good.len() / 2]).unwrap();
    let fault = site.aur.packages(Seen::default()).await.map(|_| ()).unwrap_err();
    assert_eq!(fault.code, Code::Malformed);
    assert!(fault.message.contains("packages-meta-ext-v1.json.gz"), "{fault}");
}

#[tokio::test]
async fn a_directory_that_can_not_be_written_is_named() {
    let site = Site::new();
    site.add("foo", "");
    let file = site.directory.path().join("file");
    fs::write(&file, "").unwrap();
    let address = site.server.address();
    let settings = omg_aur::Settings::new(&address, &file.join("below"), crate::server::order);
    let error = omg_aur::Aur::open(settings).unwrap().refresh().await.unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if path.starts_with(&file)), "{error}");
}

#[tokio::test]
async fn the_details_of_a_record_have_what_the_aur_knows() {
    #[derive(Default)]
    struct Record(String);
    impl Sink for Record {
        fn repository(&mut self, _: &Repository) -> Result<RepositoryId, Fault> {
            Ok(RepositoryId(0))
        }
        fn package(&mut self, package: &Available<'_>) -> Result<(), Fault> {
            if package.name == "auracle-git" {
                package.versions[0].record.clone_into(&mut self.0);
            }
            Ok(())
        }
        fn warning(&mut self, message: String) {
            panic!("{message}");
        }
    }
    let Some(site) = Site::real() else { return };
    let known = site.aur.info(&["auracle-git"]).await.unwrap().value.remove(0);
    site.server.set_dump(None);
    site.aur.refresh().await.unwrap();
    let record = site.aur.packages(Record::default()).await.unwrap().0;
    let details = site.aur.details(Source::Aur, &record);
    assert_eq!((details.name, details.version), (&*known.name, &*known.version));
    assert_eq!(details.depends, known.depends);
    assert_eq!(details.url, known.url.as_deref());
    let facts = details.aur.unwrap();
    assert_eq!((facts.votes, facts.popularity), (16, 1_029_160));
    assert_eq!((facts.first_submitted, facts.last_modified), (1_499_013_608, 1_539_195_709));
    assert_eq!((facts.maintainer, facts.out_of_date), (Some("falconindy"), None));
}
