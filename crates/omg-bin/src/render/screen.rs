//! What standard output can show.

use std::io::IsTerminal as _;

use super::ColorChoice;

/// Where output goes and what it can show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Screen {
    /// Columns of the terminal; `None` off a terminal, where nothing is cut.
    pub(crate) columns: Option<usize>,
    /// Lines of the terminal; `None` off a terminal or where it does not say.
    pub(crate) lines: Option<usize>,
    /// Colour on standard output.
    pub(crate) color: bool,
    /// Colour on standard error.
    pub(crate) error_color: bool,
    /// Characters beyond ASCII in what we draw.
    pub(crate) unicode: bool,
}

/// Below this the terminal's word is not believed: some pseudo terminals say 0.
const NARROWEST: usize = 20;

impl Screen {
    /// Asks the terminal and the environment. COLUMNS and LINES win over what the terminal says.
    pub(crate) fn detect(choice: ColorChoice) -> Self {
        let environment = |name: &str| std::env::var(name).ok();
        let number = |name| {
            environment(name).and_then(|value| value.parse().ok()).filter(|&n: &usize| n > 0)
        };
        let stdout = std::io::stdout();
        let tty = stdout.is_terminal();
        let size = if tty { rustix::termios::tcgetwinsize(&stdout).ok() } else { None };
        let columns =
            number("COLUMNS").or(size.map(|size| size.ws_col.into())).filter(|&n| n >= NARROWEST);
        let lines = number("LINES").or(size.map(|size| size.ws_row.into())).filter(|&n| n > 0);
        Self {
            columns: tty.then_some(columns.unwrap_or(80)),
            lines: if tty { lines } else { None },
            color: choice.decide(tty, environment),
            error_color: choice.decide(std::io::stderr().is_terminal(), environment),
            unicode: speaks_utf8(environment),
        }
    }

    /// Is it a terminal?
    pub(crate) fn tty(self) -> bool {
        self.columns.is_some()
    }

    /// One of two spellings of a drawing.
    pub(crate) fn pick(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    /// A screen for tests: a terminal of this many columns without colour.
    #[cfg(test)]
    pub(crate) fn terminal(columns: usize) -> Self {
        Self {
            columns: Some(columns),
            lines: Some(24),
            color: false,
            error_color: false,
            unicode: true,
        }
    }

    /// A screen for tests: a pipe.
    #[cfg(test)]
    pub(crate) fn pipe() -> Self {
        Self { columns: None, lines: None, color: false, error_color: false, unicode: true }
    }
}

/// The first of these that is set and not empty decides, as in setlocale(3).
fn speaks_utf8(environment: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| environment(name).filter(|value| !value.is_empty()));
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.ends_with("utf-8")
            || locale.ends_with("utf8")
            || locale.contains("utf-8@")
            || locale.contains("utf8@")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locale_decides_on_drawing_characters() {
        let speaks = |set: &[(&str, &str)]| {
            speaks_utf8(|name| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(speaks(&[("LANG", "C.UTF-8")]));
        assert!(speaks(&[("LANG", "de_DE.utf8@euro")]));
        assert!(!speaks(&[("LANG", "C.UTF-8"), ("LC_ALL", "C")]));
        assert!(speaks(&[("LANG", "C"), ("LC_ALL", ""), ("LC_CTYPE", "en_US.UTF-8")]));
        assert!(!speaks(&[]));
    }
}
