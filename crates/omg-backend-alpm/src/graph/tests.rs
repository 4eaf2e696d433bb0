use super::*;

fn node<'a>(name: &'a str, version: &'a str) -> Node<'a> {
    Node { name, version, automatic: true, ..Node::default() }
}

fn described(nodes: &[Node<'_>]) -> (Vec<String>, Vec<String>) {
    let graph = build(nodes, 1000).unwrap();
    let name = |at: u32| nodes[at as usize].name;
    let edges = graph
        .edges
        .iter()
        .map(|edge| format!("{} {} {}", name(edge.from), edge.kind.as_str(), name(edge.to)));
    let orphans = nodes.iter().zip(&graph.orphans).filter(|(_, orphan)| **orphan);
    (edges.collect(), orphans.map(|(node, _)| node.name.to_owned()).collect())
}

#[test]
fn names_versions_and_provisions_make_edges() {
    let mut app = node("app", "1-1");
    app.depends = vec!["sh>=4", "libx.so=1-64", "zlib>2", "sh"];
    app.optional = vec!["python: for plug-ins", "sh"];
    let mut bash = node("bash", "5.1-1");
    bash.provides = vec!["sh=5.1", "libx.so=2-64"];
    let mut lib = node("libx", "1-1");
    lib.provides = vec!["libx.so=1-64"];
    let nodes = [app, bash, lib, node("python", "3-1"), node("zlib", "2-1")];
    let (edges, orphans) = described(&nodes);
    assert_eq!(
        edges,
        ["app depends bash", "app suggests bash", "app depends libx", "app suggests python"]
    );
    assert_eq!(orphans, ["app", "zlib"]);
}

#[test]
fn circles_are_no_orphans_and_those_asked_for_neither() {
    let mut a = node("a", "1-1");
    a.depends = vec!["b"];
    let mut b = node("b", "1-1");
    b.depends = vec!["a"];
    let mut own = node("own", "1-1");
    own.provides = vec!["self"];
    own.depends = vec!["self"];
    let asked = Node { automatic: false, ..node("asked", "1-1") };
    let (edges, orphans) = described(&[a, b, own, asked]);
    assert_eq!(edges, ["a depends b", "b depends a"]);
    assert_eq!(orphans, [""; 0]);
}

#[test]
fn too_many_edges_are_refused() {
    let mut a = node("a", "1-1");
    a.depends = vec!["b"; 11];
    assert!(build(&[a, node("b", "1-1")], 10).is_none());
}
