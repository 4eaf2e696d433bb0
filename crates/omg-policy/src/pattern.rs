//! `*` for any text and `?` for one character; everything else stands for itself.

/// Does the whole of `text` match? Takes time in proportion to the product of both lengths at most.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut from) = (0, 0);
    // Where to go on if the last star has to take one character more.
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at + 1, from));
                at += 1;
            }
            Some(c) if *c == '?' || text.get(from) == Some(c) => {
                at += 1;
                from += 1;
            }
            _ => match star {
                Some((behind, taken)) => {
                    star = Some((behind, taken + 1));
                    at = behind;
                    from = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_take_any_text() {
        for (pattern, text) in [
            ("*", ""),
            ("vim", "vim"),
            ("lib*", "libfoo"),
            ("*-dev", "libfoo-dev"),
            ("a*b*c", "axxbyybzc"),
            ("?im", "vim"),
            ("https://deb.debian.org/*", "https://deb.debian.org/debian/pool/x.deb"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("", "a"), ("vim", "vimx"), ("lib*", "xlib"), ("?", ""), ("a*b", "ac")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!matches(&"*a".repeat(200), &"b".repeat(2000)));
    }
}
