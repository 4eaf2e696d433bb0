//! The daemon's few arguments. Read by hand: a start has 40 ms for everything.

use std::ffi::OsString;
use std::path::PathBuf;

use omg_core::{Code, Fault};

use crate::places;

const HELP: &str = "\
The package daemon of one user. `omg` starts it when it is needed.

Usage: omgd [OPTIONS]

Options:
      --root DIR     Answer for the system below DIR [env: OMG_ROOT] [default: /]
      --socket PATH  Listen at PATH [env: OMG_SOCKET]
      --cache DIR    Keep the index in DIR [default: $XDG_CACHE_HOME/omg]
      --stdio        Speak on standard input and output, and end when input does
      --foreground   Stay attached to the terminal; always so
  -h, --help         Print help
  -V, --version      Print version
";

/// What to run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Arguments {
    /// Root of the system to answer for; absolute.
    pub(super) root: PathBuf,
    /// Where to listen; `None` for the usual place, or the service manager's socket.
    pub(super) socket: Option<PathBuf>,
    /// Directory of the cache; `None` for the usual one.
    pub(super) cache: Option<PathBuf>,
    /// Serve the parent over pipes.
    pub(super) stdio: bool,
}

/// What the command line asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Asked {
    /// To run.
    Run(Arguments),
    /// To print this.
    Text(String),
}

impl Arguments {
    pub(super) fn parse(mut words: impl Iterator<Item = OsString>) -> Result<Asked, Fault> {
        let mut parsed = Self { root: "/".into(), socket: None, cache: None, stdio: false };
        let mut root = places::root();
        while let Some(word) = words.next() {
            let text = word.to_str().unwrap_or_default();
            let (name, attached) = match text.split_once('=') {
                Some((name, value)) if name.starts_with("--") => {
                    (name, Some(OsString::from(value)))
                }
                _ => (text, None),
            };
            let mut path = || {
                let value =
                    attached.clone().or_else(|| words.next()).filter(|value| !value.is_empty());
                let value = value.ok_or_else(|| usage(format!("'{name}' needs a path")))?;
                std::path::absolute(value).map_err(|error| usage(format!("'{name}': {error}")))
            };
            match name {
                "--root" => root = Some(path()?),
                "--socket" => parsed.socket = Some(path()?),
                "--cache" => parsed.cache = Some(path()?),
                "--stdio" if attached.is_none() => parsed.stdio = true,
                "--foreground" if attached.is_none() => {}
                "-h" | "--help" => return Ok(Asked::Text(HELP.to_owned())),
                "-V" | "--version" => {
                    return Ok(Asked::Text(format!("omgd {}\n", env!("CARGO_PKG_VERSION"))));
                }
                _ => return Err(usage(format!("unknown argument '{}'", word.to_string_lossy()))),
            }
        }
        if let Some(root) = root {
            parsed.root = root.canonicalize().map_err(|error| {
                Fault::caused_by(
                    Code::NoBackend,
                    format!("no system can be read below {}", root.display()),
                    &error,
                )
            })?;
        }
        Ok(Asked::Run(parsed))
    }
}

fn usage(message: String) -> Fault {
    Fault::new(Code::Usage, message).hint("omgd --help")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Asked, Fault> {
        Arguments::parse(words.iter().map(OsString::from))
    }

    #[test]
    fn paths_are_taken_in_both_spellings_and_made_absolute() {
        let Ok(Asked::Run(arguments)) = parse(&["--socket=/a/b.sock", "--cache", "c", "--stdio"])
        else {
            panic!()
        };
        assert_eq!(arguments.socket, Some("/a/b.sock".into()));
        assert!(arguments.cache.unwrap().is_absolute());
        assert!(arguments.stdio);
    }

    #[test]
    fn mistakes_are_usage_faults() {
        for words in [&["--sock"][..], &["--socket"], &["--stdio=1"], &["x"], &["--root="]] {
            assert_eq!(parse(words).unwrap_err().code, Code::Usage, "{words:?}");
        }
        assert_eq!(parse(&["--root", "/no/such/place"]).unwrap_err().code, Code::NoBackend);
    }
}
