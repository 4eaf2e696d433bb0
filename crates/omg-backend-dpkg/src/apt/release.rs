//! What a suite says of itself: the fields of InRelease or Release that policy depends on.

use std::path::{Path, PathBuf};

use super::read::read_text;
use super::sources::Suite;
use super::stanza;

/// Fields of a Release file; empty where the file has none.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Release {
    pub(crate) origin: String,
    pub(crate) label: String,
    /// `Suite`, which pins call archive.
    pub(crate) suite: String,
    pub(crate) codename: String,
    pub(crate) version: String,
    /// Nothing of this suite is installed unless asked for.
    pub(crate) not_automatic: bool,
    /// Upgrades of what is installed from this suite happen all the same.
    pub(crate) but_automatic_upgrades: bool,
}

impl Release {
    /// Reads InRelease, else Release, of a suite. A suite without either has empty fields.
    pub(crate) fn read(lists: &Path, suite: &Suite, warnings: &mut Vec<String>) -> Self {
        let Some(path) = path(lists, suite) else { return Self::default() };
        match read_text(&path) {
            Ok(text) => Self::parse(&text),
            Err(error) => {
                warnings.push(error.with_cause());
                Self::default()
            }
        }
    }

    fn parse(text: &str) -> Self {
        let signed = text.strip_prefix("-----BEGIN PGP SIGNED MESSAGE-----").and_then(|rest| {
            let rest = rest.trim_start_matches(['\r', '\n']);
            rest.split_once("\n\n").map(|(_, body)| body)
        });
        // The lists of digests are long and hang on fields as continuation lines.
        let lines = signed.unwrap_or(text).lines().filter(|line| !line.starts_with([' ', '\t']));
        let head = lines
            .take_while(|line| !line.starts_with("-----BEGIN"))
            .fold(String::new(), |head, line| head + line + "\n");
        let fields = stanza::parse(&head).into_iter().next().unwrap_or_default();
        let get = |name: &str| fields.get(name).unwrap_or("").to_owned();
        let flag = |name: &str| super::conf::parse_bool(&get(name)) == Some(true);
        Self {
            origin: get("Origin"),
            label: get("Label"),
            suite: get("Suite"),
            codename: get("Codename"),
            version: get("Version"),
            not_automatic: flag("NotAutomatic"),
            but_automatic_upgrades: flag("ButAutomaticUpgrades"),
        }
    }

    /// What users see before the slash of `bookworm-updates/main`.
    ///
    /// Debian's codenames tell its suites apart, Ubuntu's are the same for `jammy`,
    /// `jammy-updates` and `jammy-security`, whose suites differ.
    pub(crate) fn name<'a>(&'a self, suite: &'a Suite) -> &'a str {
        let dist = suite.dist.trim_matches(['.', '/']);
        let dist = if dist.is_empty() { suite.site.as_str() } else { dist };
        if self.codename.is_empty() {
            return if self.suite.is_empty() { dist } else { &self.suite };
        }
        if self.suite.strip_prefix(self.codename.as_str()).is_some_and(|rest| rest.starts_with('-'))
        {
            return &self.suite;
        }
        &self.codename
    }

    /// Does it carry security fixes?
    pub(crate) fn is_security(&self, suite: &Suite) -> bool {
        let names = [self.suite.as_str(), self.codename.as_str(), suite.dist.as_str()];
        self.label == "Debian-Security"
            || names.iter().any(|name| name.trim_end_matches('/').ends_with("-security"))
            || suite.dist.ends_with("/updates") && suite.uri.contains("security")
    }
}

/// The file that describes a suite, if there is one.
pub(crate) fn path(lists: &Path, suite: &Suite) -> Option<PathBuf> {
    ["InRelease", "Release"]
        .into_iter()
        .map(|name| lists.join(format!("{}{name}", suite.prefix)))
        .find(|path| path.is_file())
}
