//! apt's configuration: a tree of options, read as apt reads it.
//!
//! Files are `apt.conf.d/*` in order of name, then `apt.conf`; the syntax is that of
//! `apt.conf(5)`. Everything happens below one root directory, which plays the part of `/`.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use super::conf_parse;
use super::read::{list_dir, read_text};

/// One option: a name below its parent's, a value, and options below it. Lists are options whose
/// children have empty names.
#[derive(Debug, Default)]
struct Item {
    tag: String,
    value: String,
    children: Vec<usize>,
}

/// apt's configuration as it stands after all files were read.
#[derive(Debug)]
pub struct Conf {
    root: PathBuf,
    items: Vec<Item>,
    files: Vec<PathBuf>,
    warnings: Vec<String>,
}

/// At most this many options; more are ignored with a warning.
const MOST_ITEMS: usize = 100_000;

/// Bytes of the status file that are searched for dpkg's own record.
const LARGEST_STATUS: u64 = 256 << 20;

const DEFAULTS: &[(&str, &str)] = &[
    ("Dir", "/"),
    ("Dir::State", "var/lib/apt"),
    ("Dir::State::lists", "lists/"),
    ("Dir::State::extended_states", "extended_states"),
    ("Dir::Cache", "var/cache/apt"),
    ("Dir::Cache::archives", "archives/"),
    ("Dir::Etc", "etc/apt"),
    ("Dir::Etc::sourcelist", "sources.list"),
    ("Dir::Etc::sourceparts", "sources.list.d"),
    ("Dir::Etc::main", "apt.conf"),
    ("Dir::Etc::parts", "apt.conf.d"),
    ("Dir::Etc::trusted", "trusted.gpg"),
    ("Dir::Etc::trustedparts", "trusted.gpg.d"),
    ("Dir::Etc::preferences", "preferences"),
    ("Dir::Etc::preferencesparts", "preferences.d"),
    ("APT::Install-Recommends", "1"),
    ("APT::Install-Suggests", "0"),
    (
        "Acquire::IndexTargets::deb::Packages::MetaKey",
        "$(COMPONENT)/binary-$(ARCHITECTURE)/Packages",
    ),
    ("Acquire::IndexTargets::deb::Packages::flatMetaKey", "Packages"),
    (
        "Acquire::IndexTargets::deb::Translations::MetaKey",
        "$(COMPONENT)/i18n/Translation-$(LANGUAGE)",
    ),
    ("Acquire::IndexTargets::deb::Translations::flatMetaKey", "$(LANGUAGE)"),
    ("Acquire::IndexTargets::deb-src::Sources::MetaKey", "$(COMPONENT)/source/Sources"),
    ("Acquire::IndexTargets::deb-src::Sources::flatMetaKey", "Sources"),
];

impl Conf {
    /// Reads the configuration below `root`. What can't be read or parsed becomes a warning; as in
    /// apt, options that stand before the mistake in the same file count.
    pub fn read(root: &Path) -> Self {
        let mut conf = Self {
            root: root.to_path_buf(),
            items: vec![Item::default()],
            files: Vec::new(),
            warnings: Vec::new(),
        };
        for (name, value) in DEFAULTS {
            conf.set(name, value);
        }
        let parts = conf.dir("Dir::Etc::parts");
        conf.include_dir(&parts, 0);
        let main = conf.file("Dir::Etc::main");
        if main.is_file() {
            conf.include_file(&main, 0);
        }
        conf.settle();
        conf
    }

    /// Fills in what depends on other options or on the system.
    fn settle(&mut self) {
        if self.get("APT::Architecture").is_none() {
            let native = native_architecture(&self.root);
            self.set("APT::Architecture", &native);
        }
        if self.get("Dir::State::status").is_none() {
            let state = self.get("Dir::State").unwrap_or("").trim_end_matches('/').to_owned();
            let base = state.strip_suffix("/apt").unwrap_or("var/lib").to_owned();
            let dir = self.get("Dir").unwrap_or("/").trim_end_matches('/').to_owned();
            let status = if base.starts_with('/') {
                format!("{base}/dpkg/status")
            } else {
                format!("{dir}/{base}/dpkg/status")
            };
            self.set("Dir::State::status", &status);
        }
    }

    /// The directory that plays the part of `/`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Files that were read.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// What could not be read or understood.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// An option's value; `None` if it is not set or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let item = self.items.get(self.lookup(name)?)?;
        (!item.value.is_empty()).then_some(item.value.as_str())
    }

    /// A truth value: `yes`, `true`, `with`, `on`, `enable`, `1` and their opposites.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.get(name).and_then(parse_bool).unwrap_or(default)
    }

    /// A list: the values below an option, or its own value cut at commas.
    pub fn list(&self, name: &str) -> Vec<&str> {
        let Some(item) = self.lookup(name).and_then(|at| self.items.get(at)) else {
            return Vec::new();
        };
        if !item.value.is_empty() {
            return item.value.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
        }
        self.children(item).map(|child| child.value.as_str()).collect()
    }

    /// The names of the options right below one.
    pub fn keys(&self, name: &str) -> Vec<&str> {
        let Some(item) = self.lookup(name).and_then(|at| self.items.get(at)) else {
            return Vec::new();
        };
        self.children(item).map(|child| child.tag.as_str()).filter(|tag| !tag.is_empty()).collect()
    }

    /// Is the option there, be it without a value?
    pub fn has(&self, name: &str) -> bool {
        self.lookup(name).is_some()
    }

    /// A path option as a path on this machine: relative values stand below the values of their
    /// parents (`Dir::Etc::parts` below `Dir::Etc` below `Dir`), all of it below the root.
    pub fn file(&self, name: &str) -> PathBuf {
        let mut value = self.get(name).unwrap_or("").to_owned();
        let mut parts: Vec<&str> = name.split("::").collect();
        while parts.pop().is_some() && !parts.is_empty() {
            if is_anchored(&value) {
                break;
            }
            let Some(parent) = self.get(&parts.join("::")) else { continue };
            value = format!("{}/{value}", parent.trim_end_matches('/'));
        }
        if value.starts_with("/dev/null") {
            return PathBuf::from("/dev/null");
        }
        let prefix = self.get("RootDir").unwrap_or("");
        self.below_root(&format!("{prefix}/{value}"))
    }

    /// Like [`file`](Self::file), for directories.
    pub fn dir(&self, name: &str) -> PathBuf {
        self.file(name)
    }

    /// An absolute path of the configured system as a path on this machine; `..` never leaves the
    /// root.
    pub fn below_root(&self, path: &str) -> PathBuf {
        let mut inner = PathBuf::new();
        for component in Path::new(path).components() {
            match component {
                Component::Normal(part) => inner.push(part),
                Component::ParentDir => {
                    inner.pop();
                }
                _ => {}
            }
        }
        self.root.join(inner)
    }

    /// `dpkg --print-architecture`, unless configured otherwise.
    pub fn architecture(&self) -> &str {
        self.get("APT::Architecture").unwrap_or(BUILD_ARCHITECTURE)
    }

    /// The native architecture and the foreign ones that are enabled, native first.
    pub fn architectures(&self) -> Vec<String> {
        let native = self.architecture().to_owned();
        let mut all: Vec<String> =
            self.list("APT::Architectures").into_iter().map(str::to_owned).collect();
        if all.is_empty() {
            all = foreign_architectures(&self.root);
        }
        if !all.contains(&native) {
            all.insert(0, native);
        }
        let barbarian = self.list("APT::BarbarianArchitectures");
        let mut seen: Vec<String> = Vec::with_capacity(all.len());
        for name in all {
            if !name.is_empty() && !seen.contains(&name) && !barbarian.contains(&name.as_str()) {
                seen.push(name);
            }
        }
        seen
    }

    fn children<'a>(&'a self, item: &'a Item) -> impl Iterator<Item = &'a Item> {
        item.children.iter().filter_map(|&at| self.items.get(at))
    }

    fn child(&self, parent: usize, tag: &str) -> Option<usize> {
        if tag.is_empty() {
            return None;
        }
        let children = &self.items.get(parent)?.children;
        children
            .iter()
            .copied()
            .find(|&at| self.items.get(at).is_some_and(|item| item.tag.eq_ignore_ascii_case(tag)))
    }

    fn lookup(&self, name: &str) -> Option<usize> {
        name.split("::").try_fold(0, |at, tag| self.child(at, tag))
    }

    /// Sets an option, making it and its parents; a name that ends in `::` appends to a list.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        let mut at = 0;
        for tag in name.split("::") {
            at = match self.child(at, tag) {
                Some(child) => child,
                None if self.items.len() >= MOST_ITEMS => return,
                None => {
                    let child = self.items.len();
                    self.items.push(Item { tag: tag.to_owned(), ..Item::default() });
                    if let Some(parent) = self.items.get_mut(at) {
                        parent.children.push(child);
                    }
                    child
                }
            };
        }
        if let Some(item) = self.items.get_mut(at) {
            value.clone_into(&mut item.value);
        }
    }

    /// `#clear NAME`: drops an option's value and all options below it.
    pub(super) fn clear(&mut self, name: &str) {
        if let Some(item) = self.lookup(name).and_then(|at| self.items.get_mut(at)) {
            item.value.clear();
            item.children.clear();
        }
    }

    pub(super) fn warn(&mut self, message: String) {
        self.warnings.push(message);
    }

    /// `#include` of a path as it stands in a configuration file.
    pub(super) fn include(&mut self, path: &str, depth: u8) {
        let real = self.below_root(path);
        if path.ends_with('/') {
            self.include_dir(&real, depth);
        } else {
            self.include_file(&real, depth);
        }
    }

    fn include_dir(&mut self, dir: &Path, depth: u8) {
        for path in list_dir(dir, &["conf", ""], &mut self.warnings) {
            self.include_file(&path, depth);
        }
    }

    fn include_file(&mut self, path: &Path, depth: u8) {
        match read_text(path) {
            Ok(text) => {
                self.files.push(path.to_path_buf());
                conf_parse::parse(self, path, &text, depth);
            }
            Err(error) => self.warnings.push(error.with_cause()),
        }
    }
}

/// Debian's name of the architecture that this program was built for.
pub const BUILD_ARCHITECTURE: &str = if cfg!(target_arch = "x86_64") {
    "amd64"
} else if cfg!(target_arch = "x86") {
    "i386"
} else if cfg!(target_arch = "aarch64") {
    "arm64"
} else if cfg!(target_arch = "arm") {
    "armhf"
} else if cfg!(target_arch = "riscv64") {
    "riscv64"
} else if cfg!(all(target_arch = "powerpc64", target_endian = "little")) {
    "ppc64el"
} else if cfg!(target_arch = "s390x") {
    "s390x"
} else if cfg!(target_arch = "loongarch64") {
    "loong64"
} else {
    "unknown"
};

/// The native architecture of the system below `root`: that of its own dpkg, as its status file
/// says; a foreign root may have another than this program.
fn native_architecture(root: &Path) -> String {
    let listed = arch_lines(root);
    let status = root.join("var/lib/dpkg/status");
    dpkg_architecture(&status)
        .or_else(|| listed.into_iter().next())
        .unwrap_or_else(|| BUILD_ARCHITECTURE.to_owned())
}

/// The `Architecture` of the record of the package dpkg itself.
fn dpkg_architecture(status: &Path) -> Option<String> {
    let mut text = Vec::new();
    File::open(status).ok()?.take(LARGEST_STATUS).read_to_end(&mut text).ok()?;
    let start = match text.strip_prefix(b"Package: dpkg\n") {
        Some(_) => 0,
        None => memchr::memmem::find(&text, b"\nPackage: dpkg\n")? + 1,
    };
    let record = text.get(start..)?;
    let record = record.get(..memchr::memmem::find(record, b"\n\n").unwrap_or(record.len()))?;
    let at = memchr::memmem::find(record, b"\nArchitecture: ")? + b"\nArchitecture: ".len();
    let value = record.get(at..)?;
    let value = value.get(..memchr::memchr(b'\n', value).unwrap_or(value.len()))?;
    let value = std::str::from_utf8(value).ok()?.trim();
    (!value.is_empty() && value != "all").then(|| value.to_owned())
}

/// `var/lib/dpkg/arch`, which lists the native architecture and the foreign ones once
/// `dpkg --add-architecture` was used.
fn arch_lines(root: &Path) -> Vec<String> {
    let text = read_text(&root.join("var/lib/dpkg/arch")).unwrap_or_default();
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn foreign_architectures(root: &Path) -> Vec<String> {
    arch_lines(root)
}

/// What apt takes for true or false.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    const NO: &[&str] = &["0", "no", "false", "without", "off", "disable"];
    const YES: &[&str] = &["1", "yes", "true", "with", "on", "enable"];
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text.trim()));
    if is(YES) {
        Some(true)
    } else if is(NO) {
        Some(false)
    } else {
        None
    }
}

fn is_anchored(path: &str) -> bool {
    path.starts_with('/')
        || path.starts_with("~/")
        || path.starts_with("./")
        || path.starts_with("../")
}

#[cfg(test)]
mod tests;
