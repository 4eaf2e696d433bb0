//! Records of small configuration files: `.sources`, preferences, Release.

/// One record: fields with their values, continuation lines joined by newlines.
#[derive(Debug, Default)]
pub(crate) struct Stanza {
    fields: Vec<(String, String)>,
    /// Line of the first field, from 1.
    pub(crate) line: u32,
}

impl Stanza {
    /// A field's value; names don't depend on case. The last of several counts, as in apt.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().rev().find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The words of a field.
    pub(crate) fn words(&self, name: &str) -> Option<Vec<&str>> {
        Some(self.get(name)?.split_ascii_whitespace().collect())
    }
}

/// Cuts a text into records. Lines that start with `#` are comments; lines that are no field are
/// skipped.
pub(crate) fn parse(text: &str) -> Vec<Stanza> {
    let mut all = Vec::new();
    let mut current = Stanza::default();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_end_matches('\r');
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            if !current.fields.is_empty() {
                all.push(std::mem::take(&mut current));
            }
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = current.fields.last_mut() {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            if current.fields.is_empty() {
                current.line = number;
            }
            current.fields.push((name.trim_end().to_owned(), value.trim().to_owned()));
        }
    }
    if !current.fields.is_empty() {
        all.push(current);
    }
    all
}
