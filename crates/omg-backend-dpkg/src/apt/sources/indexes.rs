//! Which lists belong to a suite: to be read, and to be fetched.

use std::collections::BTreeMap;

use super::super::conf::{Conf, parse_bool};
use super::{Entry, Suite, Target, as_file_name};

/// A list that `apt-get update` would fetch. Where it is one for each language, `$(LANGUAGE)` stands
/// in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Index {
    /// Its name in the Release file, without a compression suffix: `main/binary-amd64/Packages`.
    pub(crate) key: String,
    /// File name in the lists directory, without a compression suffix.
    pub(crate) file: String,
    /// What the configuration calls it: `Packages`, `Contents-deb`.
    pub(crate) target: String,
    /// Architecture; empty if it is not of one.
    pub(crate) architecture: String,
    /// The suite is of use without it.
    pub(crate) optional: bool,
    /// Suffix of the compression that it is kept in, with its dot; empty for plain text.
    pub(crate) kept_as: String,
    /// Only wanted where the suite does not have this other kind.
    pub(crate) fallback_of: Option<String>,
    /// May it be asked for by its digest?
    pub(crate) by_hash: ByHash,
}

/// When lists are asked for by their digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByHash {
    /// Never.
    No,
    /// If the Release file says that they can be had so.
    Offered,
    /// Always.
    Force,
}

impl Index {
    /// The list of one language.
    pub(crate) fn of_language(&self, language: &str) -> Self {
        let put = |text: &str, value: &str| text.replace("$(LANGUAGE)", value);
        Self {
            key: put(&self.key, language),
            // `_` is what parts directories in file names.
            file: put(&self.file, &as_file_name(language)),
            ..self.clone()
        }
    }

    /// Is there one for each language?
    pub(crate) fn has_languages(&self) -> bool {
        self.key.contains("$(LANGUAGE)")
    }
}

/// The languages that an entry wants of those that are wanted by default.
pub(crate) fn languages(options: &BTreeMap<String, String>, default: &[String]) -> Vec<String> {
    let mut languages = plus_minus("lang", options, default.to_vec());
    languages.retain(|language| language != "none");
    languages
}

/// Adds everything that is to be fetched for an entry.
pub(super) fn add(conf: &Conf, entry: &Entry<'_>, suite: &mut Suite) {
    let kind = if entry.binary { "deb" } else { "deb-src" };
    let architectures = architectures(conf, entry.options);
    for name in targets(conf, kind, entry.options) {
        let option = if suite.dist.ends_with('/') { "flatMetaKey" } else { "MetaKey" };
        let setting =
            |what: &str| conf.get(&format!("Acquire::IndexTargets::{kind}::{name}::{what}"));
        let flag =
            |what: &str, general: bool| setting(what).and_then(parse_bool).unwrap_or(general);
        let Some(template) = setting(option) else { continue };
        let compressed = flag("KeepCompressed", conf.flag("Acquire::GzipIndexes", false));
        // `lz4` costs the least, so apt has it first.
        let kept_as = setting("KeepCompressedAs").unwrap_or("lz4").split_ascii_whitespace().next();
        let kept_as = match kept_as {
            Some(suffix) if compressed && suffix != "uncompressed" => format!(".{suffix}"),
            _ => String::new(),
        };
        let by_hash = entry.options.get("by-hash").map(String::as_str);
        let by_hash = match by_hash.or(setting("By-Hash")).or(conf.get("Acquire::By-Hash")) {
            Some("force") => ByHash::Force,
            Some(word) if parse_bool(word) == Some(false) => ByHash::No,
            _ => ByHash::Offered,
        };
        for architecture in &architectures {
            let key = template
                .replace("$(COMPONENT)", entry.component)
                .replace("$(ARCHITECTURE)", architecture)
                .replace("$(NATIVE_ARCHITECTURE)", conf.architecture());
            let key = key.trim_start_matches('/').to_owned();
            // The dollar of a language that is not put in yet is no character to be escaped.
            let (file, language) = ("$(LANGUAGE)", "\u{1}");
            let escaped = as_file_name(&key.replace(file, language)).replace("%01", file);
            let index = Index {
                file: format!("{}{escaped}", suite.prefix),
                key,
                target: name.to_owned(),
                architecture: if template.contains("$(ARCHITECTURE)") {
                    architecture.clone()
                } else {
                    String::new()
                },
                optional: flag("Optional", !matches!(name, "Packages" | "Sources")),
                kept_as: kept_as.clone(),
                fallback_of: setting("Fallback-Of").map(str::to_owned),
                by_hash,
            };
            if !suite.indexes.iter().any(|known| known.file == index.file) {
                suite.indexes.push(index);
            }
        }
    }
}

pub(super) fn add_targets(conf: &Conf, entry: &Entry<'_>, suite: &mut Suite) {
    let architectures = architectures(conf, entry.options);
    for name in targets(conf, "deb", entry.options) {
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
fn targets<'c>(conf: &'c Conf, kind: &str, options: &BTreeMap<String, String>) -> Vec<&'c str> {
    let all = conf.keys(&format!("Acquire::IndexTargets::{kind}"));
    let enabled = |name: &&str| {
        conf.flag(&format!("Acquire::IndexTargets::{kind}::{name}::DefaultEnabled"), true)
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
