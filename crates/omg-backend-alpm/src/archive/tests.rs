use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

/// Keeps every file whose name is not `skipped`.
#[derive(Default)]
struct Kept(Vec<(Vec<u8>, Vec<u8>)>);

impl Visit for Kept {
    fn wanted(&mut self, path: &[u8]) -> bool {
        !path.ends_with(b"skipped")
    }

    fn file(&mut self, path: &[u8], content: &[u8]) -> Result<(), Error> {
        self.0.push((path.to_vec(), content.to_vec()));
        Ok(())
    }
}

type Files = Vec<(Vec<u8>, Vec<u8>)>;

fn read(bytes: &[u8], limits: Limits) -> Result<Files, Error> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.db");
    fs::write(&path, bytes).unwrap();
    let mut kept = Kept::default();
    walk(&path, limits, &mut kept)?;
    Ok(kept.0)
}

fn archive(files: &[(&str, usize)]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (path, size) in files {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(*size as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, vec![b'x'; *size].as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn small() -> Limits {
    Limits { unpacked: 64 << 20, entry: 1 << 20, entries: 1000 }
}

#[test]
fn every_compression_is_read_and_others_are_named() {
    let long = format!("{}/desc", "d/".repeat(90));
    let plain =
        archive(&[("a-1-1/desc", 700_000), ("a-1-1/skipped", 5000), (&long, 0), ("b/c", 512)]);
    let wanted: Files = [("a-1-1/desc", 700_000), (&*long, 0), ("b/c", 512)]
        .map(|(path, size)| (path.as_bytes().to_vec(), vec![b'x'; size]))
        .to_vec();
    let compressed = [
        plain.clone(),
        gzip(&plain),
        zstd::encode_all(plain.as_slice(), 3).unwrap(),
        liblzma::encode_all(plain.as_slice(), 6).unwrap(),
    ];
    for bytes in &compressed {
        assert!(read(bytes, small()).unwrap() == wanted);
        // Cut anywhere before its end, a compressed archive is an error.
        for part in [3, 5, 7, 9] {
            let cut = &bytes[..bytes.len() * part / 10];
            assert!(matches!(read(cut, small()), Err(Error::Archive { .. })), "{part}");
        }
    }
    for (start, name) in UNREAD {
        let error = read(start, small()).unwrap_err();
        assert!(matches!(error, Error::Compression { format, .. } if format == name));
    }
    for bad in [b"".as_slice(), b"x", b"junk that is no archive", &[b'x'; 2000]] {
        assert!(matches!(read(bad, small()), Err(Error::Archive { .. })), "{bad:?}");
    }
}

#[test]
fn a_changed_byte_is_noticed() {
    let mut bytes = gzip(&archive(&[("a-1-1/desc", 100)]));
    let sum = bytes.len() - 8;
    bytes[sum] ^= 1;
    assert!(matches!(read(&bytes, small()), Err(Error::Archive { .. })));
}

#[test]
fn bombs_stop_at_their_limits() {
    let zeros = vec![0; 64 << 20];
    // After an empty block an archive is at its end, but what follows is still unpacked.
    for bytes in [gzip(&zeros), zstd::encode_all(zeros.as_slice(), 1).unwrap()] {
        let limits = Limits { unpacked: 1 << 40, ..small() };
        let result = read(&bytes, limits);
        assert!(
            matches!(result, Err(Error::TooLarge { unit: "bytes unpacked", .. })),
            "{result:?}"
        );
    }
    let many: Vec<(String, usize)> =
        (0..1001).map(|number| (format!("{number}/desc"), 1)).collect();
    let many: Vec<(&str, usize)> = many.iter().map(|(path, size)| (path.as_str(), *size)).collect();
    assert!(matches!(read(&archive(&many), small()), Err(Error::TooLarge { unit: "entries", .. })));
    assert_eq!(read(&archive(&many[1..]), small()).unwrap().len(), 1000);
    let large = archive(&[("a/desc", (1 << 20) + 1)]);
    assert!(matches!(read(&large, small()), Err(Error::TooLarge { limit: 0x10_0000, .. })));
    assert!(read(&archive(&[("a/skipped", (1 << 20) + 1)]), small()).unwrap().is_empty());
}

#[test]
fn a_million_entries_are_too_many() {
    let one = archive(&[("a-1-1/desc", 0)]);
    let blocks = one[..512].repeat(1000);
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    for _ in 0..1000 {
        encoder.write_all(&blocks).unwrap();
    }
    let bytes = encoder.finish().unwrap();
    let result = read(&bytes, Limits::DATABASE);
    assert!(matches!(result, Err(Error::TooLarge { .. })), "{:?}", result.map(|all| all.len()));
}

#[test]
fn a_size_that_is_not_there_costs_nothing() {
    for (size, kind) in [(u64::MAX >> 3, b'0'), (15 << 20, b'0'), (1 << 40, b'x'), (1 << 33, b'L')]
    {
        let mut header = ::tar::Header::new_gnu();
        header.set_path("a-1-1/desc").unwrap();
        header.set_size(size);
        header.set_entry_type(::tar::EntryType::new(kind));
        header.set_cksum();
        let result = read(header.as_bytes(), Limits::DATABASE);
        assert!(
            matches!(result, Err(Error::TooLarge { .. } | Error::Archive { .. })),
            "{result:?}"
        );
        header.set_path("a-1-1/skipped").unwrap();
        header.set_cksum();
        assert!(read(header.as_bytes(), Limits::DATABASE).is_err());
    }
}

/// What the crate `tar` sees in the same archive.
fn reference(bytes: &[u8]) -> Option<Files> {
    let mut archive = ::tar::Archive::new(bytes);
    let mut files = Vec::new();
    for entry in archive.entries().ok()? {
        let mut entry = entry.ok()?;
        let path = entry.path_bytes().into_owned();
        let is_file = matches!(entry.header().as_bytes()[156], b'0' | b'\0' | b'7');
        if is_file && !path.ends_with(b"/") && !path.ends_with(b"skipped") {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).ok()?;
            files.push((path, content));
        }
    }
    Some(files)
}

fn any_file() -> impl Strategy<Value = (String, usize, u8)> {
    let path = prop_oneof![
        "[a-z0-9.-]{1,20}/(desc|depends|skipped)",
        "[a-z]{95,99}/[a-z]{1,10}",
        "([a-z]{1,60}/){2,5}[a-z]{1,130}",
    ];
    (path, prop_oneof![0..3000_usize, 500..520_usize, 260_000..270_000_usize], 0..4_u8)
}

fn build(files: &[(String, usize, u8)]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (path, size, kind) in files {
        let content = vec![b'y'; *size];
        let mut header =
            if *kind == 0 { ::tar::Header::new_ustar() } else { ::tar::Header::new_gnu() };
        header.set_size(*size as u64);
        match kind {
            2 => {
                let extension = [("path", path.as_bytes()), ("comment", b"x".as_slice())];
                builder.append_pax_extensions(extension).unwrap();
                header.set_path("short").unwrap();
                header.set_cksum();
                builder.append(&header, content.as_slice()).unwrap();
            }
            3 => {
                let mut link = ::tar::Header::new_gnu();
                link.set_entry_type(::tar::EntryType::Symlink);
                link.set_size(0);
                builder.append_link(&mut link, path, "target").unwrap();
            }
            // ustar can't hold every path.
            _ => drop(builder.append_data(&mut header, path, content.as_slice())),
        }
    }
    builder.into_inner().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_sees_what_the_crate_tar_sees(files in prop::collection::vec(any_file(), 0..6)) {
        let bytes = build(&files);
        prop_assert_eq!(Some(read(&bytes, small()).unwrap()), reference(&bytes));
    }

    #[test]
    fn damage_is_an_error_or_harmless(files in prop::collection::vec(any_file(), 1..3),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), packed in any::<bool>()) {
        let mut bytes = build(&files);
        if packed {
            bytes = gzip(&bytes);
        }
        for (place, value) in changes {
            let len = bytes.len().min(2048);
            bytes[place.index(len)] = value;
        }
        let _ = read(&bytes, small());
    }

    #[test]
    fn any_bytes_are_refused_or_read(start in prop::sample::select(vec![
        b"".as_slice(), b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0"]),
        bytes in prop::collection::vec(any::<u8>(), 0..1500)) {
        let _ = read(&[start, bytes.as_slice()].concat(), small());
    }
}

#[test]
fn directories_and_pipes_are_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let result = walk(dir.path(), small(), &mut Kept::default());
    assert!(matches!(result, Err(Error::Io { .. })));
    let missing = walk(&PathBuf::from("/no/such.db"), small(), &mut Kept::default());
    assert!(matches!(missing, Err(Error::Io { .. })));
}
