//! What is wrong with a command line.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use omg_core::{Code, Fault, distance};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_verbs_are_not_searched_for() {
        assert_eq!(misspelt("serach").unwrap_err().suggestions, ["search"]);
        assert_eq!(misspelt("compeltion").unwrap_err().suggestions, ["completions"]);
        for package in ["vim", "ripgrep", "jq", "bat", "sqlite3", "file-roller"] {
            assert!(misspelt(package).is_ok(), "{package}");
        }
    }
}
