//! Verbs that this version does not have. They must never turn into a search that succeeds: a script
//! would take it for the change it asked for.

use omg_core::{Code, Fault};

/// In the order of the alphabet.
const LATER: &[&str] = &[
    "cache",
    "ci",
    "dash",
    "env",
    "exec",
    "import",
    "ls",
    "ls-remote",
    "mirrors",
    "news",
    "pin",
    "prune",
    "run",
    "shims",
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
    if !LATER.contains(&word) {
        return Ok(());
    }
    let search = format!("`omg search {word}` searches for the word");
    let hint = if word == "version" { format!("`omg --version`; {search}") } else { search };
    Err(Fault::new(Code::Usage, format!("this version has no verb '{word}'")).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_is_no_verb_yet() {
        for word in LATER {
            assert_eq!(check(word).unwrap_err().code, Code::Usage);
            assert!(super::super::verb(word).is_none(), "{word}");
        }
        assert!(check("vim").is_ok());
    }
}
