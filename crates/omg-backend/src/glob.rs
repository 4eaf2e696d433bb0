//! Shell patterns as fnmatch(3) takes them without flags: `*` and `?` match slashes too.

/// A pattern taken apart.
#[derive(Debug)]
pub struct Glob {
    tokens: Vec<Token>,
    plain: Vec<u8>,
}

#[derive(PartialEq, Eq, Debug)]
enum Token {
    Byte(u8),
    /// `?`
    One,
    /// `*`
    Many,
    /// `[a-z]`
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Glob {
    /// Takes a pattern apart. One that is not well-formed stands for itself, as far as it is not.
    pub fn new(pattern: &str) -> Self {
        let mut tokens = Vec::new();
        let mut rest = pattern;
        while let Some(c) = rest.chars().next() {
            let after = rest.get(c.len_utf8()..).unwrap_or("");
            rest = match c {
                '*' => {
                    if tokens.last() != Some(&Token::Many) {
                        tokens.push(Token::Many);
                    }
                    after
                }
                '?' => {
                    tokens.push(Token::One);
                    after
                }
                '[' if let Some((set, after)) = set(after) => {
                    tokens.push(set);
                    after
                }
                '\\' if let Some(escaped) = after.chars().next() => {
                    push_char(&mut tokens, escaped);
                    after.get(escaped.len_utf8()..).unwrap_or("")
                }
                plain => {
                    push_char(&mut tokens, plain);
                    after
                }
            };
        }
        let plain = longest_plain(&tokens);
        Self { tokens, plain }
    }

    /// The longest run of bytes that every match has.
    pub fn longest_plain(&self) -> &[u8] {
        &self.plain
    }

    /// Does the whole text match?
    pub fn matches(&self, text: &[u8]) -> bool {
        let (mut at, mut token) = (0, 0);
        // After the last `*`: the token to go on with and the byte it was last tried at.
        let mut retry: Option<(usize, usize)> = None;
        loop {
            let here = text.get(at..).unwrap_or_default();
            let step = match self.tokens.get(token) {
                None if here.is_empty() => return true,
                None => None,
                Some(Token::Many) => {
                    retry = Some((token + 1, at));
                    token += 1;
                    continue;
                }
                Some(one) => one.takes(here),
            };
            match (step, &mut retry) {
                (Some(len), _) => {
                    at += len;
                    token += 1;
                }
                (None, Some((again, tried))) if *tried < text.len() => {
                    *tried += 1;
                    (token, at) = (*again, *tried);
                }
                (None, _) => return false,
            }
        }
    }
}

impl Token {
    /// Bytes that it takes off the text, if it matches there.
    fn takes(&self, text: &[u8]) -> Option<usize> {
        let first = *text.first()?;
        match self {
            Self::Byte(byte) => (first == *byte).then_some(1),
            Self::One => Some(next_char(text).map_or(1, char::len_utf8)),
            Self::Set { negated, ranges } => {
                let c = next_char(text).unwrap_or(char::REPLACEMENT_CHARACTER);
                let within = ranges.iter().any(|(low, high)| (*low..=*high).contains(&c));
                (within != *negated).then_some(next_char(text).map_or(1, char::len_utf8))
            }
            Self::Many => None,
        }
    }
}

fn push_char(tokens: &mut Vec<Token>, c: char) {
    let mut buffer = [0; 4];
    tokens.extend(c.encode_utf8(&mut buffer).bytes().map(Token::Byte));
}

/// The character that the text begins with, if it is UTF-8 there.
fn next_char(text: &[u8]) -> Option<char> {
    (1..=4).find_map(|len| std::str::from_utf8(text.get(..len)?).ok()?.chars().next())
}

fn longest_plain(tokens: &[Token]) -> Vec<u8> {
    let runs = tokens.split(|token| !matches!(token, Token::Byte(_)));
    let longest = runs.max_by_key(|run| run.len()).unwrap_or_default();
    longest
        .iter()
        .filter_map(|token| if let Token::Byte(byte) = token { Some(*byte) } else { None })
        .collect()
}

/// Reads what follows `[`, and gives the rest of the pattern. `None` if there is no `]`.
fn set(text: &str) -> Option<(Token, &str)> {
    let (negated, mut rest) = match text.strip_prefix(['!', '^']) {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut ranges = Vec::new();
    let mut first = true;
    loop {
        if let Some(after) = rest.strip_prefix(']').filter(|_| !first) {
            return Some((Token::Set { negated, ranges }, after));
        }
        if let Some((name, after)) = rest.strip_prefix("[:").and_then(|rest| rest.split_once(":]"))
        {
            ranges.extend(class(name)?);
            rest = after;
        } else {
            let (low, after) = member(rest)?;
            rest = after;
            let high = match rest.strip_prefix('-').filter(|after| !after.starts_with(']')) {
                Some(after) => {
                    let (high, after) = member(after)?;
                    rest = after;
                    high
                }
                None => low,
            };
            ranges.push((low, high));
        }
        first = false;
    }
}

fn member(text: &str) -> Option<(char, &str)> {
    let text = text.strip_prefix('\\').filter(|rest| !rest.is_empty()).unwrap_or(text);
    let c = text.chars().next()?;
    Some((c, text.get(c.len_utf8()..)?))
}

/// The named classes of POSIX, over ASCII.
fn class(name: &str) -> Option<Vec<(char, char)>> {
    Some(match name {
        "alpha" => vec![('a', 'z'), ('A', 'Z')],
        "digit" => vec![('0', '9')],
        "alnum" => vec![('a', 'z'), ('A', 'Z'), ('0', '9')],
        "upper" => vec![('A', 'Z')],
        "lower" => vec![('a', 'z')],
        "space" => vec![(' ', ' '), ('\t', '\r')],
        "blank" => vec![(' ', ' '), ('\t', '\t')],
        "punct" => vec![('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "xdigit" => vec![('0', '9'), ('a', 'f'), ('A', 'F')],
        "graph" => vec![('!', '~')],
        "print" => vec![(' ', '~')],
        "cntrl" => vec![('\0', '\u{1f}'), ('\u{7f}', '\u{7f}')],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_match_as_fnmatch_does() {
        for (pattern, text, wanted) in [
            ("*", "", true),
            ("a*c", "a/b/c", true),
            ("a?c", "a/c", true),
            ("a?c", "aéc", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]x]", "]", true),
            ("[[:digit:]]*", "7/", true),
            ("a[", "a[", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("*a*b*c", "xaxbxbx", false),
            ("*.so.?", "/lib/x.so.6", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text.as_bytes()), wanted, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn a_path_matches_itself_and_its_parts(path in "/[a-z/.]{0,20}", from in 0_usize..5) {
            prop_assert!(Glob::new(&path).matches(path.as_bytes()));
            let part = path.get(from..).unwrap_or("");
            let glob = format!("*{part}*");
            prop_assert!(Glob::new(&glob).matches(path.as_bytes()));
        }

        #[test]
        fn any_pattern_is_matched(pattern in any::<String>(), near in "[a*?\\[\\]!^:\\\\-]{0,12}", text in prop::collection::vec(any::<u8>(), 0..20)) {
            for pattern in [pattern, near] {
                Glob::new(&pattern).matches(&text);
            }
        }
    }
}
