//! The patterns of apt's configuration: shell globs and POSIX extended regular expressions.
//!
//! Both are matched without regard to case, and without backtracking, so no pattern can stall a
//! query.

use regex::bytes::{Regex, RegexBuilder};

/// Most bytes that a compiled expression may take.
const LARGEST_REGEX: usize = 4 << 20;

/// A pattern as `preferences(5)` takes it: `/expression/`, or a glob.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// Shell glob; without special characters it is the text itself.
    Glob(String),
    /// Extended regular expression, found anywhere in the text.
    Regex(Regex),
}

impl Pattern {
    /// Reads a pattern. `Err` says what is wrong with the regular expression.
    pub(crate) fn new(text: &str) -> Result<Self, &'static str> {
        match text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
            Some(expression) => Ok(Self::Regex(expression_of(expression)?)),
            None => Ok(Self::Glob(text.to_owned())),
        }
    }

    /// Does it match? A glob must match all of the text.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Glob(glob) => glob_matches(glob, text),
            Self::Regex(regex) => regex.is_match(text.as_bytes()),
        }
    }
}

/// Compiles an expression. What the crate knows beyond POSIX (`\\d`, `(?i)`) works too; nothing
/// that POSIX knows and preferences use means something else there.
fn expression_of(text: &str) -> Result<Regex, &'static str> {
    RegexBuilder::new(text)
        .case_insensitive(true)
        .unicode(false)
        .size_limit(LARGEST_REGEX)
        .build()
        .map_err(|_| "not a regular expression")
}

/// `fnmatch(3)` without flags but for case: `*`, `?`, `[a-z]`, `[!a]`, `\*`.
pub(crate) fn glob_matches(glob: &str, text: &str) -> bool {
    let glob: Vec<char> = glob.chars().flat_map(char::to_lowercase).collect();
    let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let (mut at, mut from) = (0, 0);
    // Where the last star stands, and what it has taken so far. A later star makes earlier ones
    // final, so nothing else needs to be remembered.
    let mut star: Option<(usize, usize)> = None;
    while let Some(&next) = text.get(from) {
        let step = match glob.get(at) {
            Some('*') => {
                star = Some((at, from));
                at += 1;
                continue;
            }
            Some(_) => single(&glob, at, next),
            None => None,
        };
        match (step, star) {
            (Some(width), _) => {
                at += width;
                from += 1;
            }
            (None, Some((place, taken))) => {
                star = Some((place, taken + 1));
                at = place + 1;
                from = taken + 1;
            }
            (None, None) => return false,
        }
    }
    glob.get(at..).is_some_and(|rest| rest.iter().all(|&c| c == '*'))
}

/// The length of the single-character pattern at `at` if it matches `c`.
fn single(glob: &[char], at: usize, c: char) -> Option<usize> {
    match glob.get(at)? {
        '?' => Some(1),
        '[' => match bracket(glob, at, c) {
            Some((true, width)) => Some(width),
            Some((false, _)) => None,
            None => (c == '[').then_some(1),
        },
        '\\' => match glob.get(at + 1) {
            Some(&escaped) => (escaped == c).then_some(2),
            None => None,
        },
        &plain => (plain == c).then_some(1),
    }
}

/// Whether `[…]` at `at` has `c`, and its length; `None` if it is not closed.
fn bracket(glob: &[char], at: usize, c: char) -> Option<(bool, usize)> {
    let mut place = at + 1;
    let negated = matches!(glob.get(place), Some('!' | '^'));
    place += usize::from(negated);
    let first = place;
    let mut found = false;
    loop {
        let mut low = *glob.get(place)?;
        if low == ']' && place > first {
            return Some((found != negated, place + 1 - at));
        }
        if low == '[' && glob.get(place + 1) == Some(&':') {
            let rest = glob.get(place + 2..)?;
            let len = rest.windows(2).position(|pair| pair == [':', ']'])?;
            let class: String = rest.get(..len)?.iter().collect();
            found |= in_class(&class, c);
            place += len + 4;
            continue;
        }
        if low == '\\' {
            place += 1;
            low = *glob.get(place)?;
        }
        place += 1;
        let high = match (glob.get(place), glob.get(place + 1)) {
            (Some('-'), Some(&high)) if high != ']' => {
                place += 2;
                high
            }
            _ => low,
        };
        found |= (low..=high).contains(&c);
    }
}

/// The named classes of POSIX, for lower-case text.
fn in_class(class: &str, c: char) -> bool {
    match class {
        "alpha" | "lower" | "upper" => c.is_alphabetic(),
        "digit" => c.is_ascii_digit(),
        "alnum" => c.is_alphanumeric(),
        "space" => c.is_whitespace(),
        "blank" => c == ' ' || c == '\t',
        "punct" => c.is_ascii_punctuation(),
        "xdigit" => c.is_ascii_hexdigit(),
        "cntrl" => c.is_control(),
        "graph" => !c.is_control() && !c.is_whitespace(),
        "print" => !c.is_control(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn globs_match_as_fnmatch_does() {
        for (glob, text, wanted) in [
            ("linux-*", "linux-image-amd64", true),
            ("*-dev", "libc6-dev", true),
            ("lib?6", "libc6", true),
            ("lib[a-d]6", "libc6", true),
            ("lib[!a-d]6", "libc6", false),
            ("[]]", "]", true),
            ("a[", "a[", true),
            ("Debian*", "debian backports", true),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            ("*", "", true),
            ("a*b*c", "a-xb-b-yc", true),
            ("[[:digit:]]*", "12", true),
            ("vim", "vim-tiny", false),
        ] {
            assert_eq!(glob_matches(glob, text), wanted, "{glob} {text}");
        }
    }

    #[test]
    fn expressions_match_as_regexec_does() {
        for (expression, text, wanted) in [
            ("^linux-image-[a-z0-9]*$", "linux-image-amd64", true),
            ("^linux-image-[a-z0-9]*$", "linux-image-6.1.0", false),
            ("(vim|emacs)-", "neovim-qt", true),
            ("^lib.+-dev$", "libssl-dev", true),
            ("a{2,3}b", "caab", true),
            ("a{2}b", "cab", false),
            ("x?y+", "yy", true),
            (r"1\.2", "1x2", false),
            ("^[^a-m]", "zsh", true),
            ("^[^a-m]", "ash", false),
            ("DEBIAN", "debian", true),
            ("", "anything", true),
            ("a||b", "", true),
        ] {
            assert_eq!(
                expression_of(expression).unwrap().is_match(text.as_bytes()),
                wanted,
                "{expression} {text}"
            );
        }
        assert!(expression_of("(").is_err());
    }

    proptest! {
        #[test]
        fn no_pattern_panics(pattern in any::<String>(), text in any::<String>()) {
            if let Ok(pattern) = Pattern::new(&pattern) {
                pattern.matches(&text);
            }
        }

        #[test]
        fn patterns_made_of_operators_do_not_panic(pattern in r"/?[a-c()*+?{},0-9|\[\]^$.!\\-]{0,24}/?", text in "[a-c]{0,12}") {
            if let Ok(pattern) = Pattern::new(&pattern) {
                pattern.matches(&text);
            }
        }
    }
}
