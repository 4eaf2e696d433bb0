//! Real databases of one time, which fit each other.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::entry::Entry;
use crate::root::Root;

/// All packages of some repositories.
pub(crate) struct Era {
    pub(crate) repositories: Vec<(String, PathBuf)>,
    pub(crate) packages: Vec<(String, Entry)>,
    /// Indices of what has or provides a name, in order.
    offered: HashMap<String, Vec<usize>>,
    /// Names of packages for which all that they need is there.
    pub(crate) complete: BTreeSet<String>,
}

/// Real data, or `None` if it was not given.
pub(crate) fn data(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("OMG_TEST_DATA").map_or(beside, PathBuf::from).join(name);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// September 2022: core, extra and multilib, and, much larger, chaotic-aur.
pub(crate) fn of_2022() -> Option<&'static Era> {
    static ERA: OnceLock<Option<Era>> = OnceLock::new();
    ERA.get_or_init(|| {
        let directory = data("arch/era-2022-09")?;
        Some(Era::read(&directory, &["core", "extra", "multilib", "chaotic-aur"]))
    })
    .as_ref()
}

impl Era {
    fn read(directory: &Path, names: &[&str]) -> Self {
        let mut era = Self {
            repositories: Vec::new(),
            packages: Vec::new(),
            offered: HashMap::new(),
            complete: BTreeSet::new(),
        };
        for name in names {
            let file = directory.join(format!("{name}.db"));
            let records = tempfile::tempdir().unwrap();
            let unpacked = Command::new("tar")
                .args(["--warning=no-unknown-keyword", "-xf"])
                .arg(&file)
                .arg("-C")
                .arg(records.path())
                .status();
            assert!(unpacked.unwrap().success());
            let mut directories: Vec<_> =
                fs::read_dir(records.path()).unwrap().flatten().map(|entry| entry.path()).collect();
            directories.sort();
            for directory in directories {
                let text = fs::read_to_string(directory.join("desc")).unwrap();
                let entry = Entry::parse(&text).unwrap();
                era.packages.push(((*name).to_owned(), entry));
            }
            era.repositories.push(((*name).to_owned(), file));
        }
        for (at, (_, entry)) in era.packages.iter().enumerate() {
            let provided = entry.values("PROVIDES").iter().map(|one| bare(one));
            for name in provided.chain([entry.name.as_str()]) {
                era.offered.entry(name.to_owned()).or_default().push(at);
            }
        }
        let lacks = |at: &usize| {
            let (_, entry) = &era.packages[*at];
            entry.values("DEPENDS").iter().any(|wanted| !era.offered.contains_key(bare(wanted)))
        };
        let mut incomplete: Vec<bool> = (0..era.packages.len()).map(|at| lacks(&at)).collect();
        loop {
            let spoiled: Vec<usize> = (0..era.packages.len())
                .filter(|at| !incomplete[*at] && era.needs(*at).any(|one| incomplete[one]))
                .collect();
            if spoiled.is_empty() {
                break;
            }
            for at in spoiled {
                incomplete[at] = true;
            }
        }
        let complete = era.packages.iter().zip(incomplete).filter(|(_, incomplete)| !incomplete);
        era.complete = complete.map(|((_, entry), _)| entry.name.clone()).collect();
        era
    }

    /// What fulfils the dependencies of a package: for each the one of that name, or the first.
    fn needs(&self, at: usize) -> impl Iterator<Item = usize> {
        self.packages[at].1.values("DEPENDS").iter().filter_map(|wanted| {
            let offered = self.offered.get(bare(wanted))?;
            let literal = offered.iter().find(|at| self.packages[**at].1.name == bare(wanted));
            literal.or(offered.first()).copied()
        })
    }

    /// A root with the first so many repositories.
    pub(crate) fn root(&self, repositories: usize, options: &str) -> Root {
        let names: Vec<&str> =
            self.repositories.iter().take(repositories).map(|(name, _)| name.as_str()).collect();
        let root = Root::new(&names, options);
        for (name, file) in self.repositories.iter().take(repositories) {
            let to = root.database().join(format!("sync/{name}.db"));
            std::os::unix::fs::symlink(file.canonicalize().unwrap(), to).unwrap();
        }
        root
    }

    /// Packages with everything that they need, as far as it is there: indices, sorted.
    pub(crate) fn closure(&self, seeds: &[usize]) -> BTreeSet<usize> {
        let mut names: HashMap<&str, usize> = HashMap::new();
        let mut queue = seeds.to_vec();
        while let Some(at) = queue.pop() {
            let (_, entry) = &self.packages[at];
            if names.contains_key(entry.name.as_str()) {
                continue;
            }
            names.insert(&entry.name, at);
            queue.extend(self.needs(at));
        }
        names.into_values().collect()
    }
}

/// The name of a relation.
pub(crate) fn bare(relation: &str) -> &str {
    relation.split(['<', '>', '=', ':']).next().unwrap_or(relation)
}
