//! The JSON contract: one object on standard output, named by its schema.

use std::fmt::Write as _;

use omg_core::is_dangerous;
use serde::Serialize;

/// The same JSON with every character that could do something to a terminal written as `\u…`. serde
/// does so below U+0020 only. Outside strings JSON has none of them, so the meaning stays.
pub(super) fn harmless(text: String) -> String {
    let dangerous = |c: char| c != '\n' && is_dangerous(c);
    if text.is_ascii() && !text.contains('\x7f') || !text.contains(dangerous) {
        return text;
    }
    let mut safe = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if dangerous(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing into a String does not fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

/// A reply with its schema in front: `{"schema":"omg.search/1",…}`.
#[derive(Serialize)]
pub(crate) struct Document<'a, T> {
    /// `omg.NAME/NUMBER`; keys are only ever added within a number.
    schema: &'a str,
    #[serde(flatten)]
    body: T,
}

impl<'a, T: Serialize> Document<'a, T> {
    /// The object as text with a line end.
    pub(crate) fn text(schema: &'a str, body: T) -> String {
        // Our types have string keys and no failing serializers, so this can't fail; an empty object
        // would still be one object on one line.
        let mut text =
            serde_json::to_string(&Self { schema, body }).unwrap_or_else(|_| "{}".to_owned());
        text.push('\n');
        harmless(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_controls_terminals_is_written_as_numbers() {
        let hostile = "a\x1b]52;c;\x07\u{9b}31m\u{7f}\u{202e}\u{e0001}é";
        let text =
            Document::text("omg.test/1", std::collections::BTreeMap::from([("text", hostile)]));
        assert!(!text.trim_end().contains(is_dangerous), "{text}");
        assert!(text.contains("\\u202e\\udb40\\udc01é"), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["text"], hostile);
    }
}
