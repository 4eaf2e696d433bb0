//! `Why`: the shortest chains from what the user asked for to a package.

use std::collections::VecDeque;

use omg_core::{Chain, Edge, Fault, Link, PackageState, RelationKind};
use omg_proto::Reply;

use crate::queries::name::Wanted;
use crate::view::View;

/// Most chains in an answer.
const CHAINS: usize = 5;

pub(crate) fn answer(view: &View, package: &str) -> Result<Reply<'static>, Fault> {
    let numbers = Wanted::read(view, package).installed(view)?;
    let mut chains = Vec::new();
    for number in numbers {
        chains.extend(to(view, number));
    }
    // Stable: of chains as long as each other the stronger stays first.
    chains.sort_by_key(|chain: &Chain| chain.links.len());
    chains.truncate(CHAINS);
    Ok(Reply::Why(chains))
}

fn to(view: &View, target: u32) -> Vec<Chain> {
    if is_root(view, target) {
        return vec![Chain { links: vec![link(view, target, None)] }];
    }
    // What must be there explains it better than what might; so weaker reasons are looked for only
    // where stronger ones don't reach.
    [RelationKind::Depends, RelationKind::Recommends, RelationKind::Suggests]
        .into_iter()
        .map(|weakest| chains(view, target, weakest))
        .find(|chains| !chains.is_empty())
        .unwrap_or_default()
}

/// Did the user ask for it, or can't the system be without it?
fn is_root(view: &View, number: u32) -> bool {
    view.package(number).is_some_and(|package| {
        (!package.automatic || package.essential) && package.state != PackageState::ConfigFiles
    })
}

/// Breadth first against the edges: the first roots met are the nearest.
fn chains(view: &View, target: u32, weakest: RelationKind) -> Vec<Chain> {
    let incoming = incoming(view, weakest);
    // The edge by which each package leads to the target.
    let mut next: Vec<Option<Edge>> = vec![None; view.installed.packages.len()];
    let mut queue = VecDeque::from([target]);
    let mut chains = Vec::new();
    while let Some(at) = queue.pop_front() {
        for edge in incoming.get(at as usize).into_iter().flatten() {
            let Some(seen) = next.get_mut(edge.from as usize) else { continue };
            if seen.is_some() || edge.from == target {
                continue;
            }
            *seen = Some(*edge);
            if is_root(view, edge.from) {
                chains.push(edge.from);
            } else {
                queue.push_back(edge.from);
            }
        }
        if chains.len() >= CHAINS {
            break;
        }
    }
    chains.into_iter().take(CHAINS).map(|root| chain(view, root, &next)).collect()
}

fn incoming(view: &View, weakest: RelationKind) -> Vec<Vec<Edge>> {
    let mut incoming: Vec<Vec<Edge>> = vec![Vec::new(); view.installed.packages.len()];
    for edge in view.installed.edges.iter().filter(|edge| edge.kind <= weakest) {
        if let Some(edges) = incoming.get_mut(edge.to as usize) {
            edges.push(*edge);
        }
    }
    for edges in &mut incoming {
        edges.sort_unstable_by_key(|edge| (edge.kind, edge.from));
    }
    incoming
}

fn chain(view: &View, root: u32, next: &[Option<Edge>]) -> Chain {
    let mut links = Vec::new();
    let mut at = root;
    // Each step is one nearer to the target, so this ends.
    while let Some(edge) = next.get(at as usize).copied().flatten() {
        links.push(link(view, at, Some(edge.kind)));
        at = edge.to;
    }
    links.push(link(view, at, None));
    Chain { links }
}

fn link(view: &View, number: u32, kind: Option<RelationKind>) -> Link {
    let package = view.package(number);
    Link {
        name: package.map_or_else(String::new, |package| package.name.to_string()),
        version: package.map_or_else(String::new, |package| package.version.to_string()),
        kind,
    }
}
