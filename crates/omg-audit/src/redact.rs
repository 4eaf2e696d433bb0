//! Leaving out of a record what may be a secret.
//!
//! The log is readable by everybody on the machine, so nothing gets into it that was not looked at here:
//! words of the command line must be of a form that package names, versions and flags have, and free text
//! loses what looks like a password, a token or a key.

/// What stands for what was left out.
pub const LEFT_OUT: &str = "[left out]";

/// Words of a command line recorded at most.
const MAX_WORDS: usize = 4_096;

/// Length of the longest word recorded, bytes.
const MAX_WORD: usize = 256;

/// Length of the longest line of free text recorded, bytes.
const MAX_LINE: usize = 4_096;

/// Prefixes of tokens that name themselves.
const TOKENS: &[&str] = &[
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "npm_",
    "pypi-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "AKIA",
    "ASIA",
    "AIza",
    "sk-",
    "sk_live_",
    "rk_live_",
    "eyJ",
    "hvs.",
    "dop_v1_",
];

/// Words before `=`, `:` or a space that a secret follows.
const KEYS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
    "access-key",
    "private_key",
    "private-key",
    "credential",
    "credentials",
    "authorization",
    "bearer",
    "basic",
    "cookie",
    "session",
];

/// The words of a command line that may be recorded. Others become `[left out]`, so that it can be
/// seen that something was there.
pub fn words(words: &[String]) -> Vec<String> {
    words
        .iter()
        .take(MAX_WORDS)
        .map(|word| if allowed(word) { word.clone() } else { LEFT_OUT.into() })
        .collect()
}

/// A package, a version, a pattern, a path's last part, or a flag without a value. No word of these
/// has room for a URL with a password in it, or for `--token=…`.
fn allowed(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-._~:@*?".contains(c);
    let of_package = |word: &str| {
        let (name, rest) = word.split_once(['=', '/']).unwrap_or((word, ""));
        !name.is_empty() && name.chars().all(plain) && rest.chars().all(plain)
    };
    let flag = word.strip_prefix("--").or_else(|| word.strip_prefix('-'));
    word.len() <= MAX_WORD
        && !suspicious(word)
        && match flag {
            Some(flag) => {
                flag.len() <= 32 && flag.chars().all(|c| c.is_ascii_alphabetic() || c == '-')
            }
            None => of_package(word) && !named_key(word),
        }
}

/// Does it say of itself that it is a secret?
fn suspicious(word: &str) -> bool {
    TOKENS.iter().any(|token| {
        word.match_indices(token).any(|(at, _)| {
            let before = word.get(..at).and_then(|text| text.chars().next_back());
            let rest = word.get(at + token.len()..).unwrap_or("");
            let long = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c))
                .count();
            before.is_none_or(|c| !c.is_ascii_alphanumeric()) && long >= 12
        })
    }) || word.contains("PRIVATE KEY")
}

/// `token=…`, `password:…`
fn named_key(word: &str) -> bool {
    word.split_once(['=', ':']).is_some_and(|(key, value)| !value.is_empty() && is_key(key))
}

fn is_key(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase();
    KEYS.iter().any(|key| {
        word.strip_suffix(key)
            .is_some_and(|before| before.is_empty() || before.ends_with(['-', '_', '.']))
    })
}

/// Free text (a message, a cause, a line of output) without what may be a secret: users and queries
/// in URLs, what follows a word such as `password`, tokens. Cut off at 4 KiB.
pub fn text(text: &str) -> String {
    let mut end = text.len().min(MAX_LINE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or("");
    if text.contains("PRIVATE KEY") {
        return LEFT_OUT.into();
    }
    let mut line = String::with_capacity(text.len());
    let mut hide = 0_u8;
    for piece in
        text.split_inclusive([' ', '\t', '\n', '"', '\'', ',', ';', '(', ')', '<', '>', '&'])
    {
        let word =
            piece.trim_end_matches([' ', '\t', '\n', '"', '\'', ',', ';', '(', ')', '<', '>', '&']);
        let end = piece.get(word.len()..).unwrap_or("");
        if word.is_empty() {
            line.push_str(piece);
            continue;
        }
        let shown = shown(word, &mut hide);
        line.push_str(&shown);
        line.push_str(end);
    }
    line
}

/// One word of free text; `hide` says how many words from here on follow the name of a secret.
fn shown(word: &str, hide: &mut u8) -> String {
    let separator = |word: &str| matches!(word, "=" | ":" | "is" | "was");
    if *hide > 0 && !separator(word) {
        *hide -= 1;
        // `Authorization: Bearer xyz`: the secret is one further on.
        if is_key(word) {
            *hide = 1;
            return word.to_owned();
        }
        return LEFT_OUT.into();
    }
    if suspicious(word) {
        return LEFT_OUT.into();
    }
    if let Some((scheme, rest)) = word.split_once("://") {
        return url(scheme, rest);
    }
    let key_ends = word.find(['=', ':']);
    match key_ends.and_then(|at| Some((word.get(..=at)?, word.get(at + 1..)?))) {
        Some((key, value)) if is_key(key) => {
            if value.is_empty() {
                *hide = 1;
                word.to_owned()
            } else {
                format!("{key}{LEFT_OUT}")
            }
        }
        _ => {
            if is_key(word) {
                *hide = 1;
            }
            word.to_owned()
        }
    }
}

/// A URL without its user and without its query and fragment.
fn url(scheme: &str, rest: &str) -> String {
    let plain = rest.find(['?', '#']).and_then(|at| rest.get(..at)).unwrap_or(rest);
    let (host, path) = plain.find('/').map_or((plain, ""), |at| plain.split_at(at));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}
