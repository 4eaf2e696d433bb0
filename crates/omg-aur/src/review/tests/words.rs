//! The lexer: words as bash sees them, and no panic on anything.

use std::process::Command;

use omg_core::Severity::Danger;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::{marks, severity};
use crate::review::lexer::lex;
use crate::review::words::Token;
use crate::review::{MAX_MARKS, Risk};

fn first_word(text: &str) -> Option<String> {
    match lex(text, 1).tokens.first() {
        Some(Token::Word(word)) => word.literal(),
        _ => None,
    }
}

/// Bash itself says what a word means.
#[test]
fn words_mean_what_they_mean_to_bash() {
    let part = prop_oneof![
        "[a-z0-9_./=+-]{1,3}",
        "[ -&(-~\n]{0,4}".prop_map(|text| format!("'{text}'")),
        "[ a-z'#;|&<>(){}*?~-]{0,4}".prop_map(|text| format!("\"{text}\"")),
        "[ -~]".prop_map(|text| format!("\\{text}")),
        "[\"$`\\\\]".prop_map(|text| format!("\"\\{text}\"")),
        "[a-z]{0,2}(\\\\x[2-7][0-9a-f]|\\\\n|\\\\t|\\\\'|\\\\1[0-7][0-7]|\\\\\\\\)"
            .prop_map(|text| format!("$'{text}'")),
    ];
    let words = proptest::collection::vec(proptest::collection::vec(part, 1..6), 200);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let words: Vec<String> = words
        .new_tree(&mut runner)
        .unwrap()
        .current()
        .into_iter()
        .map(|parts| format!("x{}", parts.concat()))
        .collect();
    let script = format!("set -f; printf '%s\\0' {}", words.join(" "));
    let output = Command::new("bash")
        .args(["--norc", "-c", &script])
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let meant = String::from_utf8(output.stdout).unwrap();
    let meant: Vec<&str> = meant.split_terminator('\0').collect();
    assert_eq!(meant.len(), words.len());
    for (word, meant) in words.iter().zip(meant) {
        assert_eq!(first_word(word).as_deref(), Some(meant), "{word}");
    }
}

fn bashlike() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[a-z ]{1,4}",
        Just("$(".to_owned()),
        Just("`".to_owned()),
        Just("${x:-".to_owned()),
        Just("}".to_owned()),
        Just("((".to_owned()),
        Just("))".to_owned()),
        Just("(".to_owned()),
        Just(")".to_owned()),
        Just("\"".to_owned()),
        Just("'".to_owned()),
        Just("$'".to_owned()),
        Just("\\".to_owned()),
        Just("<<E\n".to_owned()),
        Just("E\n".to_owned()),
        Just("x=(".to_owned()),
        Just("[[ ".to_owned()),
        Just("case x in ".to_owned()),
        Just(";;".to_owned()),
        Just("esac".to_owned()),
        Just("\n".to_owned()),
        Just("|".to_owned()),
        Just("bash -c ".to_owned()),
        Just("eval ".to_owned()),
        Just("<(".to_owned()),
        Just("f() {".to_owned()),
        Just("#".to_owned()),
        Just("$x".to_owned()),
        Just("@(".to_owned()),
        Just("\u{e9}".to_owned()),
        Just("\\x6".to_owned()),
        Just("source=(".to_owned()),
    ];
    proptest::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), srcinfo in any::<String>()) {
        marks(&[("PKGBUILD", &text), ("x.install", &text), ("x.hook", &text), (".SRCINFO", &srcinfo)]);
    }

    #[test]
    fn no_script_makes_it_panic(text in bashlike(), lines in "([a-z_0-9]{1,9} = [!-~]{0,20}\n){0,9}") {
        marks(&[("PKGBUILD", &text), ("x.install", &text), (".SRCINFO", &format!("source = {text}\n{lines}"))]);
    }
}

#[test]
fn deep_and_long_scripts_end_soon_and_are_told() {
    for part in [
        "$(",
        "((",
        "${x:-",
        "x=(",
        "`",
        "\"$(",
        "[[ ",
        "<(",
        "case x in ",
        "f() {",
        "<<E\n",
        "'",
        "@(",
    ] {
        let text = part.repeat(200_000 / part.len());
        let marks = marks(&[("PKGBUILD", &text)]);
        assert!(marks.len() <= MAX_MARKS + 1);
    }
    let deep = format!("x={}{}", "$(".repeat(100), ")".repeat(100));
    assert_eq!(severity(&marks(&[("PKGBUILD", &deep)]), Risk::NotReadInFull), Some(Danger));
    let long = "true\n".repeat(100_000);
    assert_eq!(severity(&marks(&[("PKGBUILD", &long)]), Risk::NotReadInFull), Some(Danger));
}
