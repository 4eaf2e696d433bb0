//! `Tree`: what a package needs, and what that needs.

use std::collections::BTreeMap;

use ahash::AHashSet;
use omg_core::{Fault, RelationKind, TreeRow};
use omg_proto::Reply;

use crate::queries::name::{Wanted, providers};
use crate::view::{Entry, View};

/// Most rows in an answer; a tree that is cut there says so by its last row.
const ROWS: usize = 20_000;

/// A package in the tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Node<'a> {
    Installed(u32),
    Available(Entry),
    /// Nobody has it.
    Missing(&'a str),
}

pub(crate) fn answer(view: &View, package: &str, depth: u16) -> Result<Reply<'static>, Fault> {
    let wanted = Wanted::read(view, package);
    let mut walk = Walk { view, depth, rows: Vec::new(), shown: AHashSet::new() };
    for root in roots(view, wanted)? {
        walk.visit(root, 0, None);
    }
    Ok(Reply::Tree(walk.rows))
}

/// What is installed, else the rows of that name.
pub(super) fn roots<'a>(view: &'a View, wanted: Wanted<'_>) -> Result<Vec<Node<'a>>, Fault> {
    match wanted.installed(view) {
        Ok(numbers) => Ok(numbers.into_iter().map(Node::Installed).collect()),
        Err(_) => Ok(wanted.entries(view)?.into_iter().map(Node::Available).collect()),
    }
}

struct Walk<'a> {
    view: &'a View,
    depth: u16,
    rows: Vec<TreeRow>,
    /// Packages whose children were shown.
    shown: AHashSet<Node<'a>>,
}

impl<'a> Walk<'a> {
    /// Depth first with a stack of our own: a chain of dependencies may be longer than a thread's.
    fn visit(&mut self, root: Node<'a>, depth: u16, kind: Option<RelationKind>) {
        let mut stack = vec![(root, depth, kind)];
        while let Some((node, depth, kind)) = stack.pop() {
            if self.rows.len() >= ROWS {
                return;
            }
            let below = if depth < self.depth { children(self.view, node) } else { Vec::new() };
            let repeated = !below.is_empty() && !self.shown.insert(node);
            self.rows.push(row(self.view, node, depth, kind, repeated));
            if !repeated {
                stack.extend(
                    below.into_iter().rev().map(|(child, kind)| (child, depth + 1, Some(kind))),
                );
            }
        }
    }
}

fn row(
    view: &View,
    node: Node<'_>,
    depth: u16,
    kind: Option<RelationKind>,
    repeated: bool,
) -> TreeRow {
    let (name, version, installed) = match node {
        Node::Installed(number) => {
            let package = view.package(number);
            (
                package.map_or("", |package| &*package.name),
                package.map(|package| &*package.version),
                true,
            )
        }
        Node::Available(entry) => {
            let seen = view.seen(entry);
            let installed = seen.as_ref().is_some_and(|seen| seen.installed.is_some());
            (
                seen.as_ref().map_or("", |seen| seen.row.name),
                seen.map(|seen| seen.version),
                installed,
            )
        }
        Node::Missing(name) => (name, None, false),
    };
    TreeRow {
        depth,
        name: name.to_string(),
        version: version.map(ToString::to_string),
        installed,
        kind,
        repeated,
    }
}

/// What must be there for a package to work, in the order of its record where that is known.
pub(super) fn children<'a>(view: &'a View, node: Node<'a>) -> Vec<(Node<'a>, RelationKind)> {
    match node {
        Node::Installed(number) => {
            let mut strongest: BTreeMap<u32, RelationKind> = BTreeMap::new();
            for edge in view
                .installed
                .dependencies(number)
                .iter()
                .filter(|edge| edge.kind <= RelationKind::Depends)
            {
                let kind = strongest.entry(edge.to).or_insert(edge.kind);
                *kind = edge.kind.min(*kind);
            }
            strongest.into_iter().map(|(to, kind)| (Node::Installed(to), kind)).collect()
        }
        Node::Available(entry) => available(view, entry),
        Node::Missing(_) => Vec::new(),
    }
}

/// The index keeps each alternative as a relation of its own, so all of them are shown.
fn available<'a>(view: &'a View, entry: Entry) -> Vec<(Node<'a>, RelationKind)> {
    let (index, row) = view.index(entry);
    let architecture = index.row(row).map_or("", |row| row.architecture);
    let mut below: Vec<(Node<'a>, RelationKind)> = Vec::new();
    for (kind, name) in index.relations(row).filter(|(kind, _)| *kind <= RelationKind::Depends) {
        let child = resolve(view, name, architecture);
        if below.iter().all(|(other, _)| *other != child) {
            below.push((child, kind));
        }
    }
    below
}

/// What a name in a dependency field stands for: what is installed before what is not, a package
/// before one that provides it.
pub(super) fn resolve<'a>(view: &'a View, name: &'a str, architecture: &str) -> Node<'a> {
    if let Some((number, _)) = view.installed_named(name).next() {
        return Node::Installed(number);
    }
    let mut entries = view.find(name);
    // Of a virtual package the installed provider is it, else the first by name.
    if entries.is_empty() {
        let mut names: Vec<&str> = providers(view, name).collect();
        names.sort_unstable();
        let there = names.iter().find_map(|name| view.installed_named(name).next());
        if let Some((number, _)) = there {
            return Node::Installed(number);
        }
        entries = names.first().map(|name| view.find(name)).unwrap_or_default();
    }
    let same = |entry: &&Entry| {
        view.seen(**entry).is_some_and(|seen| seen.row.architecture == architecture)
    };
    match entries.iter().find(same).or(entries.first()) {
        Some(entry) => Node::Available(*entry),
        None => Node::Missing(name),
    }
}
