//! What is coloured how, and whether at all.

/// What the user asked for with `--color`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR says otherwise
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColorChoice {
    /// Decides for a stream. The flag is stronger than the environment, NO_COLOR (any value but the
    /// empty one, <https://no-color.org>) stronger than CLICOLOR_FORCE.
    pub(crate) fn decide(self, tty: bool, environment: impl Fn(&str) -> Option<String>) -> bool {
        let set = |name| environment(name).is_some_and(|value| !value.is_empty());
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto if set("NO_COLOR") => false,
            Self::Auto
                if environment("CLICOLOR_FORCE")
                    .is_some_and(|value| !matches!(&*value, "" | "0")) =>
            {
                true
            }
            Self::Auto => {
                tty && environment("TERM").is_none_or(|term| term != "dumb")
                    && environment("CLICOLOR").is_none_or(|value| value != "0")
            }
        }
    }
}

/// The meaning of a piece of text; the colour follows from it. Only the 16 colours of the user's own
/// palette are used, so that any background works.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Style {
    /// As the terminal has it.
    #[default]
    Plain,
    /// A package's name.
    Name,
    /// The part of a name that the query matched, and names in a heading.
    Match,
    /// A version.
    Version,
    /// Where it comes from.
    Repository,
    /// Comes from where security fixes come from.
    Security,
    /// Less important.
    Dim,
    /// Installed, fine.
    Good,
    /// Could be newer, look at it.
    Warn,
    /// Wrong.
    Bad,
    /// A label.
    Heading,
    /// What is new in it: the part of a version that changes.
    Fresh,
    /// Goes away.
    Gone,
}

impl Style {
    /// The sequence that switches it on; empty for plain.
    pub(crate) const fn start(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Name => "\x1b[36m",
            Self::Match => "\x1b[1;36m",
            Self::Version | Self::Good => "\x1b[32m",
            Self::Repository => "\x1b[34m",
            Self::Security => "\x1b[35m",
            Self::Dim => "\x1b[2m",
            Self::Warn => "\x1b[33m",
            Self::Bad => "\x1b[1;31m",
            Self::Heading => "\x1b[1m",
            Self::Fresh => "\x1b[1;32m",
            Self::Gone => "\x1b[31m",
        }
    }

    /// The sequence that switches it off.
    pub(crate) const fn end(self) -> &'static str {
        match self {
            Self::Plain => "",
            _ => "\x1b[0m",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_beats_no_color_beats_force_beats_terminal() {
        let decide = |choice: ColorChoice, tty, set: &[(&str, &str)]| {
            choice.decide(tty, |name| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(decide(ColorChoice::Auto, true, &[]));
        assert!(!decide(ColorChoice::Auto, false, &[]));
        assert!(!decide(ColorChoice::Auto, true, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]));
        assert!(decide(ColorChoice::Auto, true, &[("NO_COLOR", "")]));
        assert!(decide(ColorChoice::Auto, false, &[("CLICOLOR_FORCE", "1")]));
        assert!(!decide(ColorChoice::Auto, false, &[("CLICOLOR_FORCE", "0")]));
        assert!(!decide(ColorChoice::Auto, true, &[("TERM", "dumb")]));
        assert!(decide(ColorChoice::Always, false, &[("NO_COLOR", "1")]));
        assert!(!decide(ColorChoice::Never, true, &[("CLICOLOR_FORCE", "1")]));
    }
}
