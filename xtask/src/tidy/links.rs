//! Links in the documentation that lead nowhere.

use super::Breach;
use std::path::Path;

/// Checks that each relative link of a Markdown file names something that exists.
pub(super) fn check(root: &Path, path: &Path, text: &str) -> Vec<Breach> {
    let folder = root.join(path.parent().unwrap_or(Path::new("")));
    let mut breaches = Vec::new();
    let mut in_code = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for target in targets(line) {
            if !folder.join(target).exists() {
                breaches.push(format!("{}:{}: '{target}' leads nowhere", path.display(), at + 1));
            }
        }
    }
    breaches
}

/// The paths in `](…)` of one line, without those of the web and those within the page.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| {
        let target = rest.split(')').next()?.split('#').next()?;
        (!target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
            .then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_paths_and_leaves_the_web_alone() {
        let line = "See [a](docs/a.md#part), [b](https://example.org/x) and [c](#here), [d](../d).";
        assert_eq!(targets(line).collect::<Vec<_>>(), ["docs/a.md", "../d"]);
    }

    #[test]
    fn code_is_not_read() {
        assert_eq!(check(Path::new("/"), Path::new("a.md"), "```\n[x](no/such)\n```\n").len(), 0);
        assert_eq!(check(Path::new("/"), Path::new("a.md"), "[x](no/such)\n").len(), 1);
    }
}
