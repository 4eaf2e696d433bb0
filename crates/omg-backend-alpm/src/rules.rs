//! The patterns of pacman.conf that single packages and groups out: `IgnorePkg`, `IgnoreGroup`,
//! `HoldPkg`.

use crate::conf::Conf;
use omg_backend::glob::Glob;

/// Patterns, ready to be matched as pacman matches them: with fnmatch(3) and no flags.
#[derive(Debug, Default)]
pub struct Rules {
    ignored: Vec<Glob>,
    ignored_groups: Vec<Glob>,
    held: Vec<Glob>,
}

impl Rules {
    /// The patterns of a configuration.
    pub fn of(conf: &Conf) -> Self {
        Self::new(&conf.ignore_pkg, &conf.ignore_group, &conf.hold_pkg)
    }
    /// These patterns for `IgnorePkg`, `IgnoreGroup` and `HoldPkg`.
    pub fn new(packages: &[String], groups: &[String], held: &[String]) -> Self {
        let all = |patterns: &[String]| patterns.iter().map(|text| Glob::new(text)).collect();
        Self { ignored: all(packages), ignored_groups: all(groups), held: all(held) }
    }

    /// Is the package kept at its version (`alpm_pkg_should_ignore`)?
    pub fn ignores<'g>(&self, name: &str, groups: impl IntoIterator<Item = &'g str>) -> bool {
        any(&self.ignored, name) || self.ignores_any(groups)
    }

    /// Is one of these groups ignored?
    pub(crate) fn ignores_any<'g>(&self, groups: impl IntoIterator<Item = &'g str>) -> bool {
        self.by_group() && groups.into_iter().any(|group| any(&self.ignored_groups, group))
    }

    /// Is any group ignored?
    pub(crate) fn by_group(&self) -> bool {
        !self.ignored_groups.is_empty()
    }

    /// Does pacman ask before it removes the package?
    pub fn holds(&self, name: &str) -> bool {
        any(&self.held, name)
    }
}

fn any(patterns: &[Glob], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_groups_are_matched_by_pattern() {
        let list = |text: &str| vec![text.to_owned()];
        let rules = Rules::new(&list("linux*"), &list("gnom?"), &list("pac[lm]an"));
        assert!(rules.ignores("linux-lts", []) && !rules.ignores("arch-linux", []));
        assert!(
            rules.ignores("nautilus", ["x", "gnome"]) && !rules.ignores("nautilus", ["gnome3"])
        );
        assert!(rules.holds("pacman") && !rules.holds("pacmanager"));
        assert!(!Rules::default().ignores("a", ["b"]));
    }
}
