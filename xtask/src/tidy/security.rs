//! What `docs/security.md` says of tests, code and codes: that they are there, and that nothing is left out.

use super::Breach;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The page.
pub(super) const PAGE: &str = "docs/security.md";

/// Where the codes of faults have their numbers.
const CODES: &str = "crates/omg-core/src/fault.rs";

/// Rows of the catalogue: 01 to this one, in order; others may follow.
const ROWS: usize = 60;

/// Cells of a row: number, attack, what refuses it, codes, tests, whether the check was left out.
const CELLS: usize = 6;

/// Text of every Rust file by its path below the root.
pub(super) type Sources = BTreeMap<PathBuf, String>;

/// Checks the page against the tree.
pub(super) fn check(page: &str, sources: &Sources) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let weak = weak_rows(sources);
    let mut numbers = Vec::new();
    for (at, line) in page.lines().enumerate() {
        let mut breach = |what: String| breaches.push(format!("{PAGE}:{}: {what}", at + 1));
        for name in line.split('`').skip(1).step_by(2) {
            if let Some((krate, place)) = name.split_once(": ").filter(|it| is_crate(it.0)) {
                if !has_function(sources, krate, place) {
                    breach(format!("there is no function '{name}'"));
                }
            } else if let Some((krate, test)) = name.split_once("::").filter(|it| is_crate(it.0))
                && test_file(sources, krate, test).is_none()
            {
                breach(format!("there is no test '{name}'"));
            }
        }
        let Some((number, cells)) = row(line) else { continue };
        for what in row_breaches(number, &cells, &weak, sources) {
            breach(format!("row {number}: {what}"));
        }
        numbers.push(number);
    }
    let expected: Vec<String> = (1..=ROWS).map(|number| format!("{number:02}")).collect();
    if numbers.get(..ROWS).is_none_or(|first| first != expected) {
        breaches.push(format!("{PAGE}: the table does not have the rows 01 to {ROWS} in order"));
    }
    for number in weak.iter().filter(|number| !numbers.contains(&number.as_str())) {
        breaches.push(format!("{PAGE}: no row {number}, of which a check can be left out"));
    }
    breaches
}

fn row_breaches(
    number: &str,
    cells: &[&str],
    weak: &BTreeSet<String>,
    sources: &Sources,
) -> Vec<String> {
    let [_, _, _, codes, tests, left_out] = cells else {
        return vec![format!("{} cells instead of {CELLS}", cells.len())];
    };
    let mut breaches = Vec::new();
    let tested = tests.contains("::");
    if !tested && !tests.contains("not yet") {
        breaches.push("names no test and does not say 'not yet'".to_owned());
    }
    let can = weak.contains(number);
    if can && !(tested && *left_out == "yes") {
        breaches.push("its check can be left out: a test has to show that".to_owned());
    }
    let names = tests.split('`').skip(1).step_by(2).filter_map(|name| name.split_once("::"));
    let mut files = names.filter_map(|(krate, test)| test_file(sources, krate, test));
    if can && tested && !files.any(|text| text.contains(&format!("\"{number}\""))) {
        breaches.push(format!("no file of its tests has \"{number}\", to leave the check out"));
    }
    if !can && *left_out == "yes" {
        breaches.push(format!("there is no `weak!(\"{number}\")`"));
    }
    let fault = sources.get(Path::new(CODES)).map_or("", String::as_str);
    let words: Vec<&str> = codes.split([' ', ',', ';', '(', ')']).collect();
    for pair in words.windows(2) {
        let [name, value] = pair else { continue };
        let code = name.starts_with(|c: char| c.is_ascii_uppercase());
        if code && !fault.contains(&format!("\n    {name} = {value},\n")) {
            breaches.push(format!("there is no code '{name} = {value}'"));
        }
    }
    breaches
}

/// A line of the table: its number and all of its cells.
fn row(line: &str) -> Option<(&str, Vec<&str>)> {
    let cells = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
    let number = *cells.first()?;
    let is_row = number == "policy"
        || (number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit()));
    is_row.then_some((number, cells))
}

fn is_crate(name: &str) -> bool {
    name == "xtask" || name.starts_with("omg-")
}

/// The rows in the code of which `weak!` leaves a check out.
fn weak_rows(sources: &Sources) -> BTreeSet<String> {
    let mut rows = BTreeSet::new();
    for (path, text) in sources {
        if !path.starts_with("crates") || path.components().any(|it| it.as_os_str() == "tests") {
            continue;
        }
        for line in text.lines() {
            let code = line.split("//").next().unwrap_or(line);
            let after = code.split("weak!(\"").skip(1);
            rows.extend(after.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
    rows
}

/// `module::function` or `module::Type::function` of a crate.
fn has_function(sources: &Sources, krate: &str, place: &str) -> bool {
    let mut parts: Vec<&str> = place.split("::").collect();
    let Some(name) = parts.pop() else { return false };
    parts.retain(|part| !part.starts_with(|c: char| c.is_ascii_uppercase()));
    let function = format!("fn {name}");
    files(krate, "src", "lib", &parts).iter().any(|path| {
        sources.get(path).is_some_and(|text| {
            let mut rests = text.split(function.as_str()).skip(1);
            rests.any(|rest| rest.starts_with(['(', '<']))
        })
    })
}

/// `module::test` of a crate, as its test program calls it.
///
/// Answers with the text of the file that has it.
fn test_file<'a>(sources: &'a Sources, krate: &str, test: &str) -> Option<&'a str> {
    let mut parts: Vec<&str> = test.split("::").collect();
    let name = parts.pop()?;
    let mut paths = files(krate, "tests/it", "main", &parts);
    paths.extend(files(krate, "src", "lib", &parts));
    if parts.last() == Some(&"tests") {
        parts.pop();
        paths.extend(files(krate, "src", "lib", &parts));
    }
    let mut texts = paths.iter().filter_map(|path| sources.get(path));
    texts.find(|text| is_test(text, name)).map(String::as_str)
}

/// Where a module of a crate can be.
fn files(krate: &str, folder: &str, root: &str, parts: &[&str]) -> Vec<PathBuf> {
    let below =
        if krate == "xtask" { PathBuf::from(krate) } else { Path::new("crates").join(krate) };
    let below = below.join(folder);
    if parts.is_empty() {
        return vec![below.join(root).with_extension("rs"), below.join("main.rs")];
    }
    let module = parts.iter().fold(below, |path, part| path.join(part));
    vec![module.with_extension("rs"), module.join("mod.rs")]
}

/// Is there a function of that name with an attribute that makes it a test?
fn is_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let function = format!("fn {name}(");
    let mut found = lines.iter().enumerate().filter(|(_, line)| line.contains(&function));
    found.any(|(at, _)| {
        let above = lines.iter().take(at).rev();
        let mut attributes =
            above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        attributes.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Sources {
        [
            (CODES, "enum Code {\n    Digest = 11,\n}\n"),
            (
                "crates/omg-a/src/b.rs",
                "fn check<T>() { weak!(\"02\") }\nmod tests {\n#[test]\nfn unit() { without(\"02\") }\n}\n",
            ),
            ("crates/omg-a/src/c.rs", "// weak!(\"03\")\n"),
            ("crates/omg-a/tests/it/main.rs", "#[test]\nfn top() { without(\"policy\") }\n"),
            (
                "crates/omg-a/tests/it/d/e.rs",
                "#[tokio::test(x)]\n// why\nasync fn deep() { without(\"02\") }\n\nfn helper() {}\n",
            ),
        ]
        .map(|(path, text)| (PathBuf::from(path), text.to_owned()))
        .into()
    }

    fn table(second: &str) -> String {
        let rest = (3..=ROWS).map(|at| format!("| {at:02} | x | | | not yet: later | no |\n"));
        let first = "| 01 | x | | | `omg-a::top` | no |\n";
        format!("{first}{second}\n{}", rest.collect::<String>())
    }

    fn said(second: &str) -> Vec<String> {
        check(&table(second), &sources())
    }

    const GOOD: &str =
        "| 02 | x | `omg-a: b::B::check` | Digest 11, exit 9 | `omg-a::b::tests::unit` | yes |";

    #[test]
    fn a_table_that_is_true_passes() {
        assert_eq!(said(GOOD), [""; 0]);
        assert_eq!(said(&GOOD.replace("b::tests::unit", "d::e::deep")), [""; 0]);
    }

    #[test]
    fn each_untruth_is_seen() {
        for (from, to, what) in [
            ("unit", "gone", "no test"),
            ("b::tests::unit", "d::e::helper", "no test"),
            ("b::tests::unit", "d::deep", "no test"),
            ("omg-a::b", "omg-b::b", "no test"),
            ("check", "chec", "no function"),
            ("Digest 11", "Digest 12", "no code"),
            ("Digest 11", "Digit 11", "no code"),
            ("| yes |", "| no |", "can be left out"),
            ("b::tests::unit", "top", "no file of its tests"),
            ("`omg-a::b::tests::unit`", "not yet", "can be left out"),
            ("`omg-a::b::tests::unit`", "", "does not say"),
            ("| x |", "| x | x |", "cells"),
            ("| 02 |", "| 03 |", "in order"),
        ] {
            let breaches = said(&GOOD.replace(from, to));
            assert!(breaches.iter().any(|it| it.contains(what)), "{to}: {breaches:?}");
        }
        let first = table(GOOD).replacen("| no |", "| yes |", 1);
        assert!(check(&first, &sources())[0].contains("there is no `weak!"));
    }

    #[test]
    fn what_is_not_in_the_table_is_seen() {
        let mut more = sources();
        more.insert("crates/omg-a/src/f.rs".into(), "if weak!(\"policy\") {}".into());
        assert!(check(&table(GOOD), &more)[0].contains("no row policy"));
        let page = format!("{}| policy | x | | | `omg-a::top` | yes |\n", table(GOOD));
        assert_eq!(check(&page, &more), [""; 0]);
    }
}
