//! What kind of thing a package is, and how much the archive itself points at it.

use omg_core::Priority;

use crate::image::Core;

/// What a package is for, as far as its name and section tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Something to run, and whatever nothing below fits.
    Program = 0,
    /// Pulls in others; or the archive's own task.
    Task = 1,
    /// Module of a language other than C: `python3-requests`.
    Binding = 2,
    /// Shared library.
    Library = 3,
    /// Files that another package needs.
    Data = 4,
    /// Headers and the like.
    Development = 5,
    /// Documentation.
    Documentation = 6,
    /// Translations.
    Locale = 7,
    /// Debug symbols.
    Debug = 8,
    /// Left over after a rename.
    Transitional = 9,
}

/// Folded descriptions of packages that are left over after a rename have one of these.
pub(crate) const OUTDATED: [&str; 2] = ["transitional", "dummy package"];

impl Kind {
    pub(crate) const COUNT: u8 = 10;

    pub(crate) fn of(name: &str, section: &str, outdated: bool) -> Self {
        let section = section.rsplit_once('/').map_or(section, |(_, last)| last);
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        if section == "oldlibs" || outdated {
            Self::Transitional
        } else if section == "debug" || ends(&["-dbg", "-dbgsym", "-debug"]) {
            Self::Debug
        } else if section == "localization" || name.contains("-l10n") || name.contains("-i18n") {
            Self::Locale
        } else if ends(&["-doc", "-docs", "-manual", "-handbook"]) || section == "doc" {
            Self::Documentation
        } else if Self::is_binding(section, &starts) {
            Self::Binding
        } else if section == "metapackages" {
            Self::Program
        } else if section == "libdevel" || ends(&["-dev"]) {
            Self::Development
        } else if section == "tasks" || starts(&["task-"]) {
            Self::Task
        } else if ends(&[
            "-data",
            "-common",
            "-resources",
            "-theme",
            "-themes",
            "-icons",
            "-plugins",
            "-plugin",
            "-info",
            "-core",
        ]) {
            Self::Data
        } else if section == "libs"
            || section == "introspection"
            || starts(&["lib"]) && !section_has_programs(section)
        {
            Self::Library
        } else {
            Self::Program
        }
    }

    fn is_binding(section: &str, starts: &impl Fn(&[&str]) -> bool) -> bool {
        const PREFIXES: &[&str] = &[
            "python3-",
            "python-",
            "r-cran-",
            "r-bioc-",
            "r-other-",
            "golang-github-",
            "golang-golang-",
            "golang-gopkg-",
            "librust-",
            "node-",
            "ruby-",
            "elpa-",
            "php-",
            "libghc-",
            "haskell-",
            "gir1.2-",
            "lua-",
            "ocaml-",
            "octave-",
            "erlang-",
            "guile-",
            "tcl-",
            "fonts-",
            "hunspell-",
            "aspell-",
            "myspell-",
        ];
        const SECTIONS: &[&str] = &[
            "perl",
            "python",
            "ruby",
            "rust",
            "golang",
            "haskell",
            "ocaml",
            "php",
            "javascript",
            "java",
            "gnu-r",
            "lisp",
            "cli-mono",
        ];
        starts(PREFIXES) || SECTIONS.contains(&section) && starts(&["lib"])
    }

    pub(crate) fn from_byte(byte: u8) -> Self {
        match byte {
            1 => Self::Task,
            2 => Self::Binding,
            3 => Self::Library,
            4 => Self::Data,
            5 => Self::Development,
            6 => Self::Documentation,
            7 => Self::Locale,
            8 => Self::Debug,
            9 => Self::Transitional,
            _ => Self::Program,
        }
    }
}

/// Packages that only list others, chosen as what most people want.
pub(crate) fn is_curated(section: &str) -> bool {
    section == "tasks"
}

/// The name without a version at its end, `gcc` for `gcc-12`; `None` if it has none.
pub(crate) fn unversioned(name: &str) -> Option<&str> {
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let base = base.strip_suffix('-').unwrap_or(base);
    (base.len() < name.len() && !base.is_empty()).then_some(base)
}

/// The part of a folded name that is not a marker of language or kind: `requests` of
/// `python3-requests`, `ssl` of `libssl-dev`.
pub(crate) fn core(name: &str) -> Core {
    const BEFORE: &[&str] = &[
        "python3-",
        "python-",
        "r-cran-",
        "r-bioc-",
        "librust-",
        "libghc-",
        "node-",
        "ruby-",
        "golang-github-",
        "golang-",
        "elpa-",
        "php-",
        "lua-",
        "gir1.2-",
        "fonts-",
        "default-",
        "lib",
    ];
    const AFTER: &[&str] = &["-dev", "-perl", "-java", "-ruby", "-php"];
    let before = BEFORE.iter().find_map(|marker| {
        let rest = name.strip_prefix(marker)?;
        let kept = rest.len() > 1
            && !(*marker == "lib" && (rest.starts_with("re") || rest.starts_with('-')));
        kept.then_some(marker.len())
    });
    let at = before.unwrap_or(0);
    let rest = name.get(at..).unwrap_or("");
    let rest = AFTER
        .iter()
        .find_map(|marker| rest.strip_suffix(marker))
        .filter(|rest| !rest.is_empty())
        .unwrap_or(rest);
    match u8::try_from(rest.len()) {
        Ok(len) => Core { at: at as u8, len },
        Err(_) => Core { at: 0, len: u8::MAX },
    }
}

/// Sections whose `lib*` packages are often programs (`libreoffice` in editors).
fn section_has_programs(section: &str) -> bool {
    matches!(
        section,
        "editors"
            | "utils"
            | "admin"
            | "net"
            | "web"
            | "graphics"
            | "video"
            | "sound"
            | "text"
            | "database"
            | "mail"
            | "gnome"
            | "kde"
            | "x11"
            | "games"
    )
}

/// What the archive says of a package.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signals {
    pub(crate) priority: Priority,
    pub(crate) task: bool,
    pub(crate) essential: bool,
    /// Relations of any kind by which other packages name it; those of curated lists count more.
    pub(crate) dependents: u32,
    /// Packages named after it: `vim-gtk3` after `vim`.
    pub(crate) family: u32,
    /// A repository of security fixes has a version of it.
    pub(crate) security: bool,
    /// Votes in the AUR, for what is nowhere else.
    pub(crate) votes: Option<u32>,
    /// Its name is another package's with a version added: `gcc-12`.
    pub(crate) superseded: bool,
    /// Its name is another package's with a word added: `isc-dhcp-server-ldap`.
    pub(crate) part: bool,
}

/// The popularity that the archive's own data suggest, 0 to 1000. Absolute: it depends on nothing
/// but the package itself, so ranks of two indexes compare.
pub(crate) fn rank(signals: Signals) -> u16 {
    let priority = match signals.priority {
        Priority::Required => 300,
        Priority::Important => 260,
        Priority::Standard => 220,
        Priority::Optional => 60,
        Priority::Extra => 0,
    };
    let log = f64::from(signals.dependents + 1).log2();
    // 2^10 dependents are as many as any program has; libraries beyond that gain nothing.
    let dependents = (log.min(10.0) * 80.0) as u16;
    let family = (f64::from(signals.family + 1).log2().min(8.0) * 20.0) as u16;
    let task = if signals.task { 60 } else { 0 };
    let essential = if signals.essential { 40 } else { 0 };
    let security = if signals.security { 60 } else { 0 };
    // 2^10 votes are as many as any recipe has.
    let votes = signals
        .votes
        .map_or(0, |votes| (f64::from(votes.saturating_add(1)).log2().min(10.0) * 30.0) as u16);
    let rank = priority + dependents + family + task + essential + security + votes;
    // What nobody vouches for stands behind what a repository has.
    let rank = rank.saturating_sub(if signals.votes.is_some() { 60 } else { 0 });
    rank.saturating_sub(if signals.superseded {
        150
    } else if signals.part {
        140
    } else {
        0
    })
}
