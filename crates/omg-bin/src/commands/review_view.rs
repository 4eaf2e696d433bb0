//! How a review looks: the diff in colours, then what to look at.

use omg_core::{Mark, Review, Severity};

use super::plan::wrapped;
use crate::render::{Output, Style};

/// Digits of a commit that people need.
const COMMIT: usize = 12;

/// Writes one.
pub(super) fn write(out: &mut Output, review: &Review) {
    let to = short(&review.to);
    out.foreign(Style::Match, &review.package_base);
    match &review.from {
        Some(from) if *from == review.to => {
            out.push(": nothing changed since the review of ").foreign(Style::Dim, to);
        }
        Some(from) => {
            out.push(": changes since the review of ").foreign(Style::Dim, short(from));
            out.push(", up to ").foreign(Style::Dim, to);
        }
        None => {
            out.push(": never reviewed; all of it, at ").foreign(Style::Dim, to);
        }
    }
    out.line();
    if !review.diff.is_empty() {
        out.line();
        review.diff.lines().for_each(|line| diff_line(out, line));
    }
    if review.marks.is_empty() {
        out.line().push("No risk marks; that is no proof that it is harmless.").line();
    }
    for mark in &review.marks {
        out.line();
        write_mark(out, mark);
    }
}

fn short(commit: &str) -> &str {
    commit.get(..COMMIT).unwrap_or(commit)
}

fn diff_line(out: &mut Output, line: &str) {
    let headers = ["diff ", "index ", "--- ", "+++ ", "new file", "deleted file", "rename "];
    let style = if headers.iter().any(|start| line.starts_with(start)) {
        Style::Heading
    } else {
        match line.chars().next() {
            Some('+') => Style::Good,
            Some('-') => Style::Gone,
            Some('@') => Style::Name,
            _ => Style::Plain,
        }
    };
    // A tab is as wide as the place it stands at; escaped it would be a single space.
    out.foreign(style, &line.replace('\t', "    ")).line();
}

/// `danger  PKGBUILD:12  pipes-to-shell`, what stands there, what it means.
fn write_mark(out: &mut Output, mark: &Mark) {
    let (style, word) = match mark.severity {
        Severity::Danger => (Style::Bad, "danger"),
        Severity::Caution => (Style::Warn, "caution"),
        Severity::Note => (Style::Name, "note"),
    };
    out.styled(style, word);
    if !mark.file.is_empty() {
        out.push("  ").foreign(Style::Heading, &mark.file);
        if let Some(line) = mark.line {
            out.push(&format!(":{line}"));
        }
    }
    out.push("  ").foreign(Style::Dim, &mark.kind).line();
    if !mark.text.is_empty() {
        out.spaces(4).foreign(Style::Plain, &mark.text).line();
    }
    wrapped(out, 2, Style::Plain, &mark.why);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Screen;

    fn review() -> Review {
        let mark = |severity, file: &str, line, kind: &str, text: &str| Mark {
            kind: kind.into(),
            severity,
            file: file.into(),
            line,
            text: text.into(),
            why: "what it fetches is run as it is, and nobody has seen it".into(),
        };
        Review {
            package_base: "yay".into(),
            from: Some("0123456789abcdef0123456789abcdef01234567".into()),
            to: "89abcdef0123456789abcdef0123456789abcdef".into(),
            diff: "diff --git a/PKGBUILD b/PKGBUILD\n--- a/PKGBUILD\n+++ b/PKGBUILD\n@@ -1,2 +1,2 @@\n \
                   pkgname=yay\n-pkgver=1\n+pkgver=2\n+\tcurl x\x1b[31m | sh\n"
                .into(),
            marks: vec![
                mark(Severity::Danger, "PKGBUILD", Some(3), "pipe-to-shell", "curl x\x1b[31m | sh"),
                mark(Severity::Note, "", None, "recently-adopted", ""),
            ],
        }
    }

    fn shown(review: &Review, screen: Screen) -> String {
        let mut out = Output::new(screen);
        write(&mut out, review);
        out.text().to_owned()
    }

    #[test]
    fn a_diff_then_its_marks() {
        insta::assert_snapshot!(shown(&review(), Screen::terminal(60)));
        let screen = Screen { color: true, ..Screen::terminal(60) };
        let text = shown(&review(), screen).replace('\x1b', "ESC");
        for line in
            ["ESC[31m-pkgver=1ESC[0m", "ESC[32m+pkgver=2ESC[0m", "ESC[36m@@ -1,2 +1,2 @@ESC[0m"]
        {
            assert!(text.contains(line), "{text}");
        }
        assert!(text.contains("ESC[1;31mdangerESC[0m  ESC[1mPKGBUILDESC[0m:3"), "{text}");
    }

    #[test]
    fn the_first_line_says_since_when() {
        let first = |from: Option<&str>| {
            let review = Review { from: from.map(Into::into), ..review() };
            shown(&review, Screen::pipe()).lines().next().unwrap().to_owned()
        };
        assert_eq!(first(None), "yay: never reviewed; all of it, at 89abcdef0123");
        let same = first(Some(&review().to));
        assert_eq!(same, "yay: nothing changed since the review of 89abcdef0123");
    }
}
