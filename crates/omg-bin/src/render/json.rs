//! The JSON contract: one object on standard output, named by its schema.

use serde::Serialize;

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
        let mut text = serde_json::to_string(&Self { schema, body }).unwrap_or_else(|_| "{}".to_owned());
        text.push('\n');
        text
    }
}
