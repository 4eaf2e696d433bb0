//! Where packages come from: `sources.list`, `sources.list.d`, one-line and deb822 style.

use std::collections::BTreeMap;
use std::path::Path;

use super::conf::{Conf, parse_bool};
use super::conf_parse::quote_word;
use super::read::{list_dir, read_text};
use super::stanza::{self, Stanza};
use super::uri::{Uri, quote};

pub(crate) mod indexes;

pub(crate) use indexes::Index;

/// At most this many suites and components in all; more are ignored with a warning.
const MOST_ENTRIES: usize = 10_000;

/// One suite of one archive, with the lists that belong to it.
#[derive(Debug, Clone)]
pub(crate) struct Suite {
    /// Address of the archive, without credentials.
    pub(crate) uri: String,
    /// The same as it is configured, to be asked.
    pub(crate) address: String,
    /// Host, as `Pin: origin` compares it.
    pub(crate) site: String,
    /// Suite as configured: `bookworm-updates`, `./`.
    pub(crate) dist: String,
    /// Start of the names of this suite's files in the lists directory.
    pub(crate) prefix: String,
    /// Lists of packages, in apt's order.
    pub(crate) packages: Vec<Target>,
    /// Lists of translated descriptions, English only.
    pub(crate) translations: Vec<Target>,
    /// Lists of the files in packages.
    pub(crate) contents: Vec<Target>,
    /// Everything that `apt-get update` would fetch.
    pub(crate) indexes: Vec<Index>,
    /// Options by the names that they have between brackets: `signed-by`, `trusted`.
    pub(crate) options: BTreeMap<String, String>,
    /// Two sources name this suite and contradict each other: the option. apt refuses both.
    pub(crate) conflict: Option<String>,
}

impl Suite {
    /// An option that is a truth value.
    pub(crate) fn flag(&self, option: &str) -> Option<bool> {
        self.options.get(option).and_then(|value| parse_bool(value))
    }

    /// Where the suite's own files begin below the address: `dists/bookworm/`.
    pub(crate) fn path(&self) -> String {
        match self.dist.as_str() {
            "/" => String::new(),
            dist if dist.ends_with('/') => dist.to_owned(),
            dist => format!("dists/{dist}/"),
        }
    }

    /// What people know it by: address and suite.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.uri.trim_end_matches('/'), self.dist)
    }
}

/// Fields of a `.sources` file and the options that they are between brackets.
const FIELDS: &[(&str, &str)] = &[
    ("Signed-By", "signed-by"),
    ("Trusted", "trusted"),
    ("Allow-Insecure", "allow-insecure"),
    ("Allow-Weak", "allow-weak"),
    ("Allow-Downgrade-To-Insecure", "allow-downgrade-to-insecure"),
    ("Check-Valid-Until", "check-valid-until"),
    ("Valid-Until-Min", "valid-until-min"),
    ("Valid-Until-Max", "valid-until-max"),
    ("Check-Date", "check-date"),
    ("Date-Max-Future", "date-max-future"),
    ("By-Hash", "by-hash"),
];

/// Options that must be the same wherever a suite is named.
const CONFLICTING: &[&str] = &["signed-by", "trusted", "check-valid-until", "check-date"];

/// A list that may be in the lists directory, compressed or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// File name without a compression suffix.
    pub(crate) file: String,
    /// Component; empty in flat repositories.
    pub(crate) component: String,
    /// Architecture in the list's own name.
    pub(crate) architecture: String,
}

/// What one line or record of a sources file says of one suite and component.
struct Entry<'a> {
    uri: &'a str,
    dist: &'a str,
    component: &'a str,
    options: &'a BTreeMap<String, String>,
    /// `deb`, not `deb-src`.
    binary: bool,
}

/// The sources of a system.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) suites: Vec<Suite>,
    pub(crate) warnings: Vec<String>,
    entries: usize,
}

impl Sources {
    /// Reads all sources files. A file counts up to its first mistake, as in apt.
    pub(crate) fn read(conf: &Conf) -> Self {
        let mut sources = Self::default();
        let main = conf.file("Dir::Etc::sourcelist");
        let mut files = Vec::new();
        if main.is_file() {
            files.push(main);
        }
        files.extend(list_dir(
            &conf.dir("Dir::Etc::sourceparts"),
            &["list", "sources"],
            &mut sources.warnings,
        ));
        for path in files {
            match read_text(&path) {
                Ok(text) => sources.file(conf, &path, &text),
                Err(error) => sources.warnings.push(error.with_cause()),
            }
        }
        sources
    }

    fn file(&mut self, conf: &Conf, path: &Path, text: &str) {
        let result = if path.extension().is_some_and(|extension| extension == "sources") {
            stanza::parse(text).iter().try_for_each(|stanza| {
                self.stanza(conf, stanza).map_err(|reason| (stanza.line, reason))
            })
        } else {
            (1..).zip(text.lines()).try_for_each(|(number, line)| {
                self.line(conf, line).map_err(|reason| (number, reason))
            })
        };
        if let Err((line, reason)) = result {
            self.warnings.push(format!("{}:{line}: {reason}", path.display()));
        }
    }

    fn stanza(&mut self, conf: &Conf, stanza: &Stanza) -> Result<(), String> {
        let types = stanza.words("Types").ok_or("no Types")?;
        if stanza.get("Enabled").and_then(parse_bool) == Some(false) {
            return Ok(());
        }
        let mut options = BTreeMap::new();
        for (field, option) in
            [("Architectures", "arch"), ("Languages", "lang"), ("Targets", "target")]
        {
            for (suffix, sign) in [("", ""), ("-Add", "+"), ("-Remove", "-")] {
                if let Some(words) = stanza.words(&format!("{field}{suffix}")) {
                    options.insert(format!("{option}{sign}"), words.join(","));
                }
            }
        }
        for (field, option) in FIELDS {
            if let Some(value) = stanza.get(field) {
                options.insert((*option).to_owned(), value.to_owned());
            }
        }
        let uris = stanza.words("URIs").filter(|uris| !uris.is_empty()).ok_or("no URIs")?;
        let dists = stanza.words("Suites").filter(|dists| !dists.is_empty()).ok_or("no Suites")?;
        let components = stanza.words("Components").unwrap_or_default();
        for kind in types {
            let binary = is_binary(kind)?;
            for (uri, dist) in uris.iter().flat_map(|uri| dists.iter().map(move |dist| (uri, dist)))
            {
                let flat = dist.ends_with('/');
                if flat != components.is_empty() {
                    return Err(if flat {
                        "a suite that ends in / has no components".into()
                    } else {
                        "no Components".into()
                    });
                }
                let components = if flat { &[""][..] } else { &components[..] };
                for component in components {
                    self.add(conf, &Entry { uri, dist, component, options: &options, binary })?;
                }
            }
        }
        Ok(())
    }

    fn line(&mut self, conf: &Conf, line: &str) -> Result<(), String> {
        let line = without_comment(line).trim_matches([' ', '\t', '\r']);
        if line.is_empty() {
            return Ok(());
        }
        let (kind, rest) =
            line.split_once([' ', '\t', '\x0b']).ok_or("no address after the type")?;
        let binary = is_binary(kind)?;
        let mut rest = rest.trim_start();
        let mut options = BTreeMap::new();
        if let Some(inner) = rest.strip_prefix('[') {
            let (inner, after) = inner.split_once(']').ok_or("options without a closing ]")?;
            for option in inner.split_ascii_whitespace() {
                let (key, value) =
                    option.split_once('=').ok_or("an option is not of the form key=value")?;
                if key.is_empty() || value.is_empty() {
                    return Err("an option is not of the form key=value".into());
                }
                options.insert(key.to_owned(), value.trim_matches('"').to_owned());
            }
            rest = after.trim_start();
        }
        let uri = quote_word(&mut rest).ok_or("no address")?;
        let dist = quote_word(&mut rest).ok_or("no suite")?;
        let mut components: Vec<String> = std::iter::from_fn(|| quote_word(&mut rest)).collect();
        if dist.ends_with('/') != components.is_empty() {
            return Err(if components.is_empty() {
                "no component".into()
            } else {
                "a suite that ends in / has no components".into()
            });
        }
        if components.is_empty() {
            components.push(String::new());
        }
        for component in &components {
            let options = &options;
            self.add(conf, &Entry { uri: &uri, dist: &dist, component, options, binary })?;
        }
        Ok(())
    }

    fn add(&mut self, conf: &Conf, entry: &Entry<'_>) -> Result<(), String> {
        self.entries += 1;
        if self.entries > MOST_ENTRIES {
            return Err(format!("more than {MOST_ENTRIES} suites and components"));
        }
        if !entry.uri.contains(':') {
            return Err(format!("'{}' is no address", entry.uri));
        }
        let native = conf.architecture();
        let mut address = entry.uri.replace("$(ARCH)", native);
        if !address.ends_with('/') {
            address.push('/');
        }
        let uri = Uri::parse(&address);
        let dist = entry.dist.replace("$(ARCH)", native);
        let prefix = format!("{}{}", uri.file_name(), escaped_dist(conf, &dist));
        let at = self.suites.iter().position(|suite| suite.prefix == prefix).unwrap_or_else(|| {
            self.suites.push(Suite {
                uri: uri.public(),
                address: address.clone(),
                site: uri.host.clone(),
                dist: dist.clone(),
                prefix: prefix.clone(),
                packages: Vec::new(),
                translations: Vec::new(),
                contents: Vec::new(),
                indexes: Vec::new(),
                options: entry.options.clone(),
                conflict: None,
            });
            self.suites.len() - 1
        });
        if let Some(suite) = self.suites.get_mut(at) {
            let differs =
                |option: &&&str| suite.options.get(**option) != entry.options.get(**option);
            let conflict = CONFLICTING.iter().find(differs).map(ToString::to_string);
            suite.conflict = suite.conflict.take().or(conflict);
            if entry.binary {
                indexes::add_targets(conf, entry, suite);
            }
            indexes::add(conf, entry, suite);
        }
        Ok(())
    }
}

/// What follows the archive's address up to the file's own name, in a list's file name.
fn escaped_dist(conf: &Conf, dist: &str) -> String {
    let encoded = quote(dist, conf.get("Acquire::URIEncode").unwrap_or("+~ "));
    let path = match dist {
        "/" => String::new(),
        _ if dist.ends_with('/') => encoded,
        _ => format!("dists/{encoded}/"),
    };
    as_file_name(&path)
}

fn as_file_name(path: &str) -> String {
    quote(path, "\\|{}[]<>\"^~_=!@#$%^&*").replace('/', "_")
}

fn is_binary(kind: &str) -> Result<bool, String> {
    match kind {
        "deb" => Ok(true),
        "deb-src" => Ok(false),
        other => Err(format!("type '{other}' is not known")),
    }
}

/// A line without its comment; `#` between brackets starts none.
fn without_comment(line: &str) -> &str {
    for (at, _) in line.match_indices('#') {
        let before = line.get(..at).unwrap_or("");
        if before.matches('[').count() <= before.matches(']').count() {
            return before;
        }
    }
    line
}

#[cfg(test)]
mod tests;
