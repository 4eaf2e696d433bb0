use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use omg_core::Details;
use proptest::prelude::*;

use super::*;

#[derive(Default)]
struct Seen {
    names: Vec<String>,
    records: Vec<String>,
    relations: Vec<String>,
    warnings: Vec<String>,
}

impl Sink for Seen {
    fn repository(&mut self, repository: &Repository) -> Result<RepositoryId, Fault> {
        assert_eq!((&*repository.name, repository.source), ("aur", Source::Aur));
        Ok(RepositoryId(0))
    }

    fn package(&mut self, package: &Available<'_>) -> Result<(), Fault> {
        self.names.push(package.name.to_owned());
        self.records.push(package.versions[0].record.to_owned());
        self.relations.extend(
            package
                .relations
                .iter()
                .map(|relation| format!("{} {}", relation.kind.as_str(), relation.name)),
        );
        self.relations.extend(package.provides.iter().map(|name| format!("provides {name}")));
        Ok(())
    }

    fn warning(&mut self, message: String) {
        self.warnings.push(message);
    }
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn emitted(text: &str) -> (Result<u64, Fault>, Seen) {
    let mut seen = Seen::default();
    let done = emit(&*packed(text.as_bytes()), "t", "https://x/", &mut seen);
    (done, seen)
}

fn entry(name: &str) -> String {
    format!(r#"{{"Name":"{name}","PackageBase":"{name}","Version":"1-1","Description":"d"}}"#)
}

#[test]
fn every_field_comes_through_the_record() {
    let text = r#"[{"Name":"foo","PackageBase":"foo-base","Version":"1:2-3","URL":"https:\/\/x",
        "Description":"a \"b\"\nc","NumVotes":7,"Popularity":1.25,"OutOfDate":9,"Maintainer":"m\\n",
        "FirstSubmitted":5,"LastModified":6,"Depends":["a>=1","a","b"],"MakeDepends":["make"],
        "OptDepends":["o: to p"],"Provides":["v=1","libv.so=1-64"],"Conflicts":["c"],
        "Replaces":["r"],"Groups":["g","h"],"License":["MIT"]}]"#;
    let (done, seen) = emitted(text);
    assert_eq!((done.unwrap(), seen.warnings.len()), (1, 0));
    assert_eq!(
        seen.relations,
        ["depends a", "depends b", "suggests o", "provides v", "provides libv.so"]
    );
    let details: Details<'_> = record::details(&seen.records[0]);
    assert_eq!((details.name, details.version, details.architecture), ("foo", "1:2-3", "source"));
    assert_eq!((details.description, details.url), ("a \"b\" c", Some("https://x")));
    assert_eq!((details.source_package, &*details.groups), (Some("foo-base"), &["g", "h"][..]));
    assert_eq!((details.depends, details.suggests), (vec!["a>=1", "a", "b"], vec!["o: to p"]));
    assert_eq!((details.conflicts, details.replaces), (vec!["c"], vec!["r"]));
    assert_eq!((details.provides, details.licenses), (vec!["v=1", "libv.so=1-64"], vec!["MIT"]));
    let facts = details.aur.unwrap();
    assert_eq!((facts.votes, facts.popularity, facts.out_of_date), (7, 1_250_000, Some(9)));
    assert_eq!((facts.first_submitted, facts.last_modified), (5, 6));
    assert_eq!((facts.maintainer, facts.package_base), (Some("m\\n"), "foo-base"));
    assert_eq!(record::values(&seen.records[0], "MakeDepends").collect::<Vec<_>>(), ["make"]);
}

#[test]
fn malformed_packages_are_told_and_the_rest_is_kept() {
    let list = [
        entry("a"),
        "17".into(),
        r#"{"Name":"b","PackageBase":"b","Version":5}"#.into(),
        entry("../etc"),
        entry("a"),
        r#"{"Name":"c","Name":"d"}"#.into(),
        entry("z"),
    ];
    let (done, seen) = emitted(&format!("\n[ {} ]\n", list.join(" ,\n")));
    assert_eq!((done.unwrap(), seen.names), (2, vec!["a".to_owned(), "z".into()]));
    assert_eq!(seen.warnings.len(), 5, "{:?}", seen.warnings);
    let second = entry("a").len() + 6;
    let wanted = format!("t: package 2, byte {second}: invalid type: integer `17`");
    assert!(seen.warnings[0].starts_with(&wanted), "{:?}", seen.warnings);
    assert!(seen.warnings.iter().any(|text| text == "t: 'a' is there twice"));
}

#[test]
fn only_the_first_warnings_are_told_one_by_one() {
    let (done, seen) = emitted(&format!("[{}]", vec!["1"; 100].join(",")));
    assert_eq!(done.unwrap(), 0);
    assert_eq!(seen.warnings.len(), MOST_WARNINGS + 1);
    assert_eq!(seen.warnings.last().unwrap(), "t: 68 more packages were left out");
}

#[test]
fn what_is_no_list_of_packages_is_refused() {
    let cases = [
        ("", "expected a list of packages"),
        ("{}", "expected a list of packages"),
        ("[", "it ends inside a package"),
        ("[{\"Name\":\"a", "it ends inside a package"),
        ("[1", "expected ',' or ']' after a package"),
        ("[1 2]", "expected ',' or ']' after a package"),
        ("[1] x", "expected nothing after the list"),
        ("[nonsense]", "package 1, byte 1: expected ident"),
    ];
    for (text, reason) in cases {
        let fault = emitted(text).0.unwrap_err();
        assert_eq!(fault.message, format!("t:0: {reason}"), "{text}");
    }
    assert_eq!(emitted("[]").0.unwrap(), 0);
}

#[test]
fn a_damaged_file_is_an_error_and_not_a_shorter_list() {
    let whole = packed(format!("[{},{}]", entry("a"), entry("b")).as_bytes());
    for len in 0..whole.len() {
        assert!(check(&whole[..len], "t", MOST_UNPACKED_BYTES).is_err(), "{len}");
    }
    assert_eq!(check(&*whole, "t", MOST_UNPACKED_BYTES).unwrap(), 2);
    let mut checksum = whole.clone();
    let at = checksum.len() - 6;
    checksum[at] ^= 1;
    assert!(check(&*checksum, "t", MOST_UNPACKED_BYTES).is_err());
}

#[test]
fn limits_are_kept() {
    let bomb = packed(&vec![b' '; 4 << 20]);
    let error = check(&*bomb, "t", 1 << 20).unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 1_048_576, unit: "bytes", .. }), "{error}");
    let long = format!("[{{\"Name\":\"{}\"}}]", "a".repeat(2 * MOST_ELEMENT_BYTES));
    let error = check(&*packed(long.as_bytes()), "t", MOST_UNPACKED_BYTES).unwrap_err();
    assert!(error.to_string().starts_with("t: package 1 is larger than"), "{error}");
    let deep = format!("[{{\"x\":{}", "[".repeat(1_000_000));
    assert!(check(&*packed(deep.as_bytes()), "t", MOST_UNPACKED_BYTES).is_err());
}

proptest! {
    #[test]
    fn never_panics_on_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        let mut seen = Seen::default();
        let _ = emit(&*bytes, "t", "x", &mut seen);
        let _ = emit(&*packed(&bytes), "t", "x", &mut seen);
    }

    /// However the elements fall into the window's chunks, all of them come out.
    #[test]
    fn nothing_is_lost_between_chunks(pads in proptest::collection::vec(0..40_000_usize, 1..40)) {
        let list: Vec<String> = pads.iter().enumerate().map(|(at, pad)| format!(
            r#"{{"Name":"p{at}","PackageBase":"b","Version":"1","Description":"{}\u00fc"}}"#,
            "x".repeat(*pad),
        )).collect();
        let (done, seen) = emitted(&format!("[{}]", list.join(",")));
        prop_assert_eq!(done.unwrap(), pads.len() as u64);
        prop_assert_eq!(seen.warnings.len(), 0);
        for (at, pad) in pads.iter().enumerate() {
            prop_assert_eq!(record::details(&seen.records[at]).description.len(), pad + 2);
        }
    }

    #[test]
    fn details_never_panic(record in any::<String>()) {
        let _ = record::details(&record);
    }
}
