//! Records of packages, in the form that both kinds of database have.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Fields that the local database has too.
const LOCAL: [&str; 12] = [
    "NAME",
    "VERSION",
    "BASE",
    "DESC",
    "ARCH",
    "BUILDDATE",
    "GROUPS",
    "DEPENDS",
    "OPTDEPENDS",
    "CONFLICTS",
    "PROVIDES",
    "REPLACES",
];

/// A package, with the fields of its record by name.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) version: String,
    fields: BTreeMap<String, Vec<String>>,
}

impl Entry {
    pub(crate) fn new(name: &str, version: &str) -> Self {
        let mut entry =
            Self { name: name.into(), version: version.into(), fields: BTreeMap::new() };
        let file = format!("{name}-{version}-any.pkg.tar.zst");
        for (field, value) in [
            ("FILENAME", file.as_str()),
            ("NAME", name),
            ("VERSION", version),
            ("DESC", "made for a test"),
            ("ARCH", "any"),
            ("CSIZE", "1000"),
            ("ISIZE", "5000"),
            ("SHA256SUM", &"0123456789abcdef".repeat(4)),
        ] {
            entry.fields.insert(field.into(), vec![value.into()]);
        }
        entry
    }

    /// Reads a record of a sync database.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut fields = BTreeMap::new();
        for block in text.split("\n\n") {
            let mut lines = block.trim().lines();
            let Some(field) =
                lines.next().and_then(|line| line.strip_prefix('%')?.strip_suffix('%'))
            else {
                continue;
            };
            fields.insert(field.to_owned(), lines.map(str::to_owned).collect::<Vec<_>>());
        }
        let one = |field: &str| Some(fields.get(field)?.first()?.clone());
        Some(Self { name: one("NAME")?, version: one("VERSION")?, fields })
    }

    pub(crate) fn with(mut self, field: &str, values: &[&str]) -> Self {
        self.fields.insert(field.into(), values.iter().map(|value| (*value).to_owned()).collect());
        self
    }

    pub(crate) fn depends(self, on: &[&str]) -> Self {
        self.with("DEPENDS", on)
    }

    pub(crate) fn values(&self, field: &str) -> &[String] {
        self.fields.get(field).map_or(&[], Vec::as_slice)
    }

    /// The same package in another version.
    pub(crate) fn at(&self, version: &str) -> Self {
        let mut other = self.clone();
        other.version = version.into();
        other.fields.insert("VERSION".into(), vec![version.into()]);
        other
    }

    /// `desc` of a sync database.
    pub(crate) fn sync_text(&self) -> String {
        text(self.fields.iter().map(|(field, values)| (field.as_str(), values.as_slice())))
    }

    /// `desc` of the local database.
    pub(crate) fn local_text(&self, automatic: bool) -> String {
        let mut local = text(LOCAL.iter().map(|field| (*field, self.values(field))));
        local.push_str("%INSTALLDATE%\n1600000000\n\n");
        if let Some(size) = self.values("ISIZE").first() {
            let _ = write!(local, "%SIZE%\n{size}\n\n");
        }
        if automatic {
            local.push_str("%REASON%\n1\n\n");
        }
        local.push_str("%VALIDATION%\nnone\n\n");
        local
    }
}

fn text<'a>(fields: impl Iterator<Item = (&'a str, &'a [String])>) -> String {
    let mut text = String::new();
    for (field, values) in fields.filter(|(_, values)| !values.is_empty()) {
        let _ = write!(text, "%{field}%\n{}\n\n", values.join("\n"));
    }
    text
}
