//! A package as the AUR's RPC and its dump describe it.
//!
//! Fields: <https://wiki.archlinux.org/title/Aurweb_RPC_interface#Return_data>. The relations hold
//! what the `.SRCINFO` says for all architectures together, which the AUR does not keep apart.

use omg_core::AurFacts;
use serde::Deserialize;

use crate::error::Error;
use crate::name::is_name;
use crate::text::Text;

/// A package of the AUR. Answers to searches have no relations, groups, licences or keywords.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Package {
    /// Name.
    pub name: String,
    /// The recipe that makes it.
    pub package_base: String,
    /// `epoch:pkgver-pkgrel`, as the recipe had it when it was last pushed.
    pub version: String,
    /// One line.
    pub description: Option<String>,
    /// Home page.
    #[serde(rename = "URL")]
    pub url: Option<String>,
    /// Votes.
    pub num_votes: u32,
    /// Sum of the votes, each weighing less the older it is.
    pub popularity: f64,
    /// Seconds since the epoch at which somebody flagged it as out of date.
    pub out_of_date: Option<u64>,
    /// Who maintains it; `None` if it is orphaned.
    pub maintainer: Option<String>,
    /// Who submitted it first; searches leave it out.
    pub submitter: Option<String>,
    /// Who else may push.
    pub co_maintainers: Vec<String>,
    /// Seconds since the epoch.
    pub first_submitted: u64,
    /// Seconds since the epoch.
    pub last_modified: u64,
    /// Needed to run.
    pub depends: Vec<String>,
    /// Needed to build.
    pub make_depends: Vec<String>,
    /// Needed for the tests of the build.
    pub check_depends: Vec<String>,
    /// Optional, each with what it is for after a colon.
    pub opt_depends: Vec<String>,
    /// What it stands for besides its name, with or without a version.
    pub provides: Vec<String>,
    /// What can't be installed beside it.
    pub conflicts: Vec<String>,
    /// What it takes the place of.
    pub replaces: Vec<String>,
    /// Groups.
    pub groups: Vec<String>,
    /// Licences.
    pub license: Vec<String>,
    /// Words to be found by.
    pub keywords: Vec<String>,
}

/// The same for one pass over the dump, borrowed from its text.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Entry<'a> {
    pub(crate) name: Text<'a>,
    pub(crate) package_base: Text<'a>,
    pub(crate) version: Text<'a>,
    pub(crate) description: Option<Text<'a>>,
    #[serde(rename = "URL")]
    pub(crate) url: Option<Text<'a>>,
    pub(crate) num_votes: u32,
    pub(crate) popularity: f64,
    pub(crate) out_of_date: Option<u64>,
    pub(crate) maintainer: Option<Text<'a>>,
    pub(crate) submitter: Option<Text<'a>>,
    pub(crate) co_maintainers: Vec<Text<'a>>,
    pub(crate) first_submitted: u64,
    pub(crate) last_modified: u64,
    pub(crate) depends: Vec<Text<'a>>,
    pub(crate) make_depends: Vec<Text<'a>>,
    pub(crate) check_depends: Vec<Text<'a>>,
    pub(crate) opt_depends: Vec<Text<'a>>,
    pub(crate) provides: Vec<Text<'a>>,
    pub(crate) conflicts: Vec<Text<'a>>,
    pub(crate) replaces: Vec<Text<'a>>,
    pub(crate) groups: Vec<Text<'a>>,
    pub(crate) license: Vec<Text<'a>>,
    pub(crate) keywords: Vec<Text<'a>>,
}

impl Package {
    /// Says what keeps an entry from being used: a name that is none, no version.
    pub(crate) fn check(&self) -> Result<(), String> {
        check(&self.name, &self.package_base, &self.version)
    }

    /// Parses the JSON object of one package.
    ///
    /// # Errors
    /// [`Error::Malformed`] for wrong types, for names that can't be names, and without a version.
    pub fn parse(what: &str, json: &str) -> Result<Self, Error> {
        let malformed = |reason| Error::Malformed { what: what.into(), line: 0, reason };
        let package: Self =
            serde_json::from_str(json).map_err(|error| malformed(error.to_string()))?;
        package.check().map_err(malformed)?;
        Ok(package)
    }
}

impl Package {
    /// What the AUR knows beyond what repositories do.
    pub(crate) fn facts(&self) -> AurFacts<'_> {
        AurFacts {
            package_base: &self.package_base,
            maintainer: self.maintainer.as_deref(),
            votes: self.num_votes,
            popularity: millionths(self.popularity),
            first_submitted: self.first_submitted,
            last_modified: self.last_modified,
            out_of_date: self.out_of_date.filter(|time| *time != 0),
        }
    }

    /// Bytes of all its text, and of the strings that hold it.
    pub(crate) fn size(&self) -> usize {
        let own = [&self.name, &self.package_base, &self.version];
        let optional = [&self.description, &self.url, &self.maintainer, &self.submitter];
        let lists = [
            &self.co_maintainers,
            &self.depends,
            &self.make_depends,
            &self.check_depends,
            &self.opt_depends,
            &self.provides,
            &self.conflicts,
            &self.replaces,
            &self.groups,
            &self.license,
            &self.keywords,
        ];
        let items = lists.into_iter().flatten();
        let texts = own.into_iter().chain(optional.into_iter().flatten()).map(String::len);
        size_of::<Self>()
            + texts.sum::<usize>()
            + items.map(|item| size_of::<String>() + item.len()).sum::<usize>()
    }
}

impl Entry<'_> {
    /// As [`Package::facts`].
    pub(crate) fn facts(&self) -> AurFacts<'_> {
        AurFacts {
            package_base: &self.package_base,
            maintainer: self.maintainer.as_deref(),
            votes: self.num_votes,
            popularity: millionths(self.popularity),
            first_submitted: self.first_submitted,
            last_modified: self.last_modified,
            out_of_date: self.out_of_date.filter(|time| *time != 0),
        }
    }

    /// As [`Package::check`].
    pub(crate) fn check(&self) -> Result<(), String> {
        check(&self.name, &self.package_base, &self.version)
    }

    pub(crate) fn to_package(&self) -> Package {
        let list = |texts: &[Text<'_>]| texts.iter().map(|text| text.to_string()).collect();
        let one = |text: &Option<Text<'_>>| text.as_deref().map(str::to_owned);
        Package {
            name: self.name.to_string(),
            package_base: self.package_base.to_string(),
            version: self.version.to_string(),
            description: one(&self.description),
            url: one(&self.url),
            num_votes: self.num_votes,
            popularity: self.popularity,
            out_of_date: self.out_of_date,
            maintainer: one(&self.maintainer),
            submitter: one(&self.submitter),
            co_maintainers: list(&self.co_maintainers),
            first_submitted: self.first_submitted,
            last_modified: self.last_modified,
            depends: list(&self.depends),
            make_depends: list(&self.make_depends),
            check_depends: list(&self.check_depends),
            opt_depends: list(&self.opt_depends),
            provides: list(&self.provides),
            conflicts: list(&self.conflicts),
            replaces: list(&self.replaces),
            groups: list(&self.groups),
            license: list(&self.license),
            keywords: list(&self.keywords),
        }
    }
}

/// The popularity as [`AurFacts`] has it. Numbers out of range end at the range's end.
fn millionths(popularity: f64) -> u32 {
    (popularity * 1e6).round() as u32
}

fn check(name: &str, base: &str, version: &str) -> Result<(), String> {
    for name in [name, base] {
        if !is_name(name) {
            let shown: String = name.chars().take(80).collect();
            return Err(format!("'{}' can't be the name of a package", omg_core::escape(&shown)));
        }
    }
    if version.is_empty() || version.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(format!("'{name}' has no version"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FOO: &str = r#"{"ID":1,"Name":"foo","PackageBase":"foo-base","Version":"1:2-3",
        "Description":"A \"quoted\" \u00fc","URL":null,"NumVotes":7,"Popularity":1.5,
        "OutOfDate":1700000000,"Maintainer":null,"FirstSubmitted":1,"LastModified":2,
        "Depends":["a>=1","b"],"Unknown":{"deep":[1]}}"#;

    #[test]
    fn both_forms_read_the_same() {
        let package = Package::parse("t", FOO).unwrap();
        assert_eq!(package.description.as_deref(), Some("A \"quoted\" ü"));
        assert_eq!(package.depends, ["a>=1", "b"]);
        assert_eq!((package.num_votes, package.out_of_date), (7, Some(1_700_000_000)));
        let entry: Entry<'_> = serde_json::from_str(FOO).unwrap();
        assert!(matches!(entry.name.0, std::borrow::Cow::Borrowed("foo")));
        assert!(matches!(entry.depends[0].0, std::borrow::Cow::Borrowed("a>=1")));
        assert_eq!(entry.to_package(), package);
    }

    #[test]
    fn what_can_not_be_a_package_is_refused() {
        let cases = [
            FOO.replace("\"foo\"", "\"../foo\""),
            FOO.replace("\"foo\"", "\"-foo\""),
            FOO.replace("\"foo-base\"", "\"a\\nb\""),
            FOO.replace("\"1:2-3\"", "\"\""),
            FOO.replace("\"1:2-3\"", "\"1 2\""),
            FOO.replace("\"1:2-3\"", "12"),
            FOO.replace("[\"a>=1\",\"b\"]", "\"a\""),
            FOO.replace("1.5", "\"1.5\""),
            FOO.replace("1700000000", "-1"),
            "[]".into(),
            "{}".into(),
        ];
        for case in cases {
            assert!(Package::parse("t", &case).is_err(), "{case}");
            let entry = serde_json::from_str::<Entry<'_>>(&case);
            assert!(entry.is_err() || entry.unwrap().check().is_err(), "{case}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_on_any_text(text in any::<String>()) {
            let _ = Package::parse("t", &text);
        }
    }
}
