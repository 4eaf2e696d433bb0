//! What a plan says besides its changes: recipes to build, what stays behind, choices, hints.

use omg_core::{Build, HeldBack, OptionalDependency, ProviderChoice};

use super::view::heading;
use crate::render::{Output, Style, age, clean, count, wrap};

/// Lines are this long off a terminal.
const PIPED: usize = 100;

/// Optional dependencies and leftovers shown unless asked for all.
const FEW: usize = 8;

/// Recipes of the AUR with what speaks for and against them.
pub(crate) fn builds(out: &mut Output, builds: &[Build], now: u64) {
    if builds.is_empty() {
        return;
    }
    heading(out, "Build from the AUR", Style::Warn, builds.len());
    for build in builds {
        out.spaces(2).foreign(Style::Name, &build.package_base);
        out.push(" ").foreign(Style::Version, &build.version);
        if build.out_of_date.is_some() {
            out.push("  ").styled(Style::Bad, "[out of date]");
        }
        if build.maintainer.is_none() {
            out.push("  ").styled(Style::Bad, "[orphaned]");
        }
        out.line();
        let mut facts = vec![
            format!("{} votes", count(build.votes.into())),
            format!("changed {} ago", age(now.saturating_sub(build.last_modified))),
        ];
        facts.extend(build.maintainer.iter().map(|name| format!("maintained by {name}")));
        if let Some(at) = build.out_of_date {
            facts.push(format!("flagged {} ago", age(now.saturating_sub(at))));
        }
        wrapped(out, 4, Style::Plain, &facts.join(", "));
        let lists = [
            ("makes", &build.packages),
            ("to build it", &build.make_depends),
            ("to test it", &build.check_depends),
        ];
        for (label, names) in lists {
            let itself = label == "makes" && *names == [build.package_base.clone()];
            if !names.is_empty() && !itself {
                wrapped(out, 4, Style::Dim, &format!("{label}: {}", names.join(" ")));
            }
        }
    }
}

/// What stays though something newer is there, and why.
pub(crate) fn held_back(out: &mut Output, held: &[HeldBack]) {
    if held.is_empty() {
        return;
    }
    heading(out, "Held back", Style::Warn, held.len());
    let arrow = out.screen.pick("→", "->");
    for package in held {
        let HeldBack { name, installed_version, candidate_version, why, .. } = package;
        let text = format!("{name} {installed_version} {arrow} {candidate_version}: {why}");
        wrapped(out, 2, Style::Plain, &text);
    }
}

/// Who was chosen among several, and how to choose another.
pub(crate) fn providers(out: &mut Output, choices: &[ProviderChoice]) {
    let several: Vec<_> = choices.iter().filter(|choice| choice.options.len() > 1).collect();
    if several.is_empty() {
        return;
    }
    heading(out, "Chosen", Style::Heading, several.len());
    for ProviderChoice { wanted, wanted_by, chosen, options } in several {
        let by = if wanted_by.is_empty() { String::new() } else { format!(" for {wanted_by}") };
        let others: Vec<&str> = options
            .iter()
            .filter(|option| *option != chosen)
            .map(String::as_str)
            .take(FEW)
            .collect();
        let text = format!(
            "{wanted}: {chosen}{by} (of {}; --provider {wanted}=PKG), not {}",
            options.len(),
            others.join(" ")
        );
        wrapped(out, 2, Style::Plain, &text);
    }
}

/// Optional dependencies that are not met.
pub(crate) fn optional(out: &mut Output, all: &[OptionalDependency], verbose: bool) {
    let open: Vec<_> = all.iter().filter(|it| verbose || !it.satisfied).collect();
    if open.is_empty() {
        return;
    }
    heading(out, "Optional, not in the plan", Style::Heading, open.len());
    let shown = if verbose { open.len() } else { FEW };
    for OptionalDependency { package, wanted, description, satisfied } in open.iter().take(shown) {
        let what = if description.is_empty() { String::new() } else { format!(": {description}") };
        let there = if *satisfied { " [there]" } else { "" };
        wrapped(out, 2, Style::Plain, &format!("{wanted} for {package}{what}{there}"));
    }
    more(out, open.len(), shown);
}

/// Packages that nothing needs any more.
pub(crate) fn unneeded(out: &mut Output, names: &[String], verbose: bool) {
    if names.is_empty() {
        return;
    }
    heading(out, "No longer needed", Style::Heading, names.len());
    let shown = if verbose { names.len() } else { names.len().min(2 * FEW) };
    wrapped(out, 2, Style::Plain, &names.get(..shown).unwrap_or(names).join(" "));
    more(out, names.len(), shown);
    out.spaces(2).styled(Style::Dim, "omg autoremove -n").line();
}

/// What to know before saying yes.
pub(crate) fn warnings(out: &mut Output, warnings: &[String]) {
    if warnings.is_empty() {
        return;
    }
    if !out.text().is_empty() {
        out.line();
    }
    for warning in warnings {
        wrapped(out, 0, Style::Warn, &format!("warning: {warning}"));
    }
}

fn more(out: &mut Output, all: usize, shown: usize) {
    if all > shown {
        let dots = out.screen.pick("…", "...");
        let text = format!("{dots} and {} more with -v", count((all - shown) as u64));
        out.spaces(2).styled(Style::Dim, &text).line();
    }
}

/// Foreign text in lines that fit, each behind `indent` spaces; the second and later ones a little
/// further in.
pub(crate) fn wrapped(out: &mut Output, indent: usize, style: Style, text: &str) {
    let text = clean(text);
    let columns = out.screen.columns.unwrap_or(PIPED);
    let room = columns.saturating_sub(indent + 2).max(16);
    for (at, line) in wrap(text.split_whitespace(), room).iter().enumerate() {
        out.spaces(if at == 0 { indent } else { indent + 2 }).styled(style, line).line();
    }
}
