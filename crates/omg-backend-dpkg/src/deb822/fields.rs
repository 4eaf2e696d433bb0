//! The lines of one stanza.

use memchr::memchr;

use super::line_len;

/// One field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field<'a> {
    /// Name as written.
    pub name: &'a str,
    /// Value without the white space around it. Continuation lines are in it verbatim; [`lines`]
    /// takes them apart.
    pub value: &'a str,
}

/// Iterator over the fields of a stanza.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    text: &'a str,
    at: usize,
    malformed: Option<(usize, &'static str)>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, malformed: None }
    }

    /// The first of the lines passed so far that is neither field, continuation nor comment: its
    /// byte offset and what is wrong with it.
    pub fn malformed(&self) -> Option<(usize, &'static str)> {
        self.malformed
    }

    /// The end of the line that `at` is in.
    fn line_end(&self, at: usize) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        at + line_len(rest)
    }

    /// The end of the field whose first line ends at `end`, and where the next one starts.
    /// Comments between its lines belong to it.
    fn field_end(&self, mut end: usize) -> (usize, usize) {
        let bytes = self.text.as_bytes();
        let mut next = end + 1;
        loop {
            match bytes.get(next) {
                Some(b' ' | b'\t') => {
                    end = self.line_end(next);
                    next = end + 1;
                }
                Some(b'#') => next = self.line_end(next) + 1,
                _ => return (end, next),
            }
        }
    }

    fn refuse(&mut self, what: &'static str) {
        self.malformed.get_or_insert((self.at, what));
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let bytes = self.text.as_bytes();
        loop {
            let first = *bytes.get(self.at)?;
            let first_end = self.line_end(self.at);
            if first == b'#' || first == b'\n' {
                self.at = first_end + 1;
                continue;
            }
            let (end, next) = self.field_end(first_end);
            let line = bytes.get(self.at..first_end)?;
            let colon = memchr(b':', line).map(|len| self.at + len);
            let name = colon.and_then(|colon| self.text.get(self.at..colon)).unwrap_or("");
            if matches!(first, b' ' | b'\t') {
                self.refuse("a continuation line that continues nothing");
            } else if colon.is_none() {
                self.refuse("a line without a colon");
            } else if !is_name(name) {
                self.refuse("a field without a proper name");
            } else if let Some(value) = colon.and_then(|colon| self.text.get(colon + 1..end)) {
                self.at = next;
                return Some(Field { name, value: value.trim_ascii() });
            }
            self.at = next;
        }
    }
}

/// Field names are printable ASCII without spaces (deb822(5)).
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The lines of a value, without the white space around them. Comments are left out.
pub fn lines(value: &str) -> impl Iterator<Item = &str> {
    value.split('\n').filter(|line| !line.starts_with('#')).map(str::trim_ascii)
}
