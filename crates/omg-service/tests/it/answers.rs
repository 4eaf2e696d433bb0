//! Every query answers, with the right content.

use omg_core::{Code, FileOrigin, InstallReason, RelationKind};
use omg_proto::ListFilter;

use super::*;

async fn ask_of(queries: &[Query<'_>], check: impl Fn(&[Reply<'_>])) {
    let world = in_memory(Fake::new(packages())).await;
    let mut bodies = Vec::new();
    for query in queries {
        bodies.push(
            world.ask(*query).await.unwrap_or_else(|fault| Reply::Fault(fault).encode().into()),
        );
    }
    let replies: Vec<Reply<'_>> = bodies.iter().map(|body| Reply::decode(body).unwrap()).collect();
    check(&replies);
}

#[tokio::test]
async fn search_merges_what_is_offered_and_what_is_only_here() {
    ask_of(
        &[
            Query::Search { query: "vim", limit: None },
            Query::Search { query: "homemade", limit: Some(5) },
            Query::Search { query: "editor", limit: Some(1) },
            Query::Search { query: "zzzzzzzz", limit: None },
        ],
        |replies| {
            let [Reply::Search(vim), Reply::Search(home), ..] = replies else {
                panic!("{replies:?}")
            };
            let (vim, home): (Vec<_>, Vec<_>) =
                (vim.packages().collect(), home.packages().collect());
            assert_eq!(vim[0].name, "vim");
            assert_eq!(vim[0].installed_version, Some("9.0"));
            assert_eq!(vim[0].repository, "fake/main");
            let runtime = vim.iter().find(|package| package.name == "vim-runtime").unwrap();
            assert_eq!((runtime.version, runtime.installed_version), ("9.1", Some("9.0")));
            assert_eq!(runtime.repository, "fake-security/main");
            assert_eq!((home[0].name, home[0].repository), ("homemade", "local"));
            assert!(
                matches!(&replies[2], Reply::Search(found) if found.total >= 1 && found.len() == 1)
            );
            assert!(
                matches!(&replies[3], Reply::Search(found) if found.total == 0 && found.is_empty())
            );
        },
    )
    .await;
}

#[tokio::test]
async fn info_accepts_names_architectures_and_versions() {
    let info = |package| Query::Info { package };
    ask_of(
        &[
            info("vim-runtime"),
            info("vim-runtime=9.0"),
            info("vim:all"),
            info("homemade"),
            info("ripgrep"),
            info("fake/main/vim-runtime"),
            info("vim-runtime/fake"),
            info("fake-security/main/vim"),
            info("fake/main/homemade"),
        ],
        |replies| {
            let one = |at: usize| match &replies[at] {
                Reply::Info(details) if details.len() == 1 => &details[0],
                other => panic!("{other:?}"),
            };
            let runtime = one(0);
            assert_eq!((runtime.version, runtime.installed_version), ("9.1", Some("9.0")));
            assert_eq!(runtime.install_reason, Some(InstallReason::Dependency));
            assert_eq!(runtime.installed_at, Some(1_700_000_000));
            assert_eq!(runtime.purl, "pkg:deb/debian/vim-runtime@9.1?arch=all");
            let rows: Vec<_> =
                runtime.versions.iter().map(|row| (row.version, row.repository)).collect();
            assert_eq!(
                rows,
                [("9.1", "fake-security/main"), ("9.0", "installed"), ("9.0", "fake/main")]
            );
            assert_eq!((one(1).version, one(1).repository), ("9.0", "fake/main"));
            assert_eq!(one(2).depends, ["vim-runtime (= 9.0)", "libc6"]);
            assert_eq!((one(3).repository, one(3).description), ("local", "A tool built here"));
            assert_eq!(one(3).versions.len(), 1);
            assert_eq!((one(4).installed_version, one(4).install_reason), (None, None));
            for at in [5, 6] {
                assert_eq!((one(at).version, one(at).repository), ("9.0", "fake/main"));
                assert_eq!(one(at).candidate_version, Some("9.1"));
            }
            for at in [7, 8] {
                let elsewhere = matches!(&replies[at], Reply::Fault(fault)
                    if fault.code == Code::NotFound && fault.message.contains("is not in fake"));
                assert!(elsewhere, "{:?}", replies[at]);
            }
        },
    )
    .await;
}

#[tokio::test]
async fn what_is_not_there_comes_with_a_way_on() {
    let info = |package| Query::Info { package };
    ask_of(
        &[
            info("ripgrpe"),
            info("editor"),
            info("vim=1"),
            info("vim:mips"),
            Query::Why { package: "nano" },
        ],
        |replies| {
            let fault = |at: usize| match &replies[at] {
                Reply::Fault(fault) if fault.code == Code::NotFound => fault,
                other => panic!("{other:?}"),
            };
            assert!(fault(0).suggestions.contains(&"ripgrep".to_string()), "{:?}", fault(0));
            assert_eq!(fault(1).suggestions, ["nano", "vim"]);
            assert!(fault(1).message.contains("virtual") && fault(2).hint.is_some());
            assert!(fault(4).message.contains("not installed"));
        },
    )
    .await;
}

#[tokio::test]
async fn status_counts_and_lists_agree() {
    let list = |filter| Query::List { filter };
    ask_of(
        &[
            Query::Status,
            list(ListFilter::Installed),
            list(ListFilter::Explicit),
            list(ListFilter::Orphans),
            Query::Updates { security: false },
            Query::Updates { security: true },
            list(ListFilter::Local),
            list(ListFilter::Available),
            Query::Explicit,
            list(ListFilter::Automatic),
        ],
        |replies| {
            let names = |at: usize| match &replies[at] {
                Reply::List(rows) => rows.iter().map(|row| row.name).collect::<Vec<_>>(),
                other => panic!("{other:?}"),
            };
            let Reply::Status(status) = &replies[0] else { panic!() };
            let counts = status.packages;
            assert_eq!((counts.total, names(1).len()), (5, 5));
            assert_eq!((counts.explicit, names(2)), (2, vec!["homemade", "vim"]));
            assert_eq!((counts.orphans, names(3)), (1, vec!["leftover"]));
            assert_eq!((counts.updates, names(4)), (1, vec!["vim-runtime"]));
            assert_eq!((counts.security_updates, names(5)), (1, vec!["vim-runtime"]));
            assert_eq!(names(6), ["homemade"]);
            assert_eq!(names(7), ["leftover", "libc6", "nano", "ripgrep", "vim", "vim-runtime"]);
            assert_eq!(names(8), names(2));
            assert_eq!(names(9), ["leftover", "libc6", "vim-runtime"]);
            assert_eq!(status.index_packages, 7);
            assert!(status.data_age_s.is_some());
        },
    )
    .await;
}

#[tokio::test]
async fn relations_are_followed_in_both_directions() {
    ask_of(
        &[
            Query::Rdeps { package: "libc6", installed: false },
            Query::Rdeps { package: "libc6", installed: true },
            Query::Why { package: "libc6" },
            Query::Why { package: "vim" },
            Query::Why { package: "leftover" },
            Query::Tree { package: "vim", depth: 9 },
            Query::Tree { package: "ripgrep", depth: 1 },
            Query::Size { package: "vim" },
            Query::Size { package: "ripgrep" },
            Query::Size { package: "" },
        ],
        |replies| {
            let dependents = |at: usize| match &replies[at] {
                Reply::Rdeps(rows) => {
                    rows.iter().map(|row| (row.name, row.installed)).collect::<Vec<_>>()
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(dependents(0), [("ripgrep", false), ("vim", true)]);
            assert_eq!(dependents(1), [("vim", true)]);
            let chains = |at: usize| match &replies[at] {
                Reply::Why(chains) => chains
                    .iter()
                    .map(|chain| {
                        chain
                            .links
                            .iter()
                            .map(|link| (link.name.clone(), link.kind))
                            .collect::<Vec<_>>()
                    })
                    .collect::<Vec<_>>(),
                other => panic!("{other:?}"),
            };
            assert_eq!(
                chains(2),
                [[("vim".into(), Some(RelationKind::Depends)), ("libc6".into(), None)]]
            );
            assert_eq!(chains(3), [[("vim".into(), None)]]);
            assert!(chains(4).is_empty());
            let rows = |at: usize| match &replies[at] {
                Reply::Tree(rows) => {
                    rows.iter().map(|row| (row.depth, row.name.as_str())).collect::<Vec<_>>()
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(rows(5), [(0, "vim"), (1, "libc6"), (1, "vim-runtime")]);
            assert_eq!(rows(6), [(0, "ripgrep"), (1, "libc6")]);
            let sizes = |at: usize| match &replies[at] {
                Reply::Size(rows) => rows
                    .iter()
                    .map(|row| (row.name, row.own, row.exclusive, row.total))
                    .collect::<Vec<_>>(),
                other => panic!("{other:?}"),
            };
            assert_eq!(sizes(7), [("vim", 4096, 3 * 4096, 3 * 4096)]);
            assert_eq!(sizes(8), [("ripgrep", 4096, 4096, 2 * 4096)]);
            assert_eq!(sizes(9).iter().map(|row| row.0).collect::<Vec<_>>(), ["vim", "homemade"]);
        },
    )
    .await;
}

/// What the catalogue's version needs is not what the installed one does.
#[tokio::test]
async fn installed_dependents_are_those_of_the_installed_versions() {
    let world = in_memory(Fake::new(packages())).await;
    world.fake.change_installed(|packages| {
        packages.get_mut("vim").unwrap().depends = vec!["vim-runtime".into()];
    });
    world.catalogue.refresh().await.unwrap();
    for (installed, expected) in [(true, &[][..]), (false, &["ripgrep", "vim"])] {
        let body = world.ask(Query::Rdeps { package: "libc6", installed }).await.unwrap();
        let Ok(Reply::Rdeps(rows)) = Reply::decode(&body) else { panic!() };
        assert_eq!(rows.iter().map(|row| row.name).collect::<Vec<_>>(), expected);
    }
    // Of what is not installed nothing else is known than what the catalogue says.
    let body = world.ask(Query::Rdeps { package: "editor", installed: true }).await.unwrap();
    assert!(matches!(Reply::decode(&body), Ok(Reply::Rdeps(rows)) if rows.is_empty()));
}

#[tokio::test]
async fn files_are_the_backends() {
    ask_of(
        &[
            Query::Owns { path: "/usr/bin/vim" },
            Query::Provides { what: "editor" },
            Query::Provides { what: "rg" },
            Query::Files { package: "vim" },
            Query::Files { package: "nano" },
            Query::Owns { path: "/nowhere" },
            Query::Files { package: "nanoo" },
            Query::Suggest { query: "ripgrp", limit: 3 },
            Query::Ping,
        ],
        |replies| {
            let found = |at: usize| match &replies[at] {
                Reply::Files { matches, .. } => matches.iter().map(|it| (it.package.as_str(), it.origin)).collect(),
                other => panic!("{other:?}"),
            };
            let expected: [Vec<(&str, FileOrigin)>; 3] = [
                vec![("vim", FileOrigin::Installed)],
                vec![("vim", FileOrigin::Virtual), ("nano", FileOrigin::Virtual)],
                vec![("ripgrep", FileOrigin::Contents)],
            ];
            let found: [Vec<(&str, FileOrigin)>; 3] = [found(0), found(1), found(2)];
            assert_eq!(found, expected);
            assert!(matches!(&replies[3], Reply::Paths(paths) if paths == &["/usr/bin/vim"]));
            assert!(matches!(&replies[4], Reply::Paths(paths) if paths == &["/usr/bin/nano"]));
            assert!(matches!(&replies[5], Reply::Fault(fault) if fault.code == Code::NotFound));
            assert!(matches!(&replies[6], Reply::Fault(fault) if fault.suggestions.contains(&"nano".into())));
            assert!(matches!(&replies[7], Reply::Suggest(names) if names.contains(&"ripgrep")));
            assert!(matches!(&replies[8], Reply::Pong { .. }));
        },
    )
    .await;
}
