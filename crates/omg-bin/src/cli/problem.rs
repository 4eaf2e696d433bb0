//! What is wrong with a command line.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use omg_core::{Code, Fault};

use crate::commands::VERBS;

/// clap's error as a fault.
pub(crate) fn usage(error: &clap::Error) -> Fault {
    let text = error.render().to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let mut fault = Fault::new(Code::Usage, message);
    // A list of missing arguments stands below the first line.
    if error.kind() == ErrorKind::MissingRequiredArgument {
        let names: Vec<&str> =
            text.lines().skip(1).take_while(|line| line.starts_with("  ")).map(str::trim).collect();
        fault.message = format!("{} missing", names.join(" and "));
    }
    for kind in
        [ContextKind::SuggestedArg, ContextKind::SuggestedValue, ContextKind::SuggestedSubcommand]
    {
        match error.get(kind) {
            Some(ContextValue::String(name)) => fault.suggestions.push(name.clone()),
            Some(ContextValue::Strings(names)) => fault.suggestions.extend(names.iter().cloned()),
            _ => {}
        }
    }
    let usage = text
        .lines()
        .find_map(|line| line.strip_prefix("Usage: "))
        .map(|usage| format!("usage: {usage}"));
    fault.hint(usage.unwrap_or_else(|| "omg --help".to_owned()))
}

/// A word where a verb must stand.
pub(super) fn unknown_verb(word: &str) -> Fault {
    Fault::new(Code::Usage, format!("no verb is called '{word}'"))
        .suggest(near(word))
        .hint("`omg --help` lists the verbs")
}

/// Refuses a word that is a verb but for a slip of the finger; searching for it would only confuse.
pub(super) fn misspelt(word: &str) -> Result<(), Fault> {
    let near = near(word);
    if near.is_empty() {
        return Ok(());
    }
    Err(Fault::new(Code::Usage, format!("no verb is called '{word}'"))
        .suggest(near)
        .hint(format!("to search for it: omg search {word}")))
}

/// Verbs that differ from the word by one slip, or two if both are long.
fn near(word: &str) -> Vec<&'static str> {
    let allowed = match word.chars().count() {
        0..=3 => return Vec::new(),
        4..=7 => 1,
        _ => 2,
    };
    let mut found: Vec<_> = VERBS
        .iter()
        .map(|entry| (distance(word, entry.name), entry.name))
        .filter(|(distance, _)| *distance <= allowed)
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, name)| name).collect()
}

/// Edits between two words: letters added, dropped, changed, or two neighbours swapped.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let width = b.len() + 1;
    let mut cells: Vec<usize> = (0..width).collect();
    let at = |cells: &[usize], row: usize, column: usize| {
        cells.get(row * width + column).copied().unwrap_or(usize::MAX)
    };
    for (i, x) in a.iter().enumerate() {
        cells.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let change = at(&cells, i, j) + usize::from(x != y);
            let mut best = change.min(at(&cells, i, j + 1) + 1).min(at(&cells, i + 1, j) + 1);
            if i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x) {
                best = best.min(at(&cells, i - 1, j - 1) + 1);
            }
            cells.push(best);
        }
    }
    at(&cells, a.len(), b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted_as_people_make_them() {
        assert_eq!(distance("serach", "search"), 1);
        assert_eq!(distance("", "why"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn misspelt_verbs_are_not_searched_for() {
        assert_eq!(misspelt("serach").unwrap_err().suggestions, ["search"]);
        assert_eq!(misspelt("compeltion").unwrap_err().suggestions, ["completions"]);
        for package in ["vim", "ripgrep", "jq", "bat", "sqlite3", "file-roller"] {
            assert!(misspelt(package).is_ok(), "{package}");
        }
    }
}
