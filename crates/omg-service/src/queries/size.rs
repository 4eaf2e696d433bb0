//! `Size`: what a package takes on disk, alone and with what it needs.

use std::sync::Arc;

use ahash::AHashSet;
use omg_core::{Code, Fault, RelationKind, SizeRow};
use omg_proto::Reply;

use crate::queries::name::Wanted;
use crate::queries::tree::{Node, children, roots};
use crate::view::View;

/// The encoded reply. For all packages at once it is computed beside the async threads.
pub(crate) async fn answer(view: &Arc<View>, package: &str) -> Result<Vec<u8>, Fault> {
    if !package.is_empty() {
        return one(view, package).map(|rows| Reply::Size(rows).encode());
    }
    let view = view.clone();
    tokio::task::spawn_blocking(move || Reply::Size(all(&view)).encode())
        .await
        .map_err(|error| Fault::caused_by(Code::Internal, "adding up sizes panicked", &error))
}

fn all(view: &View) -> Vec<SizeRow<'_>> {
    let graph = Graph::new(view);
    let mut rows: Vec<SizeRow<'_>> = (0_u32..)
        .zip(&view.installed.packages)
        .filter(|(number, package)| !package.automatic && graph.is_there(*number))
        .filter_map(|(number, _)| installed(view, &graph, number))
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.exclusive, row.own)));
    rows
}

fn one<'a>(view: &'a View, package: &str) -> Result<Vec<SizeRow<'a>>, Fault> {
    let graph = Graph::new(view);
    let rows =
        roots(view, Wanted::read(view, package))?.into_iter().filter_map(|root| match root {
            Node::Installed(number) => installed(view, &graph, number),
            other => available(view, other),
        });
    Ok(rows.collect())
}

fn installed<'a>(view: &'a View, graph: &Graph<'_>, number: u32) -> Option<SizeRow<'a>> {
    let package = view.package(number)?;
    let needed = graph.reach([number], None);
    // What is still reached without it is needed by others, too.
    let kept =
        graph.reach(graph.roots.iter().copied().filter(|&root| root != number), Some(number));
    let sum = |wanted: &dyn Fn(usize) -> bool| -> u64 {
        let marked = needed.iter().enumerate().filter(|(at, needed)| **needed && wanted(*at));
        marked
            .filter_map(|(at, _)| view.installed.packages.get(at))
            .map(|package| package.installed_size)
            .sum()
    };
    let itself = number as usize;
    Some(SizeRow {
        name: &package.name,
        version: &package.version,
        own: package.installed_size,
        exclusive: sum(&|at| at == itself || !kept.get(at).copied().unwrap_or(false)),
        total: sum(&|_| true),
    })
}

/// Of what is not installed: exclusive is what installing it would add.
fn available<'a>(view: &'a View, root: Node<'a>) -> Option<SizeRow<'a>> {
    let Node::Available(entry) = root else { return None };
    let seen = view.seen(entry)?;
    let (mut known, mut stack) = (AHashSet::from([root]), vec![root]);
    let (mut total, mut exclusive) = (0, 0);
    while let Some(node) = stack.pop() {
        let size = match node {
            Node::Installed(number) => {
                view.package(number).map_or(0, |package| package.installed_size)
            }
            Node::Available(entry) => view.seen(entry).map_or(0, |seen| seen.row.installed_size),
            Node::Missing(_) => 0,
        };
        total += size;
        if matches!(node, Node::Available(_)) {
            exclusive += size;
        }
        stack.extend(
            children(view, node)
                .into_iter()
                .map(|(child, _)| child)
                .filter(|child| known.insert(*child)),
        );
    }
    Some(SizeRow {
        name: seen.row.name,
        version: seen.version,
        own: seen.row.installed_size,
        exclusive,
        total,
    })
}

/// Who needs whom on this system: what must be there, and what is installed by default with it.
struct Graph<'a> {
    view: &'a View,
    /// What would stay without anybody needing it.
    roots: Vec<u32>,
}

impl<'a> Graph<'a> {
    fn new(view: &'a View) -> Self {
        let roots = (0_u32..)
            .zip(&view.installed.packages)
            .filter(|(_, package)| !package.automatic || package.essential || package.orphan)
            .map(|(number, _)| number)
            .collect();
        Self { view, roots }
    }

    fn is_there(&self, number: u32) -> bool {
        self.view.entry_of(number).is_some()
    }

    /// Marks what the starts need, themselves too, on paths that avoid `without`.
    fn reach(&self, starts: impl IntoIterator<Item = u32>, without: Option<u32>) -> Vec<bool> {
        let mut marked = vec![false; self.view.installed.packages.len()];
        let mut stack: Vec<u32> = starts.into_iter().collect();
        while let Some(at) = stack.pop() {
            let Some(mark) = marked.get_mut(at as usize) else { continue };
            if *mark || Some(at) == without {
                continue;
            }
            *mark = true;
            let edges = self.view.installed.dependencies(at);
            stack.extend(
                edges.iter().filter(|edge| edge.kind <= RelationKind::Depends).map(|edge| edge.to),
            );
        }
        marked
    }
}
