//! How a plan looks: what goes, comes and changes, in groups; what stays; what was chosen; sums.

use std::collections::BTreeMap;

use omg_core::{Action, Plan, Planned};

use super::extras;
use super::rows::{self, Rows};
use crate::render::{Output, Style, bytes, change_of_size, count};

/// A plan with what the view needs besides.
pub(crate) struct View<'a> {
    /// The plan.
    pub(crate) plan: &'a Plan,
    /// Seconds since the epoch, for ages.
    pub(crate) now: u64,
    /// Everything, not only what matters to most.
    pub(crate) verbose: bool,
}

/// A group of changes: its title, the title's style, and what belongs to it.
type Group = (&'static str, Style, fn(Action) -> bool);

/// In the order of how much a user should mind.
const GROUPS: [Group; 5] = [
    ("Remove", Style::Bad, |action| matches!(action, Action::Remove | Action::Purge)),
    ("Downgrade", Style::Warn, |action| action == Action::Downgrade),
    ("Install", Style::Good, |action| action == Action::Install),
    ("Upgrade", Style::Good, |action| action == Action::Upgrade),
    ("Reinstall", Style::Heading, |action| action == Action::Reinstall),
];

impl View<'_> {
    /// Writes it for people.
    pub(crate) fn write(&self, out: &mut Output) {
        let plan = self.plan;
        let usual = usual_architecture(&plan.changes);
        for (title, style, belongs) in GROUPS {
            let changes: Vec<&Planned> =
                plan.changes.iter().filter(|change| belongs(change.action)).collect();
            if !changes.is_empty() {
                heading(out, title, style, changes.len());
                rows::write(out, &Rows { changes: &changes, usual });
            }
        }
        extras::builds(out, &plan.builds, self.now);
        extras::held_back(out, &plan.held_back);
        extras::providers(out, &plan.providers);
        extras::optional(out, &plan.optional, self.verbose);
        extras::unneeded(out, &plan.unneeded, self.verbose);
        extras::warnings(out, &plan.warnings);
        self.sums(out);
    }

    fn sums(&self, out: &mut Output) {
        let plan = self.plan;
        if !out.text().is_empty() {
            out.line();
        }
        if plan.is_empty() {
            out.push("nothing to do").line();
            return;
        }
        let number = |belongs: fn(Action) -> bool| {
            plan.changes.iter().filter(|change| belongs(change.action)).count()
        };
        let mut parts: Vec<String> = GROUPS
            .iter()
            .map(|(title, _, belongs)| (number(*belongs), title.to_ascii_lowercase()))
            .chain([(plan.builds.len(), "build".to_owned())])
            .filter(|(number, _)| *number > 0)
            .map(|(number, verb)| format!("{} to {verb}", count(number as u64)))
            .collect();
        if !plan.held_back.is_empty() {
            parts.push(format!("{} held back", count(plan.held_back.len() as u64)));
        }
        extras::wrapped(out, 0, Style::Heading, &parts.join(", "));
        let mut parts = vec![
            format!("Download {}", bytes(plan.download_size())),
            format!("disk {}", change_of_size(plan.installed_size_delta())),
        ];
        if plan.needs_privilege() {
            parts.push("needs the administrator's rights".to_owned());
        }
        extras::wrapped(out, 0, Style::Plain, &parts.join(", "));
        if self.verbose {
            let digest = plan.digest();
            let short = digest.get(..16).unwrap_or(&digest);
            out.push("Digest ").styled(Style::Dim, short).line();
        }
    }
}

/// A line for each change: `+NAME VERSION` for what comes, in whatever version there was before,
/// `-NAME` for what goes, `*BASE VERSION` for what is built.
pub(crate) fn write_quiet(out: &mut Output, plan: &Plan) {
    let usual = usual_architecture(&plan.changes);
    for change in &plan.changes {
        let name = rows::name(change, usual);
        match &change.new_version {
            Some(version) => {
                out.push("+").foreign(Style::Plain, &name);
                out.push(" ").foreign(Style::Plain, version).line();
            }
            None => {
                out.push("-").foreign(Style::Plain, &name).line();
            }
        }
    }
    for build in &plan.builds {
        out.push("*").foreign(Style::Plain, &build.package_base);
        out.push(" ").foreign(Style::Plain, &build.version).line();
    }
}

/// `Install (3)`, with an empty line above unless it is the first.
pub(crate) fn heading(out: &mut Output, title: &str, style: Style, number: usize) {
    if !out.text().is_empty() {
        out.line();
    }
    out.styled(style, title);
    out.styled(Style::Dim, &format!(" ({})", count(number as u64))).line();
}

/// The architecture that goes without saying: the one of most changes.
pub(crate) fn usual_architecture(changes: &[Planned]) -> &str {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let own = changes.iter().map(|change| change.architecture.as_str());
    for architecture in own.filter(|it| !matches!(*it, "all" | "any")) {
        *counts.entry(architecture).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map_or("", |(architecture, _)| architecture)
}

#[cfg(test)]
mod tests {
    use super::super::samples::{apt, arch, planned};
    use super::*;
    use crate::render::{Screen, width};

    fn shown(plan: &Plan, screen: Screen) -> String {
        let mut out = Output::new(screen);
        View { plan, now: 1_200_000, verbose: false }.write(&mut out);
        out.text().to_owned()
    }

    #[test]
    fn a_plan_fits_every_terminal() {
        for columns in [140, 80, 60, 40, 30] {
            for plan in [apt(), arch()] {
                let text = shown(&plan, Screen::terminal(columns));
                for line in text.lines() {
                    assert!(width(line) <= columns, "{columns}: {line}");
                }
            }
        }
        insta::assert_snapshot!("plan_usual", shown(&apt(), Screen::terminal(80)));
        insta::assert_snapshot!("plan_narrow", shown(&apt(), Screen::terminal(40)));
        insta::assert_snapshot!("plan_piped", shown(&apt(), Screen::pipe()));
        insta::assert_snapshot!("plan_aur", shown(&arch(), Screen::terminal(80)));
        insta::assert_snapshot!("plan_aur_narrow", shown(&arch(), Screen::terminal(40)));
    }

    #[test]
    fn what_changes_in_a_version_stands_out() {
        let screen = Screen { color: true, ..Screen::terminal(80) };
        let text = shown(&apt(), screen).replace('\x1b', "ESC");
        assert!(text.contains("ESC[32m1.6-2.1+deb12uESC[0mESC[1;32m3ESC[0m"), "{text}");
        assert!(text.contains("ESC[1;31mRemoveESC[0m"), "{text}");
    }

    #[test]
    fn more_is_shown_when_asked_for() {
        let mut out = Output::new(Screen::terminal(80));
        View { plan: &apt(), now: 0, verbose: true }.write(&mut out);
        let text = out.text();
        assert!(text.contains("plugin-11") && text.contains("plugin-03 for vim [there]"), "{text}");
        assert!(text.contains(&format!("Digest {}", &apt().digest()[..16])), "{text}");
        assert!(!shown(&apt(), Screen::terminal(80)).contains("plugin-11"));
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        assert_eq!(shown(&Plan::default(), Screen::terminal(80)), "nothing to do\n");
        let leftover = Plan { unneeded: vec!["libjq1".into()], ..Plan::default() };
        assert!(
            shown(&leftover, Screen::pipe())
                .ends_with("\n  libjq1\n  omg autoremove -n\n\nnothing to do\n")
        );
    }

    #[test]
    fn scripts_get_a_line_for_each_change() {
        let mut out = Output::new(Screen::pipe());
        write_quiet(&mut out, &arch());
        write_quiet(&mut out, &apt());
        insta::assert_snapshot!(out.text());
    }

    #[test]
    fn foreign_text_is_only_text() {
        let hostile = "evil\x1b]52;c;\x07\u{202e}\nInstall (1)";
        let mut plan = apt();
        for change in &mut plan.changes {
            change.name = hostile.into();
            change.repository = hostile.into();
            change.new_version = Some(hostile.into());
            change.reason = omg_core::Reason::Dependency(hostile.into());
        }
        plan.changes.push(omg_core::Planned {
            architecture: hostile.into(),
            old_version: Some(hostile.into()),
            ..planned(Action::Remove, hostile)
        });
        plan.warnings.push(hostile.into());
        plan.unneeded.push(hostile.into());
        plan.held_back[0].why = hostile.into();
        plan.providers[0].chosen = hostile.into();
        plan.optional[0].description = hostile.into();
        let mut aur = arch();
        aur.builds[0].maintainer = Some(hostile.into());
        aur.builds[0].package_base = hostile.into();
        aur.builds[0].make_depends = vec![hostile.into()];
        for plan in [plan, aur] {
            for screen in [Screen::terminal(80), Screen::terminal(40), Screen::pipe()] {
                let mut out = Output::new(screen);
                View { plan: &plan, now: 0, verbose: true }.write(&mut out);
                write_quiet(&mut out, &plan);
                let bad = out.text().chars().find(|c| *c != '\n' && omg_core::is_dangerous(*c));
                assert_eq!(bad, None, "{}", out.text());
                assert!(out.text().contains("evil\\x1b]52"), "{}", out.text());
            }
        }
    }
}
