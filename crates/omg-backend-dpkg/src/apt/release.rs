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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn suite(dist: &str) -> Suite {
        Suite {
            uri: "http://host/debian/".into(),
            address: "http://host/debian/".into(),
            site: "host".into(),
            dist: dist.into(),
            prefix: "host_debian_dists_x_".into(),
            packages: Vec::new(),
            translations: Vec::new(),
            contents: Vec::new(),
            indexes: Vec::new(),
            options: std::collections::BTreeMap::new(),
            conflict: None,
        }
    }

    #[test]
    fn fields_are_read_from_signed_and_plain_files() {
        let plain = "Origin: Debian\nSHA256:\n abc 1 main/x\nLabel: Debian-Security\nSuite: stable-security\nCodename: bookworm-security\nNotAutomatic: yes\nButAutomaticUpgrades: no\n";
        let signed = format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{plain}-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"
        );
        let release = Release::parse(plain);
        assert_eq!(Release::parse(&signed), release);
        assert_eq!(
            (release.label.as_str(), release.not_automatic, release.but_automatic_upgrades),
            ("Debian-Security", true, false)
        );
        assert!(release.is_security(&suite("stable-security")));
    }

    #[test]
    fn names_tell_suites_apart() {
        let name = |suite_field: &str, codename: &str, dist: &str| {
            let release = Release {
                suite: suite_field.into(),
                codename: codename.into(),
                ..Release::default()
            };
            release.name(&suite(dist)).to_owned()
        };
        assert_eq!(name("stable", "bookworm", "stable"), "bookworm");
        assert_eq!(
            name("stable-security", "bookworm-security", "bookworm-security"),
            "bookworm-security"
        );
        assert_eq!(name("jammy-updates", "jammy", "jammy-updates"), "jammy-updates");
        assert_eq!(name("jammy", "jammy", "jammy"), "jammy");
        assert_eq!(name("", "", "bookworm"), "bookworm");
        assert_eq!(name("", "", "./"), "host");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"(-----BEGIN PGP SIGNED MESSAGE-----|(Origin|Suite|SHA256):|\n| |\r|\PC){0,40}") {
            let release = Release::parse(&text);
            let _ = (release.name(&suite("./")).len(), release.is_security(&suite("x/updates")));
        }
    }
}
