//! Rules for each Rust file.

use super::Breach;
use std::path::{Path, PathBuf};

/// Lines of a file, and of a `lib.rs`, which only says what the crate is and what it gives.
const LINES: usize = 500;
const LIB_LINES: usize = 80;

/// What must not stay in code, in two parts so that this file may name it.
const LEFTOVERS: &[(&str, &str)] =
    &[("todo", "!("), ("unimplemented", "!("), ("TO", "DO"), ("FIX", "ME"), ("XX", "X:")];

/// The files that a file declares as modules of tests: `#[cfg(test)]` and then `mod name;`.
pub(super) fn test_modules(path: &Path, text: &str) -> Vec<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let root = path
        .file_name()
        .is_some_and(|name| name == "mod.rs" || name == "lib.rs" || name == "main.rs");
    let below = if root { folder.to_owned() } else { path.with_extension("") };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let declared = lines.windows(2).filter_map(|pair| match pair {
        ["#[cfg(test)]", line] => {
            line.strip_prefix("pub(crate) ").unwrap_or(line).strip_prefix("mod ")?.strip_suffix(';')
        }
        _ => None,
    });
    declared.map(|name| below.join(name).with_extension("rs")).collect()
}

/// Checks one file.
pub(super) fn check(path: &Path, text: &str, of_tests: bool) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut breach =
        |line: usize, what: &str| breaches.push(format!("{}:{line}: {what}", path.display()));
    let lines = text.lines().count();
    if lines > LINES {
        breach(lines, &format!("{lines} lines; a file has {LINES} at most"));
    }
    if path.ends_with("src/lib.rs") && lines > LIB_LINES {
        breach(lines, &format!("{lines} lines; a lib.rs has {LIB_LINES} at most"));
    }
    // What `tests.rs` is for, its name says.
    if !text.starts_with("//!") && path.file_name().is_none_or(|name| name != "tests.rs") {
        breach(1, "does not begin with `//!` and what the file is for");
    }
    let tests = if of_tests { 0 } else { tests_begin(path, text) };
    for (at, line) in text.lines().enumerate() {
        for (left, right) in LEFTOVERS {
            if line.contains(&format!("{left}{right}")) {
                breach(at + 1, &format!("'{left}{right}' is left over"));
            }
        }
        let code = line.split("//").next().unwrap_or(line);
        if code.trim_start().starts_with("#[allow(") || code.trim_start().starts_with("#![allow(") {
            breach(at + 1, "`allow` where `expect` with a reason would end by itself");
        }
        if at < tests && code.contains(concat!(".unwrap", "()")) {
            breach(at + 1, "`unwrap` outside tests");
        }
    }
    breaches
}

/// The line at which the tests of a file begin; files of tests begin with them.
fn tests_begin(path: &Path, text: &str) -> usize {
    let of_tests =
        path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "benches")
            || path.file_name().is_some_and(|name| name == "tests.rs");
    if of_tests {
        return 0;
    }
    text.lines().position(|line| line.trim() == "#[cfg(test)]").unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaches(path: &str, text: &str) -> usize {
        check(Path::new(path), text, false).len()
    }

    #[test]
    fn a_tidy_file_passes() {
        assert_eq!(
            breaches(
                "crates/a/src/lib.rs",
                "//! What.\nfn f() {}\n#[cfg(test)]\nmod t { x.unwrap() }\n"
            ),
            0
        );
        assert_eq!(breaches("crates/a/tests/it/main.rs", "//! What.\nfn f() { x.unwrap() }\n"), 0);
    }

    #[test]
    fn each_rule_is_seen() {
        assert_eq!(breaches("a/src/x.rs", "fn f() {}\n"), 1);
        assert_eq!(breaches("a/src/x.rs", "//! What.\n  #[allow(dead_code)]\n"), 1);
        assert_eq!(breaches("a/src/x.rs", "//! What.\nx.unwrap();\n"), 1);
        assert_eq!(breaches("a/src/x.rs", &format!("//! What.\n{}{}\n", "to", "do!()")), 1);
        assert_eq!(breaches("a/src/x.rs", &"//! What.\n".repeat(501)), 1);
        assert_eq!(breaches("a/src/lib.rs", &"//! What.\n".repeat(81)), 1);
    }

    #[test]
    fn modules_of_tests_are_found() {
        let text = "mod a;\n#[cfg(test)]\nmod oracle;\n#[cfg(test)]\nmod tests {\n}\n";
        let found = |path: &str| test_modules(Path::new(path), text);
        assert_eq!(found("a/src/apt/mod.rs"), [Path::new("a/src/apt/oracle.rs")]);
        assert_eq!(found("a/src/apt.rs"), [Path::new("a/src/apt/oracle.rs")]);
    }

    #[test]
    fn examples_in_comments_may_unwrap() {
        assert_eq!(breaches("a/src/x.rs", "//! What.\n/// x.unwrap();\n"), 0);
    }
}
