//! pacman's spellings, turned into verbs.

use std::ffi::OsString;

use omg_core::{Code, Fault};

/// What each stands for. Letters may come in any order behind the first: `-Qtd` is `-Qdt`.
const SPELLINGS: &[(&str, &[&str])] = &[
    ("-Ss", &["search"]),
    ("-Si", &["info"]),
    ("-Sl", &["list", "--available"]),
    ("-Sg", &["groups"]),
    ("-Q", &["list"]),
    ("-Qe", &["list", "--explicit"]),
    ("-Qd", &["list", "--automatic"]),
    ("-Qdt", &["list", "--orphans"]),
    ("-Qm", &["list", "--local"]),
    ("-Qu", &["outdated"]),
    ("-Qi", &["info"]),
    ("-Ql", &["files"]),
    ("-Qo", &["owns"]),
    ("-Qg", &["groups"]),
    ("-F", &["provides"]),
    ("-Fl", &["files"]),
    ("-Sc", &["clean"]),
    ("-Scc", &["clean", "--all"]),
];

/// Writes the pacman operation at this place as a verb, if it is one. `q` in it becomes `-q`.
pub(super) fn spell_out(arguments: &mut Vec<OsString>, at: usize) -> bool {
    let Some(text) = arguments.get(at).and_then(|it| it.to_str()) else { return false };
    let Some((operation, quiet)) = normal(text) else { return false };
    let query = SPELLINGS.iter().find(|(spelling, _)| *spelling == operation);
    let verb = match query {
        Some((_, verb)) => Some(verb.to_vec()),
        None => change(&operation, names_packages(arguments.get(at + 1..).unwrap_or(&[]))),
    };
    let Some(verb) = verb else { return false };
    let words = verb.into_iter().chain(quiet.then_some("-q")).map(OsString::from);
    arguments.splice(at..=at, words);
    true
}

/// An operation that changes the system. `-Sy` with packages and without `u` is not among them: on
/// Arch it leaves a system whose parts do not fit together.
fn change(operation: &str, named: bool) -> Option<Vec<&'static str>> {
    let letters = operation.strip_prefix('-')?;
    let (operation, options) = letters.split_at_checked(1)?;
    let plan_only = options.contains('p');
    let options: String = options.chars().filter(|option| *option != 'p').collect();
    let mut verb = match (operation, &*options, named) {
        ("S" | "U", "", _) => vec!["install"],
        ("S", "y", false) => vec!["sync"],
        ("S", "u", false) => vec!["update", "--no-sync"],
        ("S", "uy", false) => vec!["update"],
        ("S", "u" | "uy", true) => vec!["install", "--upgrade"],
        ("R", "", _) => vec!["remove"],
        ("R", "s", _) => vec!["remove", "--recursive"],
        ("R", "n", _) => vec!["remove", "--purge"],
        ("R", "ns", _) => vec!["remove", "--recursive", "--purge"],
        _ => return None,
    };
    verb.extend(plan_only.then_some("--print"));
    Some(verb)
}

/// Is there a word among the arguments that is no flag and no flag's value?
fn names_packages(arguments: &[OsString]) -> bool {
    let mut words = arguments.iter().filter_map(|word| word.to_str());
    while let Some(word) = words.next() {
        if super::first::WITH_VALUE.contains(&word) {
            words.next();
        } else if !word.starts_with('-') {
            return true;
        }
    }
    false
}

/// `-Qtd` → `-Qdt`; whether `q` was among the letters.
fn normal(text: &str) -> Option<(String, bool)> {
    let letters = text
        .strip_prefix('-')
        .filter(|rest| rest.starts_with(['S', 'R', 'U', 'Q', 'F']) && rest.is_ascii())?;
    let (operation, options) = letters.split_at(1);
    let mut options: Vec<char> = options.chars().collect();
    options.sort_unstable();
    let quiet = options.contains(&'q');
    options.retain(|option| *option != 'q');
    Some((format!("-{operation}{}", options.into_iter().collect::<String>()), quiet))
}

/// A pacman operation that this build does not have.
pub(super) fn too_early(text: &str) -> Option<Fault> {
    let operation = text.strip_prefix('-')?;
    let changes = operation.starts_with(['S', 'R', 'U', 'D', 'Q', 'F']);
    changes.then(|| {
        Fault::new(Code::Usage, format!("'{text}' is not among the operations that omg knows")).hint(
            "known are -S, -Su, -Syu, -Ss, -Si, -Sl, -Sg, -R with s and n, -U, -Q, -Qe, -Qd, -Qdt, -Qg, -Qm, -Qu, -Qi, -Ql, -Qo, -F and -Fl; `omg --help` lists the verbs",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(words: &[&str]) -> Vec<String> {
        let mut words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let at = words.iter().position(|word| !matches!(word.to_str(), Some("-q"))).unwrap();
        spell_out(&mut words, at);
        words.into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn operations_become_verbs() {
        assert_eq!(spelled(&["-Ss", "vim"]), ["search", "vim"]);
        assert_eq!(spelled(&["-Qtdq"]), ["list", "--orphans", "-q"]);
        assert_eq!(spelled(&["-Qo", "/bin/ls"]), ["owns", "/bin/ls"]);
        assert_eq!(spelled(&["-q", "-Ss"]), ["-q", "search"]);
        assert_eq!(spelled(&["-Sy", "vim"]), ["-Sy", "vim"]);
        assert!(too_early("-Sy").is_some());
        assert!(too_early("--frob").is_none());
    }

    #[test]
    fn changes_become_verbs_with_flags() {
        let cases: &[(&[&str], &[&str])] = &[
            (&["-S", "vim"], &["install", "vim"]),
            (&["-Sp", "vim"], &["install", "--print", "vim"]),
            (&["-Syu"], &["update"]),
            (&["-Syup", "-C", "/tmp"], &["update", "--print", "-C", "/tmp"]),
            (&["-Su", "vim"], &["install", "--upgrade", "vim"]),
            (&["-U", "./vim.deb"], &["install", "./vim.deb"]),
            (&["-R", "vim"], &["remove", "vim"]),
            (&["-Rsnq", "vim"], &["remove", "--recursive", "--purge", "-q", "vim"]),
            (&["-Rps", "vim"], &["remove", "--recursive", "--print", "vim"]),
            (&["-Rdd", "vim"], &["-Rdd", "vim"]),
            (&["-Syyu"], &["-Syyu"]),
        ];
        for (words, verb) in cases {
            assert_eq!(spelled(words), *verb);
        }
    }
}
