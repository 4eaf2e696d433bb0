//! The system that the daemon answers for: the one place that names a concrete backend.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use omg_aur::recipes::{RecipeBase, Recipes};
use omg_aur::{Aur, Both, Builds, Demands};
use omg_backend::Either;
use omg_backend_alpm::Alpm;
use omg_backend_dpkg::Dpkg;
use omg_cache::Store;
use omg_core::{Code, Fault};
use omg_engine::Engine;
use omg_sandbox::{Confinement, Identity, Profile};
use omg_service::{Catalogue, Options, Rules};

use super::arguments::Arguments;
use crate::distribution::Distribution;
use crate::places::{self, variable};
use crate::settings::Settings;

/// Where recipes are built for root, below the system's root.
const BUILDS: &str = "var/cache/omg/builds";

/// What a root can turn out to be.
pub(super) type System = Either<Dpkg, Either<Alpm, Both<Alpm>>>;

/// Opens the backend that fits what lies below the root, and loads or builds its catalogue.
pub(super) async fn load(
    arguments: &Arguments,
    settings: &Settings,
) -> Result<Arc<Catalogue<System>>, Fault> {
    let backend = Arc::new(open(arguments, settings)?);
    let options = Options {
        snapshot: snapshot(arguments),
        namespace: vendor(&arguments.root),
        memory: settings.cache.memory_bytes,
        downloads: super::downloads::downloads(arguments, settings),
        rules: Some(rules(&arguments.root)),
    };
    Catalogue::start(backend, store(arguments), options).await
}

/// The policies that bind this daemon's user.
fn rules(root: &Path) -> Rules {
    let uid = places::uid();
    // Another root is whose it is that made it.
    let owner = if root == Path::new("/") { 0 } else { uid };
    let user = places::settings().map(|directory| directory.join("policy.toml"));
    Rules { root: root.to_path_buf(), owner, user, uid }
}

fn open(arguments: &Arguments, settings: &Settings) -> Result<System, Fault> {
    let root = &*arguments.root;
    // Where nothing is found, the message names the file that Debian would have.
    let distribution = Distribution::or_debian(Some(root));
    let engine = Engine::new(omg_engine::locate(engine_name(distribution)), root.to_path_buf());
    Ok(match distribution {
        Distribution::Debian => Either::First(Dpkg::open(root)?.with_engine(engine)),
        Distribution::Arch => {
            let alpm = Alpm::open(root)?.with_engine(engine);
            Either::Second(if settings.aur.enabled {
                Either::Second(with_aur(alpm, arguments, settings)?)
            } else {
                Either::First(alpm)
            })
        }
    })
}

/// The repositories of an Arch system together with the AUR.
fn with_aur(alpm: Alpm, arguments: &Arguments, settings: &Settings) -> Result<Both<Alpm>, Fault> {
    let nowhere = || {
        Fault::new(Code::Failure, "there is no directory to keep recipes of the AUR in")
            .hint("set HOME, or `enabled = false` in the settings' section [aur]")
    };
    let root = &*arguments.root;
    let cache = arguments.cache.clone().or_else(places::cache).ok_or_else(nowhere)?.join("aur");
    let state = places::state().ok_or_else(nowhere)?.join("aur");
    let url = &settings.aur.url;
    let base =
        if url.starts_with("https://") { RecipeBase::https(url) } else { RecipeBase::local(url) };
    let recipes = base.and_then(|base| Recipes::new(&cache.join("recipes"), base));
    let recipes = recipes.map_err(omg_aur::Error::from)?;
    let aur = Aur::open(omg_aur::Settings::new(url, &cache, omg_backend_alpm::version::compare))?;
    let demands = Demands {
        min_age_s: u64::from(settings.aur.min_age_days) * 86_400,
        exempt: settings.aur.exempt.clone(),
    };
    let both = Both::new(alpm, aur, recipes, &state, demands);
    // Whoever builds for root does not get into root's home.
    let of_system = places::uid() == 0 && arguments.cache.is_none();
    let directory = if of_system { root.join(BUILDS) } else { cache.join("builds") };
    Ok(both.building(builds(directory, settings)?))
}

/// How recipes are built: confined, and by nobody who is root.
fn builds(directory: PathBuf, settings: &Settings) -> Result<Builds, Fault> {
    let shim = omg_engine::locate("omg-sandbox-exec");
    let mut confinement = Confinement::new(Profile::Build, &shim);
    if confinement.identity().is_none()
        && let Some(identity) = builder(&settings.aur.build_user)?
    {
        confinement = confinement.run_as(identity);
    }
    Ok(Builds { confinement, directory, options: omg_aur::build::Options::default() })
}

/// Who builds for root: the user that the settings name, else the one that became root.
fn builder(name: &str) -> Result<Option<Identity>, Fault> {
    let number = |name| variable(name)?.to_str()?.parse::<u32>().ok().filter(|&id| id > 0);
    if name.is_empty() {
        let of_sudo = number("SUDO_UID").zip(number("SUDO_GID"));
        return Ok(of_sudo.map(|(uid, gid)| Identity { uid, gid }));
    }
    let text = std::fs::read_to_string("/etc/passwd")
        .map_err(|error| Fault::caused_by(Code::Unreadable, "/etc/passwd can't be read", &error))?;
    let of = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let found = of.filter(|fields| fields.first() == Some(&name)).find_map(|fields| {
        let number = |at: usize| fields.get(at)?.parse::<u32>().ok().filter(|&id| id > 0);
        Some(Identity { uid: number(2)?, gid: number(3)? })
    });
    found.map(Some).ok_or_else(|| {
        Fault::new(Code::Settings, format!("'aur.build_user': there is no user '{name}' but root"))
    })
}

/// The executable that plans for a distribution.
pub(crate) fn engine_name(distribution: Distribution) -> &'static str {
    match distribution {
        Distribution::Debian => "omg-engine-apt",
        Distribution::Arch => "omg-engine-alpm",
    }
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

/// Who stands in package URLs: what os-release(5) says, else the family's namesake.
fn vendor(root: &Path) -> String {
    distribution(root).unwrap_or_else(|| match Distribution::or_debian(Some(root)) {
        Distribution::Debian => Options::default().namespace,
        Distribution::Arch => "arch".to_owned(),
    })
}

/// `ID` in os-release(5).
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
