//! The buffer that a command writes its answer into.

use std::fmt::{self, Write};

use super::{Screen, Style, clean};

/// Text on its way to standard output, and notes on their way to standard error.
pub(crate) struct Output {
    /// What it will be shown on.
    pub(crate) screen: Screen,
    text: String,
    notes: String,
}

impl Output {
    /// An empty one.
    pub(crate) fn new(screen: Screen) -> Self {
        Self { screen, text: String::new(), notes: String::new() }
    }

    /// Adds text of our own, as it is.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds text of our own in a style.
    pub(crate) fn styled(&mut self, style: Style, text: &str) -> &mut Self {
        if self.screen.color && style != Style::Plain && !text.is_empty() {
            self.text.push_str(style.start());
            self.text.push_str(text);
            self.text.push_str(style.end());
        } else {
            self.text.push_str(text);
        }
        self
    }

    /// Adds text from a package, made safe, in a style.
    pub(crate) fn foreign(&mut self, style: Style, text: &str) -> &mut Self {
        self.styled(style, &clean(text))
    }

    /// Adds `count` spaces.
    pub(crate) fn spaces(&mut self, count: usize) -> &mut Self {
        self.text.extend(std::iter::repeat_n(' ', count));
        self
    }

    /// Ends the line, without spaces at its end.
    pub(crate) fn line(&mut self) -> &mut Self {
        let end = self.text.trim_end_matches(' ').len();
        self.text.truncate(end);
        self.text.push('\n');
        self
    }

    /// Says something beside the answer, a line on standard error.
    pub(crate) fn note(&mut self, text: &str) {
        let (start, end) =
            if self.screen.error_color { (Style::Dim.start(), Style::Dim.end()) } else { ("", "") };
        let _ = writeln!(self.notes, "{start}{}{end}", clean(text));
    }

    /// Takes out what goes to standard output so far.
    pub(crate) fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// Forgets everything, because it has been shown.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.notes.clear();
    }

    /// What goes to standard output so far.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What goes to standard error so far.
    pub(crate) fn notes(&self) -> &str {
        &self.notes
    }
}

impl Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.push_str(text);
        Ok(())
    }
}
