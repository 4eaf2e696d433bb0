//! Lists in every form that apt stores them in, whole and broken.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use omg_backend::PackageManager as _;

use super::root::{Root, installed, record};
use super::{Catalogue, System};

const RELEASE: &str = "Origin: Debian\nSuite: stable\nCodename: bookworm";
const START: &str = "var/lib/apt/lists/a.example_debian_dists_stable_main";

fn root(packages: &str) -> Root {
    Root::new().suite("a.example", "stable", "main", RELEASE, packages)
}

/// Replaces the list of the root by one in another form.
fn replace(root: &Root, suffix: &str, bytes: &[u8]) {
    fs::remove_file(root.path().join(format!("{START}_binary-amd64_Packages"))).unwrap();
    root.write(&format!("{START}_binary-amd64_Packages{suffix}"), bytes);
}

/// Packs with the program that made apt's file; `None` if it isn't there.
fn pack(program: &str, arguments: &[&str], plain: &str) -> Option<Vec<u8>> {
    let mut child = match Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
    {
        Ok(child) => child,
        Err(error) => {
            println!("skipped: {program} can't be run: {error}");
            return None;
        }
    };
    let mut input = child.stdin.take().unwrap();
    let text = plain.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    Some(output.stdout)
}

fn many() -> String {
    (0..20_000)
        .map(|i| record(&format!("p{i}"), "1.0", "amd64", "Depends: libc6 (>= 2.36), a | b"))
        .collect()
}

#[tokio::test]
async fn every_compression_is_read() {
    let plain = many();
    let wanted = System::open(root(&plain).path(), "amd64").await.catalogue.rows.len();
    assert_eq!(wanted, 20_000);
    for (suffix, program, arguments) in [
        (".gz", "gzip", &["-c"][..]),
        (".xz", "xz", &["-c", "-1"]),
        (".zst", "zstd", &["-c", "-q"]),
        (".lz4", "lz4", &["-c", "-q"]),
        (".lzma", "xz", &["-c", "-1", "--format=lzma"]),
    ] {
        let Some(packed) = pack(program, arguments, &plain) else { continue };
        let root = root("");
        replace(&root, suffix, &packed);
        let system = System::open(root.path(), "amd64").await;
        assert_eq!(
            system.catalogue.rows.len(),
            wanted,
            "{suffix}: {:?}",
            system.catalogue.warnings
        );
        // Half of it is an error, and nothing of it counts.
        fs::write(
            root.path().join(format!("{START}_binary-amd64_Packages{suffix}")),
            &packed[..packed.len() / 2],
        )
        .unwrap();
        let system = System::open(root.path(), "amd64").await;
        assert_eq!(system.catalogue.rows.len(), 0, "{suffix}");
        assert!(
            system.catalogue.warnings.iter().any(|warning| warning.contains("left out")),
            "{suffix}"
        );
    }
}

#[tokio::test]
async fn bzip2_is_refused_with_a_hint() {
    let root = root("");
    replace(&root, ".bz2", b"BZh91AY&SY");
    let warnings = System::open(root.path(), "amd64").await.catalogue.warnings;
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("bzip2") && warning.contains("apt-get update")),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn a_broken_list_leaves_the_others_alone() {
    let root =
        root("").suite("b.example", "stable", "main", RELEASE, &record("kept", "1", "amd64", ""));
    replace(&root, ".lz4", b"this is no lz4");
    let catalogue = System::open(root.path(), "amd64").await.catalogue;
    assert_eq!(catalogue.rows.len(), 1);
    assert!(catalogue.rows.contains_key("kept"));
    assert_eq!(catalogue.warnings.len(), 1, "{:?}", catalogue.warnings);
}

/// CRC-32 as xz has it.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)))
}

#[tokio::test]
async fn an_xz_list_that_claims_too_much_memory_is_left_out() {
    let root =
        root("").suite("b.example", "stable", "main", RELEASE, &record("kept", "1", "amd64", ""));
    let mut packed = liblzma::encode_all(record("forged", "1", "amd64", "").as_bytes(), 1).unwrap();
    // After the stream's header of 12 bytes: length in words, flags, filter, length of its
    // properties, and the size of the dictionary, for which 37 stands for 1.5 GiB.
    let len = usize::from(packed[12]) * 4;
    assert_eq!(packed[14..16], [0x21, 1]);
    packed[16] = 37;
    let sum = crc32(&packed[12..12 + len]);
    packed[12 + len..16 + len].copy_from_slice(&sum.to_le_bytes());
    replace(&root, ".xz", &packed);
    let catalogue = System::open(root.path(), "amd64").await.catalogue;
    assert_eq!(catalogue.rows.keys().collect::<Vec<_>>(), ["kept"]);
    let [warning] = &catalogue.warnings[..] else { panic!("{:?}", catalogue.warnings) };
    assert!(warning.contains("Packages.xz") && warning.contains("left out"), "{warning}");
    assert!(warning.to_lowercase().contains("memory"), "{warning}");
}

#[tokio::test]
async fn a_file_over_the_limit_is_not_read() {
    let root =
        root("").suite("b.example", "stable", "main", RELEASE, &record("kept", "1", "amd64", ""));
    let file = fs::OpenOptions::new()
        .write(true)
        .open(root.path().join(format!("{START}_binary-amd64_Packages")))
        .unwrap();
    file.set_len((512 << 20) + 1).unwrap();
    let catalogue = System::open(root.path(), "amd64").await.catalogue;
    assert_eq!(catalogue.rows.len(), 1);
    assert!(
        catalogue.warnings[0].contains("larger than 536870912 bytes"),
        "{:?}",
        catalogue.warnings
    );
}

#[tokio::test]
async fn a_bomb_stops_at_the_limit() {
    let zeros = "\0".repeat(64 << 20);
    let Some(packed) = pack("gzip", &["-c"], &zeros) else { return };
    assert!(packed.len() < 1 << 20);
    let root =
        root("").suite("b.example", "stable", "main", RELEASE, &record("kept", "1", "amd64", ""));
    replace(&root, ".gz", &packed);
    let catalogue = System::open(root.path(), "amd64").await.catalogue;
    assert_eq!(catalogue.rows.len(), 1);
    assert!(catalogue.warnings[0].contains("larger than"), "{:?}", catalogue.warnings);
}

#[tokio::test]
async fn malformed_records_are_named_and_left_out() {
    let good = record("good", "1", "amd64", "");
    let text = format!(
        "{good}Package: bad\nthis is no field\nVersion: 1\n\nVersion: 2\nArchitecture: amd64\n\n{}",
        record("late", "1", "amd64", "")
    );
    let root = root(&text);
    let catalogue = System::open(root.path(), "amd64").await.catalogue;
    assert_eq!(catalogue.rows.keys().collect::<Vec<_>>(), ["good", "late"]);
    let line = good.lines().count() + 2;
    assert!(
        catalogue.warnings.iter().any(|warning| warning.contains(&format!("_Packages:{line}: "))),
        "{:?}",
        catalogue.warnings
    );
    assert_eq!(catalogue.warnings.len(), 2);
}

#[tokio::test]
async fn odd_bytes_do_no_harm() {
    let mut bytes = record("crlf", "1", "amd64", "").replace('\n', "\r\n").into_bytes();
    bytes.extend(record("plain", "1", "amd64", "").into_bytes());
    bytes.extend(b"Package: latin\nVersion: 1\nArchitecture: amd64\nDescription: caf\xe9\n\n");
    bytes.extend(b"Package: nul\nVersion: 1\nArchitecture: amd64\nDescription: a\0b\n\n\n\n\n");
    bytes.extend(record("last", "1", "amd64", "").trim_end().as_bytes());
    let root = root("");
    replace(&root, "", &bytes);
    let catalogue = System::open(root.path(), "amd64").await.catalogue;
    let names: Vec<_> = catalogue.rows.keys().map(String::as_str).collect();
    assert_eq!(names, ["crlf", "last", "latin", "nul", "plain"], "{:?}", catalogue.warnings);
    assert_eq!(catalogue.rows["latin"][0].description, "caf\u{fffd}");
}

#[tokio::test]
async fn only_lists_of_sources_count() {
    let root = root(&record("known", "1", "amd64", ""));
    root.write(
        "var/lib/apt/lists/stray.example_debian_dists_stable_main_binary-amd64_Packages",
        record("stray", "1", "amd64", ""),
    );
    root.write(&format!("{START}_binary-armhf_Packages"), record("foreign", "1", "armhf", ""));
    let catalogue = root.compare(&["known"]).await.catalogue;
    assert_eq!(catalogue.rows.keys().collect::<Vec<_>>(), ["known"]);
}

#[tokio::test]
async fn long_descriptions_come_from_translations() {
    let root = root(&record("tool", "1", "amd64", "Description-md5: 0123"));
    root.write(
        &format!("{START}_i18n_Translation-en"),
        "Package: tool\nDescription-md5: 0123\nDescription-en: a tool\n It does things.\n .\n All of them.\n\n",
    );
    let system = System::open(root.path(), "amd64").await;
    let row = &system.catalogue.rows["tool"][0];
    assert_eq!(row.description, "a tool");
    let details = system.dpkg.details(omg_core::Source::Apt, &row.records[0]);
    assert_eq!(details.description, "a tool");
    assert!(details.long_description.unwrap().contains("All of them."));
    assert_eq!(details.name, "tool");
}

#[tokio::test]
async fn flat_repositories_and_virtual_packages() {
    let root = Root::new()
        .sources("deb [trusted=yes] file:/srv/repo ./\ndeb http://flat.example/x stable/\n");
    root.write(
        "var/lib/apt/lists/_srv_repo_._Packages",
        record("local", "1", "amd64", "Provides: mta, mail-server (= 1)"),
    );
    root.write(
        "var/lib/apt/lists/flat.example_x_stable_Packages",
        record("remote", "1", "all", ""),
    );
    let system = root.compare(&["local", "remote"]).await;
    assert_eq!(system.catalogue.rows["local"][0].provides, ["mta", "mail-server"]);
}

#[tokio::test]
async fn generations_move_with_what_they_stand_for() {
    let root = root(&record("a", "1", "amd64", ""));
    let system = System::open(root.path(), "amd64").await;
    let mut before = system.dpkg.generations().await.unwrap();
    assert_eq!(system.dpkg.generations().await.unwrap(), before);
    for (path, catalogue) in [
        ("etc/apt/preferences", true),
        ("etc/apt/preferences.d/x", true),
        ("etc/apt/sources.list.d/x.list", true),
        ("var/lib/apt/lists/new_Packages", true),
        ("var/lib/dpkg/status", false),
        ("var/lib/apt/extended_states", false),
        ("var/lib/dpkg/updates/0001", false),
        ("var/lib/dpkg/status.d/x", false),
        ("var/lib/dpkg/info/x.list", false),
    ] {
        root.write(path, "# anything longer than nothing\n");
        let after = system.dpkg.generations().await.unwrap();
        assert_eq!(after.catalogue != before.catalogue, catalogue, "{path}");
        assert_eq!(after.installed != before.installed, !catalogue, "{path}");
        let parent = root.path().join(path).parent().unwrap().to_owned();
        assert!(system.dpkg.watched().contains(&parent), "{path}");
        before = after;
    }
}

#[tokio::test]
async fn new_pins_count_at_once() {
    let root = Root::new().status(&installed("a", "1", "amd64", "")).suite(
        "a.example",
        "stable",
        "main",
        RELEASE,
        &record("a", "2", "amd64", ""),
    );
    let mut system = System::open(root.path(), "amd64").await;
    assert_eq!(system.policy("a").candidate.as_deref(), Some("2"));
    root.write("etc/apt/preferences", "Package: a\nPin: version 2\nPin-Priority: -1\n");
    system.dpkg.generations().await.unwrap();
    system.catalogue = system.dpkg.packages(Catalogue::default()).await.unwrap();
    assert_eq!(system.policy("a").candidate.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_list_that_is_replaced_while_it_is_read_is_old_or_new() {
    let old: String = (0..5000).map(|i| record(&format!("p{i}"), "1", "amd64", "")).collect();
    let new: String = (0..5000).map(|i| record(&format!("p{i}"), "2", "amd64", "")).collect();
    let root = root(&old);
    let path = root.path().join(format!("{START}_binary-amd64_Packages"));
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writer = std::thread::spawn({
        let (path, stop) = (path.clone(), stop.clone());
        move || {
            for turn in 0.. {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
                let text = if turn % 2 == 0 { &new } else { &old };
                let other = path.with_extension("tmp");
                fs::write(&other, text).unwrap();
                fs::rename(&other, &path).unwrap();
            }
        }
    });
    let dpkg = omg_backend_dpkg::Dpkg::open(root.path()).unwrap();
    for _ in 0..10 {
        let catalogue = dpkg.packages(Catalogue::default()).await.unwrap();
        let versions: std::collections::BTreeSet<_> =
            catalogue.rows.values().map(|rows| rows[0].offers[0].0.clone()).collect();
        assert_eq!(catalogue.rows.len(), 5000);
        assert_eq!(versions.len(), 1, "{versions:?}");
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().unwrap();
}

#[tokio::test]
async fn files_of_what_is_not_installed_come_from_contents() {
    let root = root(&record("tool", "1", "amd64", ""));
    let system = System::open(root.path(), "amd64").await;
    let none = system.dpkg.provides("tool").await.unwrap();
    assert!(none.matches.is_empty());
    assert!(none.hint.unwrap().contains("apt-get install apt-file"));
    let fault = system.dpkg.available_files("tool").await.unwrap_err();
    assert!(fault.hint.unwrap().contains("apt-file"));
    root.write("etc/apt/apt.conf.d/50apt-file.conf", "Acquire::IndexTargets { deb::Contents-deb { MetaKey \"$(COMPONENT)/Contents-$(ARCHITECTURE)\"; }; };");
    assert_eq!(
        system.dpkg.provides("tool").await.unwrap().hint.as_deref(),
        Some("sudo apt-get update")
    );
    root.write(
        &format!("{START}_Contents-amd64"),
        "usr/bin/tool  utils/tool\nusr/share/doc/tool/a b  utils/tool\n",
    );
    let found = system.dpkg.provides("tool").await.unwrap();
    assert_eq!((found.matches.len(), found.hint), (1, None));
    assert_eq!(found.matches[0].package, "tool");
    assert_eq!(system.dpkg.provides("/bin/tool").await.unwrap().matches.len(), 1);
    assert_eq!(
        system.dpkg.available_files("tool").await.unwrap(),
        ["/usr/bin/tool", "/usr/share/doc/tool/a b"]
    );
    assert_eq!(system.dpkg.provides("  ").await.unwrap_err().code, omg_core::Code::Usage);
}
