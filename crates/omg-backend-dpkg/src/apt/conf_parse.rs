//! The syntax of `apt.conf(5)`: nested scopes, lists, directives, three kinds of comments.

use std::path::Path;

use super::conf::Conf;

/// `#include` may nest this deep, as in apt.
const DEEPEST_INCLUDE: u8 = 10;
/// Scopes may nest this deep; apt has no limit of its own.
const DEEPEST_SCOPE: usize = 100;

/// Reads the text of one file into `conf`. At the first mistake the rest of the file is left out
/// and a warning with file and line is kept.
pub(super) fn parse(conf: &mut Conf, path: &Path, text: &str, depth: u8) {
    let mut parser =
        Parser { conf, depth, scope: String::new(), outer: Vec::new(), pending: String::new() };
    let mut comment = false;
    let mut line_number = 0;
    for line in text.split('\n') {
        line_number += 1;
        let line = line.replace('\t', "        ");
        let fragment = strip_comments(line.trim(), &mut comment);
        if let Err(reason) = parser.fragment(&fragment) {
            parser.conf.warn(format!("{}:{line_number}: {reason}", path.display()));
            return;
        }
    }
    if !parser.pending.is_empty() {
        let rest = format!("{}:{line_number}: extra junk at end of file", path.display());
        parser.conf.warn(rest);
    }
}

/// Removes `//`, `#` and `/* */` comments that don't stand between quotes. `open` says whether a
/// comment goes on from line to line.
fn strip_comments(line: &str, open: &mut bool) -> String {
    let mut line = line;
    if *open {
        match line.split_once("*/") {
            Some((_, rest)) => {
                *open = false;
                line = rest;
            }
            None => return String::new(),
        }
    }
    line = cut_at(line, "//", |_| false);
    line = cut_at(line, "#", |rest| {
        ["#clear", "#include", "#x-apt-configure-index"].iter().any(|word| rest.starts_with(word))
    });
    let mut fragment = String::new();
    let mut from = 0;
    while let Some(found) = line.get(from..).and_then(|rest| rest.find("/*")) {
        let at = from + found;
        let (before, rest) = line.split_at(at);
        if in_quotes(before) {
            from = at + 2;
            continue;
        }
        fragment.push_str(before);
        from = 0;
        let Some((_, after)) = rest.get(2..).and_then(|rest| rest.split_once("*/")) else {
            *open = true;
            return fragment;
        };
        line = after;
    }
    fragment.push_str(line);
    fragment
}

fn in_quotes(before: &str) -> bool {
    before.bytes().filter(|&byte| byte == b'"').count() % 2 != 0
}

/// `line` up to the first `mark` outside quotes that is not `kept`.
fn cut_at<'a>(line: &'a str, mark: &str, kept: impl Fn(&str) -> bool) -> &'a str {
    let mut from = 0;
    while let Some(found) = line.get(from..).and_then(|rest| rest.find(mark)) {
        let at = from + found;
        let (before, rest) = line.split_at(at);
        if !in_quotes(before) && !kept(rest) {
            return before;
        }
        from = at + 1;
    }
    line
}

struct Parser<'c> {
    conf: &'c mut Conf,
    depth: u8,
    scope: String,
    outer: Vec<String>,
    pending: String,
}

impl Parser<'_> {
    fn fragment(&mut self, text: &str) -> Result<(), String> {
        let mut quoted = false;
        let mut start = 0;
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'"' => quoted = !quoted,
                b'{' | b';' | b'}' if !quoted => {
                    self.append(text.get(start..at).unwrap_or(""));
                    start = at + 1;
                    self.statement(byte)?;
                }
                _ => {}
            }
        }
        self.append(text.get(start..).unwrap_or(""));
        Ok(())
    }

    fn append(&mut self, text: &str) {
        let text = text.trim();
        if !text.is_empty() && !self.pending.is_empty() {
            self.pending.push(' ');
        }
        self.pending.push_str(text);
    }

    fn leave(&mut self) {
        self.scope = self.outer.pop().unwrap_or_default();
    }

    fn statement(&mut self, end: u8) -> Result<(), String> {
        let line = std::mem::take(&mut self.pending);
        if line.is_empty() {
            match end {
                b'{' => return Err("a block starts with no name".into()),
                b'}' => self.leave(),
                _ => {}
            }
            return Ok(());
        }
        let mut rest = line.as_str();
        let mut tag = quote_word(&mut rest).ok_or("malformed tag")?;
        let mut word = c_word(&mut rest).or_else(|| quote_word(&mut rest));
        if !rest.is_empty() {
            return Err("extra junk after value".into());
        }
        if word.is_none() && end != b'{' {
            word = Some(std::mem::take(&mut tag));
        }
        if end == b'{' {
            if self.outer.len() >= DEEPEST_SCOPE {
                return Err("blocks nest too deep".into());
            }
            let inner = self.joined(&tag);
            self.outer.push(std::mem::replace(&mut self.scope, inner));
            tag.clear();
        }
        self.apply(&tag, word.as_deref(), end)?;
        if end == b'}' {
            self.leave();
        }
        Ok(())
    }

    fn joined(&self, tag: &str) -> String {
        if self.scope.is_empty() { tag.to_owned() } else { format!("{}::{tag}", self.scope) }
    }

    fn apply(&mut self, tag: &str, word: Option<&str>, end: u8) -> Result<(), String> {
        if let Some(directive) = tag.strip_prefix('#') {
            return self.directive(directive, word.unwrap_or(""));
        }
        let Some(word) = word else { return Ok(()) };
        if tag.is_empty() && word == "#clear" {
            return Err("#clear needs the name of an option".into());
        }
        let name =
            if end == b'{' && tag.is_empty() { self.scope.clone() } else { self.joined(tag) };
        if !name.is_empty() {
            self.conf.set(&name, word);
        }
        Ok(())
    }

    fn directive(&mut self, directive: &str, word: &str) -> Result<(), String> {
        if !self.scope.is_empty() {
            return Err("directives can only stand at the top level".into());
        }
        match directive {
            "clear" => self.conf.clear(word),
            "include" if self.depth > DEEPEST_INCLUDE => {
                return Err("too many nested includes".into());
            }
            "include" => self.conf.include(word, self.depth + 1),
            // Only names known options, for spell checking.
            "x-apt-configure-index" => {}
            other => return Err(format!("unsupported directive '{other}'")),
        }
        Ok(())
    }
}

/// Takes a word that ends at white space; parts between quotes or brackets may contain it. `%41`
/// stands for `A`, quotes are removed.
pub(super) fn quote_word(text: &mut &str) -> Option<String> {
    let word = text.trim_start_matches(' ');
    if word.is_empty() {
        return None;
    }
    let bytes = word.as_bytes();
    let mut end = 0;
    while let Some(&byte) = bytes.get(end) {
        if byte.is_ascii_whitespace() || byte == 0x0b {
            break;
        }
        let close = match byte {
            b'"' => Some(b'"'),
            b'[' => Some(b']'),
            _ => None,
        };
        if let Some(close) = close {
            end += 1 + memchr::memchr(close, bytes.get(end + 1..)?)?;
        }
        end += 1;
    }
    let raw = word.get(..end)?;
    *text = word.get(end..)?.trim_start();
    Some(unquote(raw))
}

fn unquote(raw: &str) -> String {
    let mut plain = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let hex = |at: usize| tail.get(at).and_then(|&digit| char::from(digit).to_digit(16));
        match (byte, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                plain.push((high * 16 + low) as u8);
                rest = tail.get(2..).unwrap_or(&[]);
            }
            (b'"', ..) => {}
            _ => plain.push(byte),
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// Takes everything if it is made of quoted strings, which are joined as in C.
fn c_word(text: &mut &str) -> Option<String> {
    let mut rest = text.trim_start_matches(' ');
    if rest.is_empty() {
        return None;
    }
    let mut word = String::new();
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (inner, after) = quoted.split_once('"')?;
            word.push_str(inner);
            rest = after;
        } else {
            let after = rest.trim_start();
            if after.len() == rest.len() {
                return None;
            }
            if !after.is_empty() {
                word.push(' ');
            }
            rest = after;
        }
    }
    *text = "";
    Some(word)
}
