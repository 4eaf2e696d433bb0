use super::*;
use crate::status::rows;

fn nodes(text: &str) -> Vec<Node<'_>> {
    let mut rows = rows(text).rows;
    rows.sort_by_key(|row| (row.name, row.architecture));
    rows.into_iter()
        .map(|row| {
            let facts = facts(text, &row).unwrap();
            Node { row, facts, automatic: false }
        })
        .collect()
}

fn settings() -> Settings {
    Settings::new(std::path::Path::new("/"), "amd64")
}

fn edges(text: &str) -> Vec<(String, String, RelationKind)> {
    let nodes = nodes(text);
    let name = |at: u32| nodes[at as usize].row.name.to_owned();
    build(&nodes, &settings())
        .edges
        .iter()
        .map(|edge| (name(edge.from), name(edge.to), edge.kind))
        .collect()
}

fn record(name: &str, version: &str, fields: &str) -> String {
    format!(
        "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n{fields}\n\n"
    )
}

#[test]
fn edges_go_to_whoever_satisfies() {
    let text = [
        record("a", "1", "Depends: b (>= 2) | v (= 1), a, b\nEnhances: c"),
        record("b", "1", ""),
        record("c", "1", "Provides: v (= 1), w"),
        record("d", "1", "Recommends: w, w (>= 0), v (<< 1)\nPre-Depends: nothing"),
    ]
    .concat();
    let found = edges(&text);
    let wanted = [
        ("a", "b", RelationKind::Depends),
        ("a", "c", RelationKind::Depends),
        ("a", "c", RelationKind::Enhances),
        ("d", "c", RelationKind::Recommends),
    ];
    let wanted: Vec<_> =
        wanted.map(|(from, to, kind)| (from.to_owned(), to.to_owned(), kind)).into();
    assert_eq!(found, wanted);
}

#[test]
fn removed_packages_satisfy_nothing() {
    let text = [
        record("a", "1", "Depends: b"),
        record("b", "1", "").replace("install ok installed", "deinstall ok config-files"),
    ];
    assert_eq!(edges(&text.concat()), []);
}

#[test]
fn malformed_lines_are_told_with_their_place() {
    // Behind the short fields, where an index does not look.
    let short = "Priority: optional\nSection: misc\nInstalled-Size: 1\nVersion";
    let text = record("a", "1", "junk").replace("Version", short);
    let row = rows(&text).rows.remove(0);
    let (at, _) = facts(&text, &row).unwrap_err();
    assert!(text[at..].starts_with("junk"));
}

#[test]
fn every_dependency_of_this_machine_is_satisfied() {
    let Ok(text) = std::fs::read_to_string("/var/lib/dpkg/status") else {
        println!("skipped: no dpkg here");
        return;
    };
    let nodes = nodes(&text);
    let settings = settings();
    let offers = Offers::of(&nodes, &settings);
    let mut found = Vec::new();
    for node in nodes.iter().filter(|node| node.row.state_word() == "installed") {
        for field in [node.facts.relations[0], node.facts.relations[1]] {
            for item in relation::items(field) {
                let satisfied = relation::alternatives(item).any(|relation| {
                    offers.satisfying(node, &relation, &mut found);
                    !found.is_empty()
                });
                assert!(satisfied, "{}: {item}", node.row.name);
            }
        }
    }
}
