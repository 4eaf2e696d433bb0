use std::io::Write;

use proptest::prelude::*;

use super::*;

fn one(text: &str) -> Entry {
    let found = parse(text.as_bytes()).unwrap();
    assert_eq!(found.warnings, [""; 0]);
    assert_eq!(found.entries.len(), 1, "{found:?}");
    found.entries[0].clone()
}

#[test]
fn defaults_hold_until_they_are_unset() {
    let text = "#mtree\n/set type=file uid=0 gid=0 mode=755\n./bin time=1508225567.111 mode=777 type=link link=usr/bin\n\
        /set mode=644\n./etc/a\\040b size=3 sha256digest=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n\
        /unset mode uid\n./usr type=dir\n/unset all\n./x\n";
    let found = parse(text.as_bytes()).unwrap();
    assert_eq!(found.warnings, [""; 0]);
    let [bin, file, usr, x] = found.entries.as_slice() else { panic!("{found:?}") };
    assert_eq!((bin.kind, bin.mode, bin.time), (Kind::Link, Some(0o777), Some(1_508_225_567)));
    assert_eq!(bin.link.as_deref(), Some(Path::new("usr/bin")));
    assert_eq!((file.path.as_path(), file.mode), (Path::new("etc/a b"), Some(0o644)));
    assert_eq!((file.size, file.sha256.unwrap()[..2].to_vec()), (Some(3), vec![0xe3, 0xb0]));
    assert_eq!((usr.kind, usr.mode, usr.uid, usr.gid), (Kind::Directory, None, None, Some(0)));
    assert_eq!((x.kind, x.gid), (Kind::File, None));
}

#[test]
fn escapes_are_undone() {
    assert_eq!(one("./a\\134\\012\\\\\\s\\#").path, Path::new("a\\\n\\ #"));
    assert_eq!(one("./\\303\\251").path, Path::new("é"));
    assert_eq!(one("./l type=link link=\\040x").link.unwrap(), Path::new(" x"));
}

#[test]
fn what_makes_no_sense_is_told_with_its_line() {
    let text = "./ok\n./../etc/passwd\n/etc/passwd\n./a\\777\n./b mode=9\n./c mode=77777\n./d size=-1\n\
        ./e type=door\n./f sha256=00\n./g uid=4294967296\n.\n./nul\\000\n./good\n./h time=x\n./i\\4\n";
    let found = parse(text.as_bytes()).unwrap();
    let paths: Vec<_> = found.entries.iter().map(|entry| entry.path.to_str().unwrap()).collect();
    assert_eq!(paths, ["ok", "good"]);
    assert_eq!(found.warnings.len(), 13);
    assert_eq!(found.warnings[0], "line 2: the path leaves the root");
    let long = format!("./{}\n./x", "a".repeat(LONGEST_LINE));
    assert_eq!(parse(long.as_bytes()).unwrap().warnings, ["line 1: the line is too long"]);
}

#[test]
fn files_of_the_package_itself_are_told_apart() {
    assert!(one("./.PKGINFO").is_meta() && one("./.INSTALL").is_meta());
    assert!(!one("./.profile").is_meta() && !one("./usr/.PKGINFO").is_meta());
}

#[test]
fn only_whole_gzip_files_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mtree");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(b"#mtree\n./a type=dir\n").unwrap();
    let bytes = encoder.finish().unwrap();
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(read(&path).unwrap().entries.len(), 1);
    std::fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
    assert!(matches!(read(&path), Err(Error::Archive { .. })));
    std::fs::write(&path, b"./a type=dir\n").unwrap();
    assert!(matches!(read(&path), Err(Error::Archive { .. })));
    assert!(matches!(read(&dir.path().join("none")), Err(Error::Io { .. })));
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        parse(&bytes).unwrap();
    }

    #[test]
    fn nothing_leaves_the_root(text in "(\\./|/set |/unset |\\.\\./|/|\\\\[0-9a-z]{0,3}|[a-z.]{1,3}|=|type=dir|mode=7| |\n){0,40}") {
        for entry in parse(text.as_bytes()).unwrap().entries {
            prop_assert!(entry.path.components().all(|part| matches!(part, Component::Normal(_))));
        }
    }
}
