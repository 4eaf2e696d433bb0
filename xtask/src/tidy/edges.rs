//! Which crate may use which: dependencies point down only.

use super::Breach;
use std::path::Path;

/// Each crate and those of ours that it may use. `docs/architecture.md` says why.
const EDGES: &[(&str, &[&str])] = &[
    ("omg-core", &[]),
    ("omg-failpoint", &[]),
    ("omg-proto", &["omg-core"]),
    ("omg-index", &["omg-core"]),
    ("omg-cache", &["omg-core"]),
    ("omg-verify", &["omg-core", "omg-failpoint"]),
    ("omg-policy", &["omg-core", "omg-failpoint"]),
    ("omg-audit", &["omg-core", "omg-failpoint"]),
    ("omg-fetch", &["omg-core", "omg-failpoint"]),
    ("omg-sandbox", &["omg-core", "omg-failpoint"]),
    ("omg-ipc", &["omg-core", "omg-proto"]),
    ("omg-backend", &["omg-core", "omg-fetch", "omg-verify", "omg-failpoint"]),
    ("omg-engine", &["omg-core"]),
    (
        "omg-commit",
        &["omg-core", "omg-engine", "omg-verify", "omg-policy", "omg-audit", "omg-failpoint"],
    ),
    (
        "omg-engine-apt",
        &[
            "omg-core",
            "omg-engine",
            "omg-commit",
            "omg-verify",
            "omg-backend",
            "omg-backend-dpkg",
            "omg-failpoint",
        ],
    ),
    (
        "omg-engine-alpm",
        &[
            "omg-core",
            "omg-engine",
            "omg-commit",
            "omg-verify",
            "omg-backend-alpm",
            "omg-failpoint",
        ],
    ),
    (
        "omg-backend-dpkg",
        &["omg-core", "omg-backend", "omg-engine", "omg-verify", "omg-fetch", "omg-failpoint"],
    ),
    (
        "omg-backend-alpm",
        &["omg-core", "omg-backend", "omg-engine", "omg-verify", "omg-fetch", "omg-failpoint"],
    ),
    (
        "omg-aur",
        &["omg-core", "omg-backend", "omg-fetch", "omg-verify", "omg-sandbox", "omg-failpoint"],
    ),
    (
        "omg-service",
        &[
            "omg-core",
            "omg-proto",
            "omg-index",
            "omg-cache",
            "omg-backend",
            "omg-fetch",
            "omg-verify",
            "omg-policy",
            "omg-failpoint",
        ],
    ),
    ("omg-fast", &["omg-proto"]),
    (
        "omg-bin",
        &[
            "omg-core",
            "omg-proto",
            "omg-index",
            "omg-cache",
            "omg-ipc",
            "omg-backend",
            "omg-backend-alpm",
            "omg-backend-dpkg",
            "omg-aur",
            "omg-engine",
            "omg-service",
            "omg-verify",
            "omg-audit",
            "omg-policy",
            "omg-fetch",
            "omg-sandbox",
            "omg-failpoint",
        ],
    ),
];

/// Tests may look one step further, at what they check the crate against.
const TEST_EDGES: &[(&str, &[&str])] = &[
    ("omg-index", &["omg-backend"]),
    ("omg-ipc", &["omg-service"]),
    ("omg-engine-alpm", &["omg-backend"]),
    ("omg-engine-apt", &["omg-audit"]),
];

/// Checks one manifest.
pub(super) fn check(path: &Path, text: &str) -> Vec<Breach> {
    let mut package = String::new();
    let mut section = "";
    let mut breaches = Vec::new();
    let mut breach =
        |at: usize, what: String| breaches.push(format!("{}:{}: {what}", path.display(), at + 1));
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']');
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        let key = key.trim().split('.').next().unwrap_or_default();
        if section == "package" && key == "name" {
            value.trim().trim_matches('"').clone_into(&mut package);
        }
        let (ordinary, of_tests) = (
            section.ends_with("dependencies") && !section.contains("dev-"),
            section.contains("dev-dependencies"),
        );
        if !ordinary && !of_tests {
            continue;
        }
        if package == "xtask" {
            breach(at, format!("xtask has no dependencies, and {key} is one"));
        } else if key.starts_with("omg-") && key != package && !allowed(&package, key, of_tests) {
            breach(at, format!("{package} must not use {key}"));
        }
    }
    breaches
}

fn allowed(package: &str, dependency: &str, of_tests: bool) -> bool {
    let listed = |edges: &[(&str, &[&str])]| {
        edges.iter().any(|(name, below)| *name == package && below.contains(&dependency))
    };
    // What is no crate of the product (benches, fuzz) measures and tests whatever it wants.
    EDGES.iter().all(|(name, _)| *name != package)
        || listed(EDGES)
        || (of_tests && listed(TEST_EDGES))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaches(text: &str) -> Vec<Breach> {
        check(Path::new("Cargo.toml"), text)
    }

    #[test]
    fn down_is_fine() {
        let text = "[package]\nname = \"omg-ipc\"\n[dependencies]\nomg-proto.workspace = true\ntokio = \"1\"\n";
        assert_eq!(breaches(text), Vec::<Breach>::new());
    }

    #[test]
    fn up_and_sideways_are_not() {
        for (package, dependency) in [
            ("omg-core", "omg-proto"),
            ("omg-service", "omg-backend-dpkg"),
            ("omg-proto", "omg-ipc"),
        ] {
            let text = format!(
                "[package]\nname = \"{package}\"\n[target.'cfg(unix)'.dependencies]\n{dependency} = {{ workspace = true }}\n"
            );
            assert_eq!(breaches(&text).len(), 1, "{package} → {dependency}");
        }
    }

    #[test]
    fn xtask_stands_alone() {
        assert_eq!(
            breaches("[package]\nname = \"xtask\"\n[dependencies]\nserde = \"1\"\n").len(),
            1
        );
    }
}
