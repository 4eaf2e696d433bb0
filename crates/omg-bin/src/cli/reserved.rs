//! Verbs that this version does not have. They must never turn into a search that succeeds: a script
//! would take it for the change it asked for.

use omg_core::{Code, Fault};

/// Verbs that change the system, with apt's command for the same.
const CHANGES: &[(&str, &str)] = &[
    ("sync", "apt-get update"),
    ("mark", "apt-mark"),
    ("hold", "apt-mark hold"),
    ("unhold", "apt-mark unhold"),
    ("clean", "apt-get clean"),
    ("recover", "dpkg --configure -a"),
];

/// Verbs that apt has no word for.
const OTHERS: &[&str] = &[
    "audit",
    "blame",
    "cache",
    "ci",
    "dash",
    "downgrade",
    "env",
    "exec",
    "history",
    "import",
    "ls",
    "ls-remote",
    "mirrors",
    "news",
    "pin",
    "prune",
    "restarts",
    "resume",
    "run",
    "shims",
    "snapshot",
    "trust",
    "uninstall",
    "use",
    "version",
    "where",
    "which",
    "x",
];

/// The fault for a verb that is kept for a later version.
pub(super) fn check(word: &str) -> Result<(), Fault> {
    let change = CHANGES.iter().find(|(verb, _)| *verb == word);
    if change.is_none() && !OTHERS.contains(&word) {
        return Ok(());
    }
    let search = format!("`omg search {word}` searches for the word");
    let hint = match change {
        Some((_, theirs)) => format!("`sudo {theirs}` does it; {search}"),
        None if word == "version" => format!("`omg --version`; {search}"),
        None => search,
    };
    Err(Fault::new(Code::Usage, format!("this version has no verb '{word}'")).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_change_turns_into_a_search() {
        for (word, _) in CHANGES {
            assert_eq!(check(word).unwrap_err().code, Code::Usage);
        }
        assert!(check("vim").is_ok());
    }

    #[test]
    fn what_is_reserved_is_no_verb_yet() {
        let all = CHANGES.iter().map(|(word, _)| word).chain(OTHERS);
        assert_eq!(all.filter(|word| super::super::verb(word).is_some()).count(), 0);
    }
}
