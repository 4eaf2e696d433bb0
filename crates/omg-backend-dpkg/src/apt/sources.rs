//! Where packages come from: `sources.list`, `sources.list.d`, one-line and deb822 style.

use std::collections::BTreeMap;
use std::path::Path;

use super::conf::{Conf, parse_bool};
use super::conf_parse::quote_word;
use super::read::{list_dir, read_text};
use super::stanza::{self, Stanza};
use super::uri::{Uri, quote};

/// At most this many suites and components in all; more are ignored with a warning.
const MOST_ENTRIES: usize = 10_000;

/// One suite of one archive, with the lists that belong to it.
#[derive(Debug, Clone)]
pub(crate) struct Suite {
    /// Address of the archive, without credentials.
    pub(crate) uri: String,
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
}

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
                for component in components.iter().filter(|_| binary) {
                    self.add(conf, &Entry { uri, dist, component, options: &options })?;
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
        for component in components.iter().filter(|_| binary) {
            self.add(conf, &Entry { uri: &uri, dist: &dist, component, options: &options })?;
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
                site: uri.host.clone(),
                dist: dist.clone(),
                prefix: prefix.clone(),
                packages: Vec::new(),
                translations: Vec::new(),
                contents: Vec::new(),
            });
            self.suites.len() - 1
        });
        if let Some(suite) = self.suites.get_mut(at) {
            add_targets(conf, entry, suite);
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

fn add_targets(conf: &Conf, entry: &Entry<'_>, suite: &mut Suite) {
    let architectures = architectures(conf, entry.options);
    for name in targets(conf, entry.options) {
        let option = if suite.dist.ends_with('/') { "flatMetaKey" } else { "MetaKey" };
        let key = conf.get(&format!("Acquire::IndexTargets::deb::{name}::{option}")).unwrap_or("");
        let list = match name {
            _ if key.is_empty() => continue,
            "Packages" => &mut suite.packages,
            "Translations" => &mut suite.translations,
            _ if is_contents(conf, name) => &mut suite.contents,
            _ => continue,
        };
        for architecture in &architectures {
            let key = key
                .replace("$(COMPONENT)", entry.component)
                .replace("$(ARCHITECTURE)", architecture)
                .replace("$(NATIVE_ARCHITECTURE)", conf.architecture())
                .replace("$(LANGUAGE)", "en");
            let target = Target {
                file: format!("{}{}", suite.prefix, as_file_name(&key)),
                component: entry.component.to_owned(),
                architecture: architecture.clone(),
            };
            if !list.iter().any(|known| known.file == target.file) {
                list.push(target);
            }
        }
    }
}

fn is_contents(conf: &Conf, name: &str) -> bool {
    conf.get(&format!("Acquire::IndexTargets::deb::{name}::Identifier")).unwrap_or(name)
        == "Contents-deb"
}

/// Kinds of lists that are enabled for an entry.
fn targets<'c>(conf: &'c Conf, options: &BTreeMap<String, String>) -> Vec<&'c str> {
    let all = conf.keys("Acquire::IndexTargets::deb");
    let enabled = |name: &&str| {
        conf.flag(&format!("Acquire::IndexTargets::deb::{name}::DefaultEnabled"), true)
    };
    let default = all.iter().filter(|name| enabled(name)).map(|&name| name.to_owned()).collect();
    let wanted = plus_minus("target", options, default);
    all.into_iter()
        .filter(|&name| match options.get(name).map(|value| parse_bool(value)) {
            Some(Some(choice)) => choice,
            _ => wanted.iter().any(|want| want == name),
        })
        .collect()
}

/// Architectures whose lists an entry has. `all` comes last unless it is named.
fn architectures(conf: &Conf, options: &BTreeMap<String, String>) -> Vec<String> {
    let mut default = conf.architectures();
    default.extend(conf.list("APT::BarbarianArchitectures").into_iter().map(str::to_owned));
    let mut all = plus_minus("arch", options, default);
    let without_all =
        options.get("arch-").is_some_and(|minus| minus.split(',').any(|name| name == "all"));
    if !without_all && !all.iter().any(|name| name == "all") {
        all.push("all".into());
    }
    all
}

fn plus_minus(name: &str, options: &BTreeMap<String, String>, default: Vec<String>) -> Vec<String> {
    let split = |text: &String| {
        text.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut values = options.get(name).map_or(default, split);
    for extra in options.get(&format!("{name}+")).map(split).unwrap_or_default() {
        if !values.contains(&extra) {
            values.push(extra);
        }
    }
    let minus = options.get(&format!("{name}-")).map(split).unwrap_or_default();
    values.retain(|value| !minus.contains(value));
    values
}

#[cfg(test)]
mod tests;
