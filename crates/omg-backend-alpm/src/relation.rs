//! Relations between packages as databases write them: `foo>=1.2`, `libfoo.so=1-64`, `vim: to edit`.
//!
//! What satisfies what is libalpm's rule (`_alpm_depcmp`): a package of that name in a fitting
//! version, or a provision of that name; if the relation names a version, the provision must, too.
//!
//! ```
//! use omg_backend_alpm::relation::{Operator, Relation};
//!
//! let one = Relation::parse("python>=3.9: for the plug-ins");
//! assert_eq!(one.name, "python");
//! assert_eq!(one.constraint, Some((Operator::AtLeast, "3.9")));
//! assert!(one.satisfied_by("python", "1:3.8-1", []));
//! assert!(one.satisfied_by("pypy", "7.3-1", ["python=3.9"]));
//! assert!(!one.satisfied_by("pypy", "7.3-1", ["python"]));
//! ```

use std::cmp::Ordering;

use memchr::{memchr, memchr_iter};

use crate::version;

/// How a version must compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operator {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `=`
    Equal,
    /// `>=`
    AtLeast,
    /// `>`
    Above,
}

impl Operator {
    /// All; those of two characters first.
    const ALL: [Self; 5] = [Self::AtMost, Self::AtLeast, Self::Below, Self::Above, Self::Equal];

    /// Is `have OPERATOR want` true?
    pub fn holds(self, have: &str, want: &str) -> bool {
        let order = version::compare(have, want);
        match self {
            Self::Below => order == Ordering::Less,
            Self::AtMost => order != Ordering::Greater,
            Self::Equal => order == Ordering::Equal,
            Self::AtLeast => order != Ordering::Less,
            Self::Above => order == Ordering::Greater,
        }
    }

    /// The sign as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
            Self::AtLeast => ">=",
            Self::Above => ">",
        }
    }
}

/// A dependency, optional dependency, conflict, replacement or provision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Relation<'a> {
    /// Bare name. Not necessarily a good one: see [`crate::desc::valid_name`].
    pub name: &'a str,
    /// The version it must have.
    pub constraint: Option<(Operator, &'a str)>,
    /// What an optional dependency is for.
    pub description: Option<&'a str>,
}

impl<'a> Relation<'a> {
    /// Takes a line apart, as `alpm_dep_from_string` does. Never fails.
    pub fn parse(text: &'a str) -> Self {
        // With the space: a lone colon ends an epoch.
        let bytes = text.as_bytes();
        // Most have no colon: a search for two bytes would take longer to prepare than this one.
        let colon = memchr_iter(b':', bytes).find(|at| bytes.get(at + 1) == Some(&b' '));
        let (text, description) = match colon {
            Some(at) => (text.get(..at).unwrap_or(""), text.get(at + 2..)),
            None => (text, None),
        };
        // In this order: `a>1<2` is a name `a>1` below 2.
        let sign = [b'<', b'>', b'='].into_iter().find_map(|sign| memchr(sign, text.as_bytes()));
        let Some((name, bound)) = sign.and_then(|at| text.split_at_checked(at)) else {
            return Self { name: text, constraint: None, description };
        };
        let constraint = Operator::ALL
            .into_iter()
            .find_map(|operator| Some((operator, bound.strip_prefix(operator.as_str())?)));
        Self { name, constraint, description }
    }

    /// Does a package of this name, version and provisions satisfy it?
    pub fn satisfied_by<'p>(
        &self,
        name: &str,
        version: &str,
        provides: impl IntoIterator<Item = &'p str>,
    ) -> bool {
        self.satisfied_by_name(name, version)
            || provides.into_iter().any(|provision| self.satisfied_by_provision(provision))
    }

    /// Does the package itself satisfy it, without its provisions?
    pub fn satisfied_by_name(&self, name: &str, version: &str) -> bool {
        self.name == name
            && self.constraint.is_none_or(|(operator, want)| operator.holds(version, want))
    }

    /// Does this line of `%PROVIDES%` satisfy it?
    pub fn satisfied_by_provision(&self, provision: &str) -> bool {
        // Most provisions are of another name: see that before taking them apart.
        if !provision.starts_with(self.name) {
            return false;
        }
        let provision = Relation::parse(provision);
        if provision.name != self.name {
            return false;
        }
        match (self.constraint, provision.constraint) {
            (None, _) => true,
            (Some((operator, want)), Some((Operator::Equal, have))) => operator.holds(have, want),
            (Some(_), _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_is_read() {
        let constraint = |text| Relation::parse(text).constraint;
        assert_eq!(constraint("a"), None);
        assert_eq!(constraint("a<1"), Some((Operator::Below, "1")));
        assert_eq!(constraint("a<=1"), Some((Operator::AtMost, "1")));
        assert_eq!(constraint("a=1:2-3"), Some((Operator::Equal, "1:2-3")));
        assert_eq!(constraint("a>=1"), Some((Operator::AtLeast, "1")));
        assert_eq!(constraint("a>1"), Some((Operator::Above, "1")));
        assert_eq!(constraint("libfoo.so=1-64"), Some((Operator::Equal, "1-64")));
        let one = Relation::parse("a: b: c");
        assert_eq!((one.name, one.description), ("a", Some("b: c")));
        assert_eq!(Relation::parse("a>1<2").name, "a>1");
        assert_eq!(Relation::parse("a=").constraint, Some((Operator::Equal, "")));
    }

    #[test]
    fn versions_and_provisions_satisfy() {
        let one = Relation::parse("sh>=2");
        assert!(one.satisfied_by("sh", "2-1", []));
        assert!(!one.satisfied_by("sh", "1-1", []));
        assert!(!one.satisfied_by("bash", "5-1", ["sh"]));
        assert!(!one.satisfied_by("bash", "5-1", ["sh>=2", "shell=2"]));
        assert!(one.satisfied_by("bash", "5-1", ["a", "sh=2"]));
        assert!(Relation::parse("sh").satisfied_by("bash", "5-1", ["sh>=2"]));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>(), near in "[a-c:<>= ~0-9]{0,30}") {
            for text in [text, near] {
                let one = Relation::parse(&text);
                prop_assert!(text.starts_with(one.name));
                prop_assert!(one.satisfied_by(one.name, one.constraint.map_or("1", |(_, want)| want), [])
                    || matches!(one.constraint, Some((Operator::Below | Operator::Above, _))));
                let _ = one.satisfied_by_provision(&text);
            }
        }
    }
}
