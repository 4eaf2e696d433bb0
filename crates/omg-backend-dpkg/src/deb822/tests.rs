use proptest::prelude::*;

use super::*;

fn names(text: &str) -> Vec<&str> {
    stanzas(text).flatten().filter_map(|stanza| stanza.get("Package")).collect()
}

#[test]
fn splits_on_any_number_of_empty_lines() {
    assert_eq!(names("\n\nPackage: a\n\n\n\nPackage: b\n\nPackage: c"), ["a", "b", "c"]);
    assert_eq!(names(""), [""; 0]);
    assert_eq!(names("\n\n\n"), [""; 0]);
}

#[test]
fn takes_carriage_returns_even_mixed() {
    let text = "Package: a\r\nDepends: x,\r\n y\r\n\r\nPackage: b\nVersion: 1\r\n\r\nPackage: c\n\nPackage: d\r\n";
    assert_eq!(names(text), ["a", "b", "c", "d"]);
    let first = stanzas(text).next().unwrap().unwrap();
    assert_eq!(lines(first.get("depends").unwrap()).collect::<Vec<_>>(), ["x,", "y"]);
    assert_eq!(names(&clean(text.as_bytes().to_vec())), ["a", "b", "c", "d"]);
    assert!(!clean(text.as_bytes().to_vec()).contains('\r'));
}

#[test]
fn fields_keep_continuations_and_pass_over_comments() {
    let text = "# top\nTypes: deb\nSuites: a\n# between\n b\n# after\nUris: http://x/\n";
    let stanza = stanzas(text).next().unwrap().unwrap();
    let all: Vec<_> = stanza.fields().map(|field| field.name).collect();
    assert_eq!(all, ["Types", "Suites", "Uris"]);
    assert_eq!(lines(stanza.get("suites").unwrap()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(stanza.get("URIS"), Some("http://x/"));
    assert_eq!(stanzas("# a\n# b\n\nX: 1\n").flatten().count(), 1);
}

#[test]
fn malformed_stanzas_are_told_with_their_line_and_skipped() {
    let text = "Package: a\n\nPackage: b\njunk\n\n leading\nPackage: c\n\n: x\n\nPackage: d\n";
    let told: Vec<_> = stanzas(text).filter_map(Result::err).map(|bad| bad.line).collect();
    assert_eq!(told, [4, 6, 9]);
    assert_eq!(names(text), ["a", "d"]);
    assert_eq!(stanzas(text).flatten().map(|stanza| stanza.line).collect::<Vec<_>>(), [1, 11]);
}

#[test]
fn a_stanza_over_the_limit_is_skipped() {
    let text = format!("Package: a\n\nPackage: {}\n\nPackage: b\n", "x".repeat(MAX_STANZA));
    assert_eq!(names(&text), ["a", "b"]);
    assert_eq!(stanzas(&text).find_map(Result::err).unwrap().line, 3);
}

#[test]
fn bytes_that_are_not_text_do_not_hide_the_others() {
    let text = clean(
        b"Package: a\nMaintainer: J\xe9r\xf4me\nVersion: 1\0\n\n\0\0\0\n\nPackage: b\n".to_vec(),
    );
    assert_eq!(names(&text), ["a", "b"]);
}

#[test]
fn every_prefix_is_read_without_losing_whole_stanzas() {
    let text = "Package: a\nVersion: 1\n\nPackage: b\nDescription: x\n .\n y\n\nPackage: c\n";
    for end in 0..text.len() {
        let found = names(&text[..end]);
        assert!(
            found.iter().zip(["a", "b", "c"]).all(|(have, want)| want.starts_with(have)),
            "{end}"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_and_ranges_hold(bytes in prop::collection::vec(
        prop_oneof![4 => Just(b'\n'), 2 => Just(b'\r'), 2 => Just(b' '), 3 => Just(b':'), 6 => b'a'..b'f', 1 => any::<u8>()], 0..400))
    {
        let raw = String::from_utf8_lossy(&bytes).into_owned();
        for text in [raw, clean(bytes)] {
            for item in stanzas(&text) {
                match item {
                    Ok(stanza) => {
                        prop_assert_eq!(&text[stanza.range()], stanza.text());
                        prop_assert_eq!(line_at(&text, stanza.range().start), stanza.line);
                        prop_assert!(stanza.fields().count() > 0);
                        prop_assert!(!stanza.text().contains("\n\n"));
                    }
                    Err(bad) => prop_assert!(bad.line >= 1 && bad.line <= newlines(&text) + 1),
                }
            }
        }
    }

    #[test]
    fn what_is_written_is_read(stanza in prop::collection::vec(("[A-Z][a-z-]{0,8}", "[!-~]([ -~]{0,20}[!-~])?"), 1..8), times in 1_usize..4) {
        let lines: Vec<String> = stanza.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        let one = lines.concat();
        let text = vec![one; times].join("\n");
        let found: Vec<_> = stanzas(&text).map(Result::unwrap).collect();
        prop_assert_eq!(found.len(), times);
        for stanza_found in found {
            let fields: Vec<_> = stanza_found.fields().map(|field| (field.name.to_owned(), field.value.to_owned())).collect();
            prop_assert_eq!(&fields, &stanza);
        }
    }
}
