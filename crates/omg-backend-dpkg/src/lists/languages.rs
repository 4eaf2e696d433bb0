//! Languages of the translated descriptions that apt would fetch.

use std::path::Path;

use crate::apt::Conf;

/// Languages that have more than one translation: for these apt asks for `pt_BR`, too.
const LONG: [&str; 5] = ["cs", "en", "pt", "sv", "zh"];

/// The locale of messages of this process, as setlocale(3) finds it.
pub(crate) fn locale() -> String {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG")).unwrap_or_default()
}

/// Codes in apt's order. `locale` is `LC_MESSAGES` of whoever asks, as in `de_DE.UTF-8`; translations
/// that are in the lists directory already are kept up to date.
pub(super) fn languages(conf: &Conf, locale: &str, lists: &Path) -> Vec<String> {
    let configured = conf.list("Acquire::Languages");
    let mut all: Vec<String> = Vec::new();
    let mut add = |language: &str| {
        if !all.iter().any(|known| known == language) {
            all.push(language.to_owned());
        }
    };
    if configured.first().is_some_and(|first| *first == "none") {
        return all;
    }
    if configured.is_empty() {
        for language in of_locale(locale) {
            add(&language);
        }
        add("en");
    }
    for language in configured {
        match language {
            "environment" => of_locale(locale).iter().for_each(|language| add(language)),
            "none" => {}
            language => add(language),
        }
    }
    for language in in_place(lists) {
        add(&language);
    }
    all
}

fn of_locale(locale: &str) -> Vec<String> {
    let long = locale.split(['.', '@']).next().unwrap_or("");
    let short = long.split('_').next().unwrap_or("");
    let known = (2..=3).contains(&short.len()) && short.bytes().all(|it| it.is_ascii_lowercase());
    if !known {
        return vec!["en".into()];
    }
    let mut codes = vec![short.to_owned()];
    if LONG.contains(&short) && long != short && is_code(long) {
        codes.insert(0, long.to_owned());
    }
    codes
}

/// Can this be the code of a language?
pub(super) fn is_code(text: &str) -> bool {
    (1..=16).contains(&text.len())
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-@".contains(&it))
}

/// Languages of the translations in a directory.
pub(super) fn in_place(lists: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(lists).into_iter().flatten().flatten();
    let mut found: Vec<String> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let (_, rest) = name.to_str()?.rsplit_once("_Translation-")?;
            let code = rest.split('.').next()?.replace("%5f", "_");
            is_code(&code).then_some(code)
        })
        .collect();
    found.sort();
    found.dedup();
    found
}
