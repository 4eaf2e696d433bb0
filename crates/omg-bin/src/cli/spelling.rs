//! Verbs that are another verb with a flag: apt's words, mostly.

use std::ffi::OsString;

/// What each stands for.
const SPELLINGS: &[(&str, &str, &str)] = &[
    ("purge", "remove", "--purge"),
    ("full-upgrade", "update", "--full"),
    ("dist-upgrade", "update", "--full"),
    ("reinstall", "install", "--reinstall"),
];

/// The verb that the word stands for.
pub(super) fn verb_of(word: &str) -> Option<&'static str> {
    SPELLINGS.iter().find(|(spelling, ..)| *spelling == word).map(|(_, verb, _)| *verb)
}

/// Puts the verb and its flag in the word's place, if it is one of these.
pub(super) fn spell_out(arguments: &mut Vec<OsString>, at: usize) {
    let word = arguments.get(at).and_then(|word| word.to_str());
    let found = SPELLINGS.iter().find(|(spelling, ..)| Some(*spelling) == word);
    if let Some((_, verb, flag)) = found {
        arguments.splice(at..=at, [OsString::from(verb), OsString::from(flag)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_verbs_with_flags() {
        for (spelling, verb, flag) in SPELLINGS {
            assert!(super::super::verb(spelling).is_none(), "{spelling}");
            let mut arguments: Vec<OsString> =
                ["omg", "-q", spelling, "vim"].map(OsString::from).to_vec();
            spell_out(&mut arguments, 2);
            assert_eq!(arguments, ["omg", "-q", verb, flag, "vim"]);
            let entry = super::super::verb(verb).unwrap();
            let command = super::super::subcommand(entry);
            let known = command.get_arguments().any(|it| it.get_long() == flag.strip_prefix("--"));
            assert!(known, "{verb} {flag}");
        }
    }
}
