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

    /// Where the colon is, if the line starts with a proper name of a field: printable ASCII without
    /// spaces (deb822(5)). The name is looked at once for both.
    #[inline]
    fn colon(&self) -> Option<usize> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let len = rest.iter().position(|byte| *byte == b':' || !byte.is_ascii_graphic())?;
        (len > 0 && rest.get(len) == Some(&b':')).then_some(self.at + len)
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
            if first != b'#'
                && let Some(colon) = self.colon()
            {
                let (end, next) = self.field_end(self.line_end(colon));
                let name = self.text.get(self.at..colon)?;
                let value = self.text.get(colon + 1..end)?;
                self.at = next;
                return Some(Field { name, value: trimmed(value) });
            }
            let first_end = self.line_end(self.at);
            if first == b'#' || first == b'\n' {
                self.at = first_end + 1;
                continue;
            }
            let (_, next) = self.field_end(first_end);
            if matches!(first, b' ' | b'\t') {
                self.refuse("a continuation line that continues nothing");
            } else if memchr(b':', bytes.get(self.at..first_end)?).is_none() {
                self.refuse("a line without a colon");
            } else {
                self.refuse("a field without a proper name");
            }
            self.at = next;
        }
    }
}

/// The value without the white space around it, which is one space before it as a rule.
#[inline]
fn trimmed(value: &str) -> &str {
    let value = value.strip_prefix(' ').unwrap_or(value);
    match value.as_bytes() {
        [first, .., last] if !first.is_ascii_whitespace() && !last.is_ascii_whitespace() => value,
        _ => value.trim_ascii(),
    }
}

/// The lines of a value, without the white space around them. Comments are left out.
pub fn lines(value: &str) -> impl Iterator<Item = &str> {
    value.split('\n').filter(|line| !line.starts_with('#')).map(str::trim_ascii)
}
