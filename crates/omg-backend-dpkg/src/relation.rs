//! Relations between packages: `Depends`, `Provides` and their kin (Debian Policy 7.1, deb-control(5)).
//!
//! A field is a list of items parted by commas; an item is a list of alternatives parted by `|`; an
//! alternative is a name, perhaps with an architecture (`:any`), a version in parentheses, and, in
//! source packages, architectures in brackets and build profiles in angle brackets.
//!
//! ```
//! use omg_backend_dpkg::relation::{self, Operator};
//!
//! let item = relation::items("libc6 (>= 2.36), default-mta | mail-transport-agent").nth(1);
//! assert_eq!(relation::names(item.unwrap_or("")).collect::<Vec<_>>(), ["default-mta", "mail-transport-agent"]);
//! let one = relation::parse("python3:any (>= 3.9) [amd64] <!nocheck>");
//! assert_eq!(one.and_then(|one| one.bound), Some((Operator::LaterOrEqual, "3.9")));
//! ```

use std::cmp::Ordering;

use crate::version;

/// How a version must compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operator {
    /// `<<`
    Earlier,
    /// `<=`, and the obsolete `<`
    EarlierOrEqual,
    /// `=`
    Equal,
    /// `>=`, and the obsolete `>`
    LaterOrEqual,
    /// `>>`
    Later,
    /// `!=`, which apt knows
    Unequal,
}

impl Operator {
    /// Is `have OPERATOR want` true?
    pub fn holds(self, have: &str, want: &str) -> bool {
        let order = version::compare(have, want);
        match self {
            Self::Earlier => order == Ordering::Less,
            Self::EarlierOrEqual => order != Ordering::Greater,
            Self::Equal => order == Ordering::Equal,
            Self::LaterOrEqual => order != Ordering::Less,
            Self::Later => order == Ordering::Greater,
            Self::Unequal => order != Ordering::Equal,
        }
    }

    fn split(text: &str) -> (Self, &str) {
        const SIGNS: [(&str, Operator); 8] = [
            ("<<", Operator::Earlier),
            ("<=", Operator::EarlierOrEqual),
            (">=", Operator::LaterOrEqual),
            (">>", Operator::Later),
            ("!=", Operator::Unequal),
            ("<", Operator::EarlierOrEqual),
            (">", Operator::LaterOrEqual),
            ("=", Operator::Equal),
        ];
        let text = text.trim_ascii_start();
        SIGNS
            .iter()
            .find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?)))
            .unwrap_or((Self::Equal, text))
    }
}

/// One alternative of a relation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Relation<'a> {
    /// Bare name.
    pub name: &'a str,
    /// What follows the colon: `any`, `native` or an architecture.
    pub architecture: Option<&'a str>,
    /// The version it must have.
    pub bound: Option<(Operator, &'a str)>,
    /// Architectures in brackets, verbatim; only in source packages.
    pub architectures: Option<&'a str>,
    /// Build profiles with their angle brackets, verbatim; only in source packages.
    pub profiles: Option<&'a str>,
}

impl Relation<'_> {
    /// Does this version satisfy it? `None` stands for a provided package without a version, which
    /// satisfies only relations that name none.
    pub fn accepts(&self, version: Option<&str>) -> bool {
        match (self.bound, version) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some((operator, want)), Some(have)) => operator.holds(have, want),
        }
    }
}

/// The items of a field. Empty ones are left out.
pub fn items(field: &str) -> impl Iterator<Item = &str> {
    field.split(',').map(str::trim_ascii).filter(|item| !item.is_empty())
}

/// The alternatives of an item that can be read.
pub fn alternatives(item: &str) -> impl Iterator<Item = Relation<'_>> {
    item.split('|').filter_map(parse)
}

/// The bare names of the alternatives of an item.
pub fn names(item: &str) -> impl Iterator<Item = &str> {
    item.split('|').filter_map(|text| parse(text).map(|relation| relation.name))
}

/// Reads one alternative. `None` if it has no name, or a version without an end.
pub fn parse(text: &str) -> Option<Relation<'_>> {
    let text = text.trim_ascii();
    let end = text
        .find(|c: char| c.is_ascii_whitespace() || "()[]<>,|".contains(c))
        .unwrap_or(text.len());
    let (name, mut rest) = text.split_at_checked(end)?;
    let (name, architecture) = match name.rsplit_once(':') {
        Some((name, architecture)) => (name, Some(architecture)),
        None => (name, None),
    };
    if name.is_empty() {
        return None;
    }
    let mut relation =
        Relation { name, architecture, bound: None, architectures: None, profiles: None };
    rest = rest.trim_ascii_start();
    if let Some(inner) = rest.strip_prefix('(') {
        let (bound, after) = inner.split_once(')')?;
        let (operator, version) = Operator::split(bound);
        let version = version.trim_ascii();
        if version.is_empty() {
            return None;
        }
        relation.bound = Some((operator, version));
        rest = after.trim_ascii_start();
    }
    if let Some(inner) = rest.strip_prefix('[') {
        let (list, after) = inner.split_once(']')?;
        relation.architectures = Some(list.trim_ascii());
        rest = after.trim_ascii_start();
    }
    if rest.starts_with('<') {
        relation.profiles = Some(rest.trim_ascii_end());
        rest = "";
    }
    rest.is_empty().then_some(relation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_part_is_read() {
        let one = parse(" b:any( >= 1.2 ) [amd64 !i386] <!nocheck> <cross>").unwrap();
        assert_eq!(one.name, "b");
        assert_eq!(one.architecture, Some("any"));
        assert_eq!(one.bound, Some((Operator::LaterOrEqual, "1.2")));
        assert_eq!(one.architectures, Some("amd64 !i386"));
        assert_eq!(one.profiles, Some("<!nocheck> <cross>"));
        let all: Vec<_> = alternatives("a (<1) | b (=2)|c(>3)").map(|one| one.bound).collect();
        assert_eq!(
            all,
            [
                Some((Operator::EarlierOrEqual, "1")),
                Some((Operator::Equal, "2")),
                Some((Operator::LaterOrEqual, "3"))
            ]
        );
        assert_eq!(items("a,\n b | c ,, d").collect::<Vec<_>>(), ["a", "b | c", "d"]);
    }

    #[test]
    fn what_is_not_a_relation_is_none() {
        for bad in ["", "(>= 1)", "a (>= 1", "a (>=)", "a )", "a b", ":any"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_provide_without_version_satisfies_no_bound() {
        assert!(parse("a").unwrap().accepts(None));
        assert!(!parse("a (>= 1)").unwrap().accepts(None));
        assert!(parse("a (>= 1~)").unwrap().accepts(Some("1~rc1")));
        assert!(!parse("a (>> 1)").unwrap().accepts(Some("1-0")));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>(), near in "[a-c:(),|<>=\\[\\] ~0-9]{0,30}") {
            for text in [text, near] {
                for item in items(&text) {
                    prop_assert!(names(item).all(|name| !name.is_empty() && text.contains(name)));
                }
            }
        }
    }
}
