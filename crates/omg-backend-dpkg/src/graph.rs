//! Which installed package satisfies which dependency of which other.
//!
//! The rules are apt's: a dependency of a package of architecture X is on a package of X or on one
//! that is `Multi-Arch: foreign`, `:any` is on one that is `Multi-Arch: allowed`, and `:ARCH` on
//! one of that architecture; a `Provides` stands for the package it names, with its own version or
//! with none.

use ahash::AHashMap;
use omg_core::{Edge, RelationKind};

use crate::deb822::Block;
use crate::orphans;
use crate::relation::{self, Operator, Relation};
use crate::status::{self, Row, Settings};

#[cfg(test)]
mod tests;

/// The fields of a package that its place in the graph depends on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts<'a> {
    /// May not be removed.
    pub(crate) essential: bool,
    /// `Protected` or `Important`: kept like an essential one, but needed only for booting.
    pub(crate) protected: bool,
    /// One line.
    pub(crate) description: &'a str,
    multi_arch: &'a str,
    source: &'a str,
    provides: &'a str,
    /// By [`KINDS`].
    relations: [&'a str; 5],
}

const KINDS: [(&str, RelationKind); 5] = [
    ("Pre-Depends", RelationKind::PreDepends),
    ("Depends", RelationKind::Depends),
    ("Recommends", RelationKind::Recommends),
    ("Suggests", RelationKind::Suggests),
    ("Enhances", RelationKind::Enhances),
];

/// Reads the facts of a record. The error is the place and kind of a malformed line.
pub(crate) fn facts<'a>(text: &'a str, row: &Row<'a>) -> Result<Facts<'a>, (usize, &'static str)> {
    let block =
        Block { text: text.get(row.record.clone()).unwrap_or(""), offset: row.record.start };
    let mut facts = Facts::default();
    let mut fields = block.fields();
    for field in &mut fields {
        let first = field.name.as_bytes().first().map(u8::to_ascii_lowercase);
        // Most fields can be told by their first letter to be of no concern.
        if matches!(first, Some(b'd' | b'e' | b'i' | b'm' | b'p' | b'r' | b's')) {
            facts.take(field.name, field.value);
        }
    }
    match fields.malformed() {
        Some((at, what)) => Err((block.offset + at, what)),
        None => Ok(facts),
    }
}

impl<'a> Facts<'a> {
    fn take(&mut self, name: &str, value: &'a str) {
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        if is("Description") {
            self.description = status::first_line(value);
        } else if let Some(at) = KINDS.iter().position(|(wanted, _)| is(wanted)) {
            if let Some(relation) = self.relations.get_mut(at) {
                *relation = value;
            }
        } else if is("Essential") {
            self.essential = is_yes(value);
        } else if is("Protected") || is("Important") {
            self.protected |= is_yes(value);
        } else if is("Multi-Arch") {
            self.multi_arch = value;
        } else if is("Source") {
            self.source = value;
        } else if is("Provides") {
            self.provides = value;
        }
    }
}

/// What apt takes for true.
fn is_yes(value: &str) -> bool {
    ["yes", "true", "with", "on", "enable", "1"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
}

/// A package of the graph.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    /// Its record.
    pub(crate) row: Row<'a>,
    /// More of its record.
    pub(crate) facts: Facts<'a>,
    /// Marked automatic.
    pub(crate) automatic: bool,
}

impl<'a> Node<'a> {
    fn is_foreign(&self) -> bool {
        self.facts.multi_arch.eq_ignore_ascii_case("foreign")
    }

    fn is_allowed(&self) -> bool {
        self.facts.multi_arch.eq_ignore_ascii_case("allowed")
    }

    /// The source package and its version, which are the package's own unless it says otherwise.
    fn source(&self) -> (&'a str, &'a str) {
        let (name, rest) = self.facts.source.split_once(' ').unwrap_or((self.facts.source, ""));
        let version = rest.split_once('(').and_then(|(_, rest)| Some(rest.split_once(')')?.0));
        let name = if name.is_empty() { self.row.name } else { name };
        (name, version.map_or(self.row.version, str::trim_ascii))
    }
}

/// What is found.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// Sorted, without duplicates.
    pub(crate) edges: Vec<Edge>,
    /// By package: would `autoremove` remove it?
    pub(crate) orphans: Vec<bool>,
}

/// Builds the graph of the present packages.
pub(crate) fn build(nodes: &[Node<'_>], settings: &Settings) -> Graph {
    let offers = Offers::of(nodes, settings);
    let kernels = orphans::Kernels::of(nodes, &settings.autoremove);
    // Each edge with whether a mark passes along it; see `pass_marks`.
    let mut edges: Vec<(Edge, bool)> = Vec::with_capacity(nodes.len() * 8);
    let mut found = Vec::new();
    for (from, node) in nodes.iter().enumerate().filter(|(_, node)| node.row.is_present()) {
        let first = edges.len();
        for (field, (_, kind)) in node.facts.relations.iter().zip(KINDS) {
            for relation in relation::items(field).flat_map(relation::alternatives) {
                offers.satisfying(node, &relation, &mut found);
                pass_marks(nodes, &kernels, &mut found);
                edges.extend(
                    found
                        .iter()
                        .filter(|(to, _)| *to as usize != from)
                        .map(|(to, passes)| (Edge { from: from as u32, to: *to, kind }, *passes)),
                );
            }
        }
        // Of equal edges the one that passes marks comes first and is kept.
        if let Some(own) = edges.get_mut(first..) {
            own.sort_unstable_by_key(|(edge, passes)| (*edge, !passes));
        }
    }
    edges.dedup_by_key(|(edge, _)| *edge);
    let orphans = orphans::find(nodes, &edges, &kernels, settings);
    Graph { edges: edges.into_iter().map(|(edge, _)| edge).collect(), orphans }
}

/// Of several packages that satisfy one dependency and are built from one source, apt keeps only
/// those of the latest source version; of several kernels only the protected ones.
fn pass_marks(nodes: &[Node<'_>], kernels: &orphans::Kernels<'_>, found: &mut [(u32, bool)]) {
    if found.len() < 2 {
        return;
    }
    let source = |at: u32| nodes.get(at as usize).map_or(("", ""), Node::source);
    found.sort_by_key(|(at, _)| source(*at).0);
    for group in found.chunk_by_mut(|(a, _), (b, _)| source(*a).0 == source(*b).0) {
        let versions = group.iter().map(|(at, _)| source(*at).1);
        let Some(latest) = versions.reduce(|a, b| if Operator::Later.holds(b, a) { b } else { a })
        else {
            continue;
        };
        for (at, passes) in group.iter_mut() {
            *passes = source(*at).1 == latest;
        }
        let name = |at: u32| nodes.get(at as usize).map_or("", |node| node.row.name);
        let passing = || group.iter().filter(|(_, passes)| *passes).map(|(at, _)| name(*at));
        if passing().count() > 1
            && passing().all(|name| kernels.is_versioned(name))
            && passing().any(|name| kernels.is_protected(name))
        {
            for (at, passes) in group.iter_mut() {
                *passes &= kernels.is_protected(name(*at));
            }
        }
    }
}

/// Who stands for a name.
#[derive(Clone, Copy, Debug)]
struct Offer<'a> {
    node: u32,
    /// The version that counts: its own, or that of its `Provides`.
    version: Option<&'a str>,
    /// An architecture in its `Provides`: `foo:amd64`.
    qualifier: Option<&'a str>,
}

#[derive(Debug)]
struct Offers<'a> {
    by_name: AHashMap<&'a str, Vec<Offer<'a>>>,
    nodes: &'a [Node<'a>],
    settings: &'a Settings,
}

impl<'a> Offers<'a> {
    fn of(nodes: &'a [Node<'a>], settings: &'a Settings) -> Self {
        let mut by_name: AHashMap<&str, Vec<Offer<'_>>> = AHashMap::with_capacity(nodes.len() * 2);
        for (at, node) in nodes.iter().enumerate().filter(|(_, node)| node.row.is_present()) {
            let own = Offer { node: at as u32, version: Some(node.row.version), qualifier: None };
            by_name.entry(node.row.name).or_default().push(own);
            for provided in relation::items(node.facts.provides).filter_map(relation::parse) {
                let version = match provided.bound {
                    None => None,
                    Some((Operator::Equal, version)) => Some(version),
                    // apt passes over any other.
                    Some(_) => continue,
                };
                let offer = Offer { node: at as u32, version, qualifier: provided.architecture };
                by_name.entry(provided.name).or_default().push(offer);
            }
        }
        Self { by_name, nodes, settings }
    }

    /// The packages that satisfy one alternative, each with `true`.
    fn satisfying(&self, from: &Node<'_>, relation: &Relation<'_>, found: &mut Vec<(u32, bool)>) {
        found.clear();
        for offer in self.by_name.get(relation.name).into_iter().flatten() {
            let Some(node) = self.nodes.get(offer.node as usize) else { continue };
            if relation.accepts(offer.version)
                && self.reaches(from, relation, offer, node)
                && !found.iter().any(|(at, _)| *at == offer.node)
            {
                found.push((offer.node, true));
            }
        }
    }

    /// Do the architectures fit?
    fn reaches(
        &self,
        from: &Node<'_>,
        relation: &Relation<'_>,
        offer: &Offer<'_>,
        node: &Node<'_>,
    ) -> bool {
        let settings = self.settings;
        let own = settings.effective(from.row.architecture);
        let have = settings.effective(node.row.architecture);
        let wanted = match relation.architecture {
            Some("any") => {
                return match offer.qualifier {
                    Some(qualifier) => qualifier == "any",
                    None if settings.knows(own) => node.is_allowed() && settings.knows(have),
                    // A package of an architecture that apt does not know can have only its own.
                    None => have == own,
                };
            }
            Some("native") => &settings.native,
            Some(architecture) => architecture,
            None => own,
        };
        match offer.qualifier {
            Some(qualifier) => qualifier == wanted,
            None if have == wanted => true,
            None => relation.architecture.is_none() && node.is_foreign() && settings.knows(have),
        }
    }
}
