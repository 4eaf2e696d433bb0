//! What `apt-get autoremove` would remove: automatic packages that nothing kept needs.
//!
//! The rules are those of apt 2.6: kept are packages that the user asked for, essential, protected
//! and required ones, those on hold, those that `APT::NeverAutoRemove` names, and the kernels worth
//! keeping; and what those depend on, recommend or suggest, as far as apt is told to follow.
//!
//! Two differences remain, both of apt's making. apt takes a package's priority from the archive
//! where that offers the installed version; here it is dpkg's. And where two dependencies on one
//! name would keep different packages of one source, apt looks only at the one it meets first,
//! in the order of its hash table; here both count.

use std::cell::OnceCell;
use std::path::Path;

use omg_core::{Edge, RelationKind};
use regex::bytes::{RegexSet, RegexSetBuilder};

use crate::graph::Node;
use crate::status::Settings;
use crate::version;

/// Most bytes that the compiled patterns may take, each set.
const LARGEST_PATTERNS: usize = 8 << 20;

/// apt's settings for `autoremove`.
#[derive(Clone, Debug)]
pub struct AutoRemove {
    /// `APT::AutoRemove::RecommendsImportant`.
    pub recommends: bool,
    /// `APT::AutoRemove::SuggestsImportant`.
    pub suggests: bool,
    /// `APT::NeverAutoRemove`: POSIX extended regular expressions over names.
    pub never: Vec<String>,
    /// `APT::Protect-Kernels`.
    pub protect_kernels: bool,
    /// `APT::VersionedKernelPackages`: patterns of what precedes `-VERSION` in a kernel's names.
    pub versioned_kernels: Vec<String>,
    /// Release of the running kernel, `uname -r`.
    pub running_kernel: Option<String>,
    /// `APT::Ignore-Hold`.
    pub ignore_hold: bool,
    /// `pkgCacheGen::ForceEssential`: packages that count as essential.
    pub force_essential: Vec<String>,
    /// `pkgCacheGen::ForceImportant`: packages that count as protected.
    pub force_important: Vec<String>,
}

impl Default for AutoRemove {
    /// apt's own defaults, without a running kernel.
    fn default() -> Self {
        Self {
            recommends: true,
            suggests: true,
            never: Vec::new(),
            protect_kernels: true,
            versioned_kernels: Vec::new(),
            running_kernel: None,
            ignore_hold: false,
            force_essential: vec!["apt".to_owned()],
            force_important: Vec::new(),
        }
    }
}

/// The release of the running kernel, if /proc tells.
pub fn running_kernel() -> Option<String> {
    let text = std::fs::read_to_string(Path::new("/proc/sys/kernel/osrelease")).ok()?;
    Some(text.trim_ascii().to_owned())
}

/// Compiles patterns as apt does: anywhere in the name, whatever the case. Empty and bad ones match
/// nothing.
fn patterns(all: &[String]) -> RegexSet {
    let build = |patterns: &[String]| {
        RegexSetBuilder::new(patterns)
            .unicode(false)
            .case_insensitive(true)
            .size_limit(LARGEST_PATTERNS)
            .build()
    };
    let named: Vec<String> = all.iter().filter(|pattern| !pattern.is_empty()).cloned().collect();
    build(&named).unwrap_or_else(|_| {
        let good = named.into_iter().filter(|one| build(std::slice::from_ref(one)).is_ok());
        build(&good.collect::<Vec<_>>()).unwrap_or_else(|_| RegexSet::empty())
    })
}

/// Which packages belong to a kernel, and to one that is kept.
#[derive(Debug)]
pub(crate) struct Kernels<'a> {
    /// Most machines never ask.
    versioned: OnceCell<RegexSet>,
    names: &'a [String],
    protected: RegexSet,
}

impl<'a> Kernels<'a> {
    pub(crate) fn of(nodes: &[Node<'_>], settings: &'a AutoRemove) -> Self {
        let protected =
            if settings.protect_kernels { protected(nodes, settings) } else { Vec::new() };
        Self {
            versioned: OnceCell::new(),
            names: &settings.versioned_kernels,
            protected: patterns(&protected),
        }
    }

    /// Is it of one version of a kernel?
    pub(crate) fn is_versioned(&self, name: &str) -> bool {
        let compile = || {
            let whole = self.names.iter().map(|name| format!("^{name}-.*$"));
            patterns(&whole.collect::<Vec<_>>())
        };
        self.versioned.get_or_init(compile).is_match(name.as_bytes())
    }

    /// Is it of a kernel that is kept?
    pub(crate) fn is_protected(&self, name: &str) -> bool {
        self.protected.is_match(name.as_bytes())
    }
}

/// Patterns of the packages of the kernels that are kept: the running one, the latest, and the one
/// before if the running one is the latest.
fn protected(nodes: &[Node<'_>], settings: &AutoRemove) -> Vec<String> {
    let running = settings.running_kernel.as_deref();
    let mut kernels: Vec<(&str, &str)> = nodes
        .iter()
        .filter(|node| node.row.is_present())
        .filter_map(|node| Some((node.row.version, release(node.row.name)?)))
        .collect();
    if kernels.is_empty() {
        return Vec::new();
    }
    kernels.sort_by(|a, b| version::compare(b.0, a.0));
    let booted = kernels.iter().find(|kernel| Some(kernel.1) == running).map(|kernel| kernel.0);
    let mut versions: Vec<&str> = kernels.iter().map(|kernel| kernel.0).collect();
    versions.dedup_by(|a, b| version::compare(a, b).is_eq());
    let keeps =
        |kept: &[&str], one: &str| kept.iter().any(|have| version::compare(have, one).is_eq());
    let mut kept: Vec<&str> = booted.into_iter().collect();
    if let Some(latest) = versions.first().filter(|latest| !keeps(&kept, latest)) {
        kept.push(latest);
    }
    if let Some(previous) = versions.get(1).filter(|_| kept.len() < 2) {
        kept.push(previous);
    }
    let releases = kernels.iter().filter(|kernel| keeps(&kept, kernel.0)).map(|kernel| kernel.1);
    let releases: Vec<String> = releases
        .chain(running)
        .map(|release| release.replace('.', r"\.").replace('+', r"\+"))
        .collect();
    let names = |pattern: &String| {
        releases.iter().map(|release| format!("^{pattern}-{release}$")).collect::<Vec<_>>()
    };
    settings.versioned_kernels.iter().flat_map(names).collect()
}

/// The kernel's release in the name of its package: `6.1.0-1-amd64` of `linux-image-6.1.0-1-amd64`.
fn release(name: &str) -> Option<&str> {
    let prefixes = ["linux-image-", "kfreebsd-image-", "gnumach-image-"];
    let release = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix))?;
    let debug = release.ends_with("-dbgsym") || release.ends_with("-dbg");
    let (number, _) = release.split_once('.')?;
    let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (numbered && !debug).then_some(release)
}

/// By package: would it be removed? `edges` are sorted, each with whether a mark passes along it.
pub(crate) fn find(
    nodes: &[Node<'_>],
    edges: &[(Edge, bool)],
    kernels: &Kernels<'_>,
    settings: &Settings,
) -> Vec<bool> {
    let rules = &settings.autoremove;
    let mut marks = Marks { marked: vec![false; nodes.len()], edges, rules };
    for (at, node) in nodes.iter().enumerate() {
        if node.row.is_present() && is_root(node, rules) {
            marks.mark(at as u32);
        }
    }
    // Patterns cost more than the rest, and few packages are unmarked by now.
    let never = if marks.marked.iter().all(|marked| *marked) {
        RegexSet::empty()
    } else {
        patterns(&rules.never)
    };
    for (at, node) in nodes.iter().enumerate() {
        let unmarked = marks.marked.get(at) == Some(&false);
        if unmarked
            && node.row.is_present()
            && (kernels.is_protected(node.row.name) || never.is_match(node.row.name.as_bytes()))
        {
            marks.mark(at as u32);
        }
    }
    nodes.iter().zip(&marks.marked).map(|(node, marked)| node.row.is_present() && !marked).collect()
}

fn is_root(node: &Node<'_>, rules: &AutoRemove) -> bool {
    let forced = |names: &[String]| names.iter().any(|name| name == node.row.name);
    !node.automatic
        || node.facts.essential
        || node.facts.protected
        || node.row.priority == "required"
        || (node.row.is_held() && !rules.ignore_hold)
        || forced(&rules.force_essential)
        || forced(&rules.force_important)
}

struct Marks<'a> {
    marked: Vec<bool>,
    edges: &'a [(Edge, bool)],
    rules: &'a AutoRemove,
}

impl Marks<'_> {
    /// Marks a package and all that is needed because of it.
    fn mark(&mut self, first: u32) {
        let mut left = vec![first];
        while let Some(at) = left.pop() {
            match self.marked.get_mut(at as usize) {
                Some(marked) if !*marked => *marked = true,
                _ => continue,
            }
            let start = self.edges.partition_point(|(edge, _)| edge.from < at);
            let own = self.edges.iter().skip(start).take_while(|(edge, _)| edge.from == at);
            left.extend(
                own.filter(|(edge, passes)| *passes && self.follows(edge.kind))
                    .map(|(edge, _)| edge.to),
            );
        }
    }

    fn follows(&self, kind: RelationKind) -> bool {
        match kind {
            RelationKind::PreDepends | RelationKind::Depends => true,
            RelationKind::Recommends => self.rules.recommends,
            RelationKind::Suggests => self.rules.suggests,
            RelationKind::Enhances => false,
        }
    }
}
