//! pacman's spellings of the queries, turned into verbs.

use std::ffi::OsString;

use omg_core::{Code, Fault};

/// What each stands for. Letters may come in any order behind the first: `-Qtd` is `-Qdt`.
const SPELLINGS: &[(&str, &[&str])] = &[
    ("-Ss", &["search"]),
    ("-Si", &["info"]),
    ("-Sl", &["list", "--available"]),
    ("-Q", &["list"]),
    ("-Qe", &["list", "--explicit"]),
    ("-Qd", &["list", "--automatic"]),
    ("-Qdt", &["list", "--orphans"]),
    ("-Qm", &["list", "--local"]),
    ("-Qu", &["outdated"]),
    ("-Qi", &["info"]),
    ("-Ql", &["files"]),
    ("-Qo", &["owns"]),
    ("-F", &["provides"]),
    ("-Fl", &["files"]),
];

/// The command line with a leading pacman operation written as a verb. `q` in it becomes `-q`.
pub(super) fn spelled_out(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let Some(first) = arguments.get(1).and_then(|first| first.to_str()) else { return arguments };
    let Some((operation, quiet)) = normal(first) else { return arguments };
    let Some((_, verb)) = SPELLINGS.iter().find(|(spelling, _)| *spelling == operation) else {
        return arguments;
    };
    let words = verb.iter().copied().chain(quiet.then_some("-q")).map(OsString::from);
    arguments.splice(1..2, words);
    arguments
}

/// `-Qtd` → `-Qdt`; whether `q` was among the letters.
fn normal(text: &str) -> Option<(String, bool)> {
    let letters = text
        .strip_prefix('-')
        .filter(|rest| rest.starts_with(['S', 'Q', 'F']) && rest.is_ascii())?;
    let (operation, options) = letters.split_at(1);
    let mut options: Vec<char> = options.chars().collect();
    options.sort_unstable();
    let quiet = options.contains(&'q');
    options.retain(|option| *option != 'q');
    Some((format!("-{operation}{}", options.into_iter().collect::<String>()), quiet))
}

/// A pacman operation that changes the system, which this build does not do.
pub(super) fn too_early(text: &str) -> Option<Fault> {
    let operation = text.strip_prefix('-')?;
    let changes = operation.starts_with(['S', 'R', 'U', 'D', 'Q', 'F']);
    changes.then(|| {
        Fault::new(Code::Usage, format!("'{text}' is not among the operations that omg knows")).hint(
            "known are -Ss, -Si, -Sl, -Q, -Qe, -Qd, -Qdt, -Qm, -Qu, -Qi, -Ql, -Qo, -F and -Fl; `omg --help` lists the verbs",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(words: &[&str]) -> Vec<String> {
        let words =
            std::iter::once("omg").chain(words.iter().copied()).map(OsString::from).collect();
        spelled_out(words).into_iter().skip(1).map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn operations_become_verbs() {
        assert_eq!(spelled(&["-Ss", "vim"]), ["search", "vim"]);
        assert_eq!(spelled(&["-Qtdq"]), ["list", "--orphans", "-q"]);
        assert_eq!(spelled(&["-Qo", "/bin/ls"]), ["owns", "/bin/ls"]);
        assert_eq!(spelled(&["-q", "-Ss"]), ["-q", "-Ss"]);
        assert_eq!(spelled(&["-Syu"]), ["-Syu"]);
        assert!(too_early("-Syu").is_some());
        assert!(too_early("--frob").is_none());
    }
}
