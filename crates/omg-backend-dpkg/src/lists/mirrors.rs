//! Where the files of a source can be asked for.

use crate::apt::Conf;
use crate::apt::read::read_text;
use crate::apt::sources::Suite;
use crate::error::Error;

/// Most mirrors of one source.
const MOST_MIRRORS: usize = 64;

/// Addresses of a source, best first, each with a slash at its end: itself or, for `mirror+file:`,
/// those that its list of mirrors has.
pub(crate) fn bases(conf: &Conf, suite: &Suite) -> Result<Vec<String>, Error> {
    let address = suite.address.as_str();
    let refused = |reason| Error::Source { what: suite.title(), reason };
    let (scheme, rest) = address.split_once(':').unwrap_or(("", address));
    match scheme {
        "http" | "https" => Ok(vec![address.to_owned()]),
        "file" => Ok(vec![format!("file://{}", below(conf, rest))]),
        "mirror+file" => mirrors(conf, suite, rest),
        "cdrom" => Err(refused("media have to be put in: use apt-get for them")),
        "copy" => Err(refused("'copy:' is not supported: use 'file:'")),
        "mirror" | "mirror+http" | "mirror+https" => {
            Err(refused("lists of mirrors are read from files only: use 'mirror+file:'"))
        }
        _ => Err(refused("only http, https, file and mirror+file are supported")),
    }
}

/// A path of the configured system on this machine.
fn below(conf: &Conf, rest: &str) -> String {
    let path = conf.below_root(rest.strip_prefix("//").unwrap_or(rest)).display().to_string();
    if path.ends_with('/') { path } else { path + "/" }
}

/// The addresses in a list of mirrors: one a line, with options behind a tab, of which `priority:N`
/// counts; comments begin with `#`.
fn mirrors(conf: &Conf, suite: &Suite, rest: &str) -> Result<Vec<String>, Error> {
    let path = conf.below_root(rest.trim_end_matches('/'));
    let text = read_text(&path)?;
    let mut all: Vec<(u64, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_ascii_whitespace();
        let Some(address) = words.next() else { continue };
        let priority = words.find_map(|word| word.strip_prefix("priority:")?.parse().ok());
        if !["http://", "https://", "file:"].iter().any(|scheme| address.starts_with(scheme)) {
            continue;
        }
        let slash = if address.ends_with('/') { "" } else { "/" };
        let address = match address.strip_prefix("file:") {
            Some(rest) => format!("file://{}", below(conf, rest)),
            None => format!("{address}{slash}"),
        };
        all.push((priority.unwrap_or(u64::MAX), address));
    }
    all.sort_by_key(|(priority, _)| *priority);
    all.truncate(MOST_MIRRORS);
    if all.is_empty() {
        let reason = "its list of mirrors names none that is supported";
        return Err(Error::Source { what: suite.title(), reason });
    }
    Ok(all.into_iter().map(|(_, address)| address).collect())
}
