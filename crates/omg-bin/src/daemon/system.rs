//! The system that the daemon answers for: the one place that names a concrete backend.

use std::path::Path;
use std::sync::Arc;

use omg_backend_dpkg::Dpkg;
use omg_cache::Store;
use omg_core::Fault;
use omg_service::{Catalogue, Options};

use super::arguments::Arguments;
use crate::places;
use crate::settings::Settings;

/// Opens the backend that fits what lies below the root, and loads or builds its catalogue.
pub(super) async fn load(
    arguments: &Arguments,
    settings: &Settings,
) -> Result<Arc<Catalogue<Dpkg>>, Fault> {
    let backend = Arc::new(Dpkg::open(&arguments.root)?);
    let options = Options {
        snapshot: snapshot(arguments),
        namespace: distribution(&arguments.root).unwrap_or_else(|| Options::default().namespace),
        memory: settings.cache.memory_bytes,
    };
    Catalogue::start(backend, store(arguments), options).await
}

/// The cache, in memory alone where there is no place for a file.
fn store(arguments: &Arguments) -> Store {
    let Some(directory) = arguments.cache.clone().or_else(places::cache) else {
        return Store::in_memory();
    };
    let store = Store::open(&directory.join(places::cache_file(&arguments.root)));
    if let Some(problem) = store.problem() {
        tracing::warn!(problem, "the cache is not as it should be");
    }
    store
}

/// Prompts are told of this system only, and by a daemon that stays to tell them more.
fn snapshot(arguments: &Arguments) -> Option<std::path::PathBuf> {
    if arguments.stdio || arguments.root != Path::new("/") {
        return None;
    }
    places::make(&places::runtime()).ok()?;
    Some(places::snapshot())
}

/// `ID` in os-release(5), which stands in package URLs.
fn distribution(root: &Path) -> Option<String> {
    let text = ["etc/os-release", "usr/lib/os-release"]
        .into_iter()
        .find_map(|path| std::fs::read_to_string(root.join(path)).ok())?;
    let id =
        text.lines().find_map(|line| line.strip_prefix("ID="))?.trim().trim_matches(['"', '\'']);
    let plain = !id.is_empty()
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    plain.then(|| id.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distribution_is_what_os_release_says() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(distribution(root.path()), None);
        std::fs::create_dir(root.path().join("etc")).unwrap();
        let write = |text| std::fs::write(root.path().join("etc/os-release"), text).unwrap();
        write("NAME=x\nVERSION_ID=1\nID=\"ubuntu\"\n");
        assert_eq!(distribution(root.path()).as_deref(), Some("ubuntu"));
        write("ID=../x\n");
        assert_eq!(distribution(root.path()), None);
    }
}
