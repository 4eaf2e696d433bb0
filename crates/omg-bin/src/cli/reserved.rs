//! Verbs that this version does not have. They must never turn into a search that succeeds: a script
//! would take it for the change it asked for.

use omg_core::{Code, Fault};

use crate::distribution::Distribution;
use crate::places;

/// Verbs that change the system, with what does the same on Debian and on Arch.
const CHANGES: &[(&str, &str, &str)] = &[
    ("sync", "`sudo apt-get update` does it", "`sudo pacman -Syu` does it"),
    ("mark", "`sudo apt-mark` does it", "`sudo pacman -D --asexplicit` or `--asdeps` does it"),
    ("hold", "`sudo apt-mark hold` does it", "IgnorePkg in /etc/pacman.conf does it"),
    ("unhold", "`sudo apt-mark unhold` does it", "IgnorePkg in /etc/pacman.conf does it"),
    ("clean", "`sudo apt-get clean` does it", "`sudo pacman -Sc` does it"),
    ("recover", "`sudo dpkg --configure -a` does it", "`sudo pacman -Dk` says what is missing"),
];

/// Verbs that neither has a word for.
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
    let change = CHANGES.iter().find(|(verb, ..)| *verb == word);
    if change.is_none() && !OTHERS.contains(&word) {
        return Ok(());
    }
    let search = format!("`omg search {word}` searches for the word");
    let hint = match change {
        Some((_, debian, arch)) => {
            let theirs = match Distribution::or_debian(places::root().as_deref()) {
                Distribution::Debian => debian,
                Distribution::Arch => arch,
            };
            format!("{theirs}; {search}")
        }
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
        for (word, ..) in CHANGES {
            assert_eq!(check(word).unwrap_err().code, Code::Usage);
        }
        assert!(check("vim").is_ok());
    }

    #[test]
    fn what_is_reserved_is_no_verb_yet() {
        let all = CHANGES.iter().map(|(word, ..)| word).chain(OTHERS);
        assert_eq!(all.filter(|word| super::super::verb(word).is_some()).count(), 0);
    }
}
