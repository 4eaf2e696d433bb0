//! Dependencies as Arch writes them: `name`, `name>=1.2`, `name: what for`.
//!
//! The rules are libalpm's (`alpm_dep_from_string`, `_alpm_depcmp` in deps.c of pacman 6).

use std::cmp::Ordering;

/// Which of two versions is newer: the order of `vercmp`, handed in by the caller.
pub type Compare = fn(&str, &str) -> Ordering;

/// How a version has to stand to the one of a dependency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operator {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `=`
    Equal,
    /// `>=`
    GreaterOrEqual,
    /// `>`
    Greater,
}

/// A dependency taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Constraint<'a> {
    /// Bare name.
    pub name: &'a str,
    /// The version it must have.
    pub bound: Option<(Operator, &'a str)>,
}

impl Operator {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Greater => order.is_gt(),
        }
    }
}

impl<'a> Constraint<'a> {
    /// Takes a dependency apart. What follows `: ` is the reason of an optional one.
    ///
    /// ```
    /// use omg_aur::constraint::{Constraint, Operator};
    ///
    /// let dependency = Constraint::parse("python>=3.8: for plugins");
    /// assert_eq!(dependency.name, "python");
    /// assert_eq!(dependency.bound, Some((Operator::GreaterOrEqual, "3.8")));
    /// ```
    pub fn parse(text: &'a str) -> Self {
        let text = text.split_once(": ").map_or(text, |(text, _)| text).trim();
        let Some(at) = text.find(['<', '>', '=']) else {
            return Self { name: text, bound: None };
        };
        let (name, rest) = text.split_at_checked(at).unwrap_or((text, ""));
        let signs = [
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
            ("=", Operator::Equal),
        ];
        let bound = signs
            .into_iter()
            .find_map(|(sign, operator)| Some((operator, rest.strip_prefix(sign)?.trim())));
        Self { name: name.trim(), bound }
    }

    /// Does a package of this version, or one that provides this, satisfy it?
    pub fn accepts(
        self,
        name: &str,
        version: &str,
        provides: impl IntoIterator<Item: AsRef<str>>,
        compare: Compare,
    ) -> bool {
        let fits = |version: &str| {
            self.bound.is_none_or(|(operator, wanted)| operator.holds(compare(version, wanted)))
        };
        (self.name == name && fits(version))
            || provides.into_iter().any(|item| {
                let provided = Constraint::parse(item.as_ref());
                provided.name == self.name
                    && match (self.bound, provided.bound) {
                        (None, _) => true,
                        // Without a version it satisfies only those that ask for none.
                        (Some(_), Some((Operator::Equal, version))) => fits(version),
                        (Some(_), _) => false,
                    }
            })
    }
}

/// The bare name of a dependency.
pub fn bare(text: &str) -> &str {
    Constraint::parse(text).name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(left: &str, right: &str) -> Ordering {
        let number = |text: &str| text.parse::<u32>().unwrap_or(0);
        number(left).cmp(&number(right))
    }

    #[test]
    fn dependencies_are_taken_apart() {
        let cases = [
            ("a", "a", None),
            ("a>=1:2-3", "a", Some((Operator::GreaterOrEqual, "1:2-3"))),
            ("a<=1", "a", Some((Operator::LessOrEqual, "1"))),
            ("a<1", "a", Some((Operator::Less, "1"))),
            ("a>1", "a", Some((Operator::Greater, "1"))),
            ("a=1", "a", Some((Operator::Equal, "1"))),
            ("liba.so=1-64", "liba.so", Some((Operator::Equal, "1-64"))),
            ("a: to b = c", "a", None),
            ("perl-a::b", "perl-a::b", None),
            ("a >= 1", "a", Some((Operator::GreaterOrEqual, "1"))),
            ("", "", None),
        ];
        for (text, name, bound) in cases {
            assert_eq!(Constraint::parse(text), Constraint { name, bound }, "{text}");
        }
    }

    #[test]
    fn names_and_provides_satisfy_with_their_versions() {
        let accepts = |dependency: &str, provides: &[&str]| {
            Constraint::parse(dependency).accepts("a", "5", provides, order)
        };
        assert!(accepts("a", &[]) && accepts("a>=5", &[]) && accepts("a<=5", &[]));
        assert!(accepts("a=5", &[]) && accepts("a>4", &[]) && accepts("a<6", &[]));
        assert!(!accepts("a>5", &[]) && !accepts("a<5", &[]) && !accepts("a=4", &[]));
        assert!(!accepts("b", &[]) && accepts("b", &["b"]) && accepts("b>=2", &["b=2"]));
        assert!(!accepts("b>=2", &["b"]) && !accepts("b>=3", &["b=2"]));
        assert!(accepts("a>=7", &["a=7"]));
    }

    proptest! {
        #[test]
        fn never_panics_and_keeps_to_its_text(text in any::<String>(), other in any::<String>()) {
            let constraint = Constraint::parse(&text);
            prop_assert!(text.contains(constraint.name) && !constraint.name.contains(['<', '>', '=']));
            let _ = constraint.accepts(&other, &text, [&other], order);
        }
    }
}
