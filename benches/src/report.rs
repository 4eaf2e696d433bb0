//! What was measured: printed as it comes, kept as markdown.

use std::fmt::Write as _;
use std::process::ExitCode;

/// Rows of one table.
#[derive(Debug, Default)]
pub(crate) struct Report {
    markdown: String,
    failures: Vec<String>,
    bars: Vec<(String, f64)>,
}

/// Prints a line at once.
#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

impl Report {
    /// Starts a table.
    pub(crate) fn table(&mut self, title: &str, columns: &[&str]) {
        self.line(&format!("\n## {title}\n"));
        self.row(columns);
        self.row(&vec!["---"; columns.len()]);
    }

    /// Adds a row to the table begun last.
    pub(crate) fn row<S: AsRef<str>>(&mut self, cells: &[S]) {
        let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
        self.line(&format!("| {} |", cells.join(" | ")));
    }

    /// Adds a figure with its goal to the table begun last.
    pub(crate) fn figure(&mut self, what: &str, measured: &str, goal: &str, reached: bool) {
        self.row(&[what, measured, goal, if reached { "yes" } else { "**no**" }]);
    }

    /// Adds a paragraph.
    pub(crate) fn line(&mut self, text: &str) {
        say(text);
        let _infallible = writeln!(self.markdown, "{text}");
    }

    /// Adds a bar to the picture: a command and its milliseconds.
    pub(crate) fn bar(&mut self, label: &str, milliseconds: f64) {
        self.bars.push((label.to_owned(), milliseconds));
    }

    /// Notes something that makes the run fail at its end.
    pub(crate) fn fail(&mut self, why: String) {
        say(&format!("FAILED: {why}"));
        self.failures.push(why);
    }

    /// Writes `docs/benchmarks/README.md` and the picture. Tables that were not measured now stay.
    pub(crate) fn keep(&self) -> Result<(), Box<dyn std::error::Error>> {
        let folder = crate::host::workspace().join("docs/benchmarks");
        std::fs::create_dir_all(&folder)?;
        let page = folder.join("README.md");
        let head = "# Benchmarks\n\nWritten by `cargo xtask bench`; do not edit. All figures of one table come from one run.\n";
        let place = format!(
            "\nMachine: {}.\n\n![Time of whole commands](peers.svg)\n",
            crate::host::describe()
        );
        let before = std::fs::read_to_string(&page).unwrap_or_default();
        let tables = merged(&before, &self.markdown);
        std::fs::write(page, format!("{head}{place}{tables}"))?;
        crate::picture::bars(&self.bars, &folder.join("peers.svg"))
    }

    /// The exit code, after naming what failed.
    pub(crate) fn finish(&self, unkept: Option<&dyn std::error::Error>) -> ExitCode {
        if let Some(error) = unkept {
            say(&format!("could not write docs/benchmarks: {error}"));
        }
        for failure in &self.failures {
            say(&format!("failed: {failure}"));
        }
        if self.failures.is_empty() && unkept.is_none() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// The tables of a page with those of another in their places, new ones behind.
fn merged(before: &str, now: &str) -> String {
    let tables = |text: &str| -> Vec<(String, String)> {
        let tables = text.split("\n## ").skip(1);
        let titled = tables.filter_map(|table| {
            // What is counted may be in a title.
            let title = table.lines().next()?.split([',', ':']).next()?.to_owned();
            Some((title, format!("\n## {}\n", table.trim_end())))
        });
        titled.collect()
    };
    let (mut all, mut new) = (tables(before), tables(now));
    for (title, table) in &mut all {
        if let Some(at) = new.iter().position(|(other, _)| other == title) {
            *table = new.remove(at).1;
        }
    }
    all.into_iter().chain(new).map(|(_, table)| table).collect()
}

#[cfg(test)]
mod tests {
    use super::merged;

    #[test]
    fn tables_that_were_not_measured_stay() {
        let before = "# Page\n\n## A, 3 of them\n\n| old |\n\n## B\n\n| b |\n";
        let now = "\n## A, 4 of them\n\n| new |\n\n## C\n\n| c |\n";
        let page = "\n## A, 4 of them\n\n| new |\n\n## B\n\n| b |\n\n## C\n\n| c |\n";
        assert_eq!(merged(before, now), page);
        assert_eq!(merged(page, ""), page);
    }
}
