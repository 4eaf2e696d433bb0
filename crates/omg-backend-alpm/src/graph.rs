//! Which installed package satisfies which dependency of which other, and which nobody needs.
//!
//! The rules are libalpm's (`_alpm_depcmp`): a dependency is satisfied by every package of that
//! name in a fitting version and by every one with a fitting provision.

use ahash::AHashMap;
use omg_core::{Edge, RelationKind};

use crate::relation::Relation;

#[cfg(test)]
mod tests;

/// A package, as far as its place in the graph depends on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    /// Came because another package needed it.
    pub(crate) automatic: bool,
    /// Lines of `%DEPENDS%`.
    pub(crate) depends: Vec<&'a str>,
    /// Lines of `%OPTDEPENDS%`.
    pub(crate) optional: Vec<&'a str>,
    /// Lines of `%PROVIDES%`.
    pub(crate) provides: Vec<&'a str>,
}

/// What is found.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// Sorted, without duplicates. None leads from a package to itself.
    pub(crate) edges: Vec<Edge>,
    /// By package: does `pacman -Qdt` list it?
    pub(crate) orphans: Vec<bool>,
}

/// Who stands for a name: the package of that name, or one with a provision.
#[derive(Clone, Copy, Debug)]
struct Offer<'a> {
    node: u32,
    provision: Option<&'a str>,
}

/// Builds the graph. `None` if it has more than `most` edges.
pub(crate) fn build(nodes: &[Node<'_>], most: usize) -> Option<Graph> {
    let offers = offers(nodes);
    let mut edges: Vec<Edge> = Vec::with_capacity(nodes.len() * 6);
    let mut needed = vec![false; nodes.len()];
    for (from, node) in nodes.iter().enumerate() {
        let first = edges.len();
        let lists =
            [(&node.depends, RelationKind::Depends), (&node.optional, RelationKind::Suggests)];
        for (list, kind) in lists {
            for relation in list.iter().map(|line| Relation::parse(line)) {
                for offer in offers.get(relation.name).into_iter().flatten() {
                    if satisfies(nodes, offer, &relation) {
                        // pacman counts a package that needs its own provision as needed.
                        needed.get_mut(offer.node as usize).into_iter().for_each(|it| *it = true);
                        edges.push(Edge { from: from as u32, to: offer.node, kind });
                    }
                }
            }
        }
        if edges.len() > most {
            return None;
        }
        if let Some(own) = edges.get_mut(first..) {
            own.sort_unstable();
        }
    }
    edges.dedup();
    edges.retain(|edge| edge.from != edge.to);
    let orphans =
        nodes.iter().zip(needed).map(|(node, needed)| node.automatic && !needed).collect();
    Some(Graph { edges, orphans })
}

fn offers<'a>(nodes: &[Node<'a>]) -> AHashMap<&'a str, Vec<Offer<'a>>> {
    let mut offers: AHashMap<&str, Vec<Offer<'_>>> = AHashMap::with_capacity(nodes.len() * 2);
    for (at, node) in nodes.iter().enumerate() {
        let node_number = at as u32;
        offers.entry(node.name).or_default().push(Offer { node: node_number, provision: None });
        for provision in &node.provides {
            let offer = Offer { node: node_number, provision: Some(provision) };
            offers.entry(Relation::parse(provision).name).or_default().push(offer);
        }
    }
    offers
}

fn satisfies(nodes: &[Node<'_>], offer: &Offer<'_>, relation: &Relation<'_>) -> bool {
    match (offer.provision, nodes.get(offer.node as usize)) {
        (Some(provision), _) => relation.satisfied_by_provision(provision),
        (None, Some(node)) => relation.satisfied_by_name(node.name, node.version),
        (None, None) => false,
    }
}
