//! Everything small that decides what a system can install: configuration, sources, what the
//! suites say of themselves, and pins.

use std::path::{Path, PathBuf};

use omg_core::{Repository, Source};

use super::conf::Conf;
use super::lists::{self, ListFile};
use super::phasing;
use super::policy::Policy;
use super::preferences::{Origin, Preferences};
use super::release::Release;
use super::sources::{Sources, Suite};
use crate::orphans::{AutoRemove, running_kernel};
use crate::status;

/// Most lists that are read; more are left out with a warning.
const MOST_LISTS: usize = 2000;

/// A list of packages that is there, with all that its suite says.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) file: ListFile,
    /// Number in [`Settings::repositories`].
    pub(crate) repository: usize,
    /// Number in [`Settings::suites`].
    pub(crate) suite: usize,
    pub(crate) security: bool,
}

/// A list of the files in packages that is there.
#[derive(Debug, Clone)]
pub(crate) struct Contents {
    pub(crate) path: PathBuf,
    /// Architecture in its name.
    pub(crate) architecture: String,
}

/// The settings of one system at one time.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) conf: Conf,
    pub(crate) policy: Policy,
    /// All suites of the sources, with and without lists.
    pub(crate) suites: Vec<Suite>,
    /// Lists of packages in apt's order.
    pub(crate) places: Vec<Place>,
    pub(crate) repositories: Vec<Repository>,
    pub(crate) translations: Vec<PathBuf>,
    pub(crate) contents: Vec<Contents>,
    pub(crate) warnings: Vec<String>,
}

impl Settings {
    /// Reads everything below `root`.
    pub(crate) fn read(root: &Path) -> Self {
        let conf = Conf::read(root);
        let sources = Sources::read(&conf);
        let mut preferences = Preferences::read(&conf);
        let mut warnings = conf.warnings().to_vec();
        warnings.extend(sources.warnings);
        let mut builder = Builder { lists: conf.dir("Dir::State::lists"), ..Builder::default() };
        for (number, suite) in sources.suites.iter().enumerate() {
            builder.suite(number, suite, &mut warnings);
        }
        if let Some(release) = conf.get("APT::Default-Release") {
            preferences.target_release(release, &builder.origins);
        }
        warnings.append(&mut preferences.warnings);
        let policy = Policy::new(&conf, preferences, builder.origins);
        Self {
            policy,
            places: builder.places,
            repositories: builder.repositories,
            translations: builder.translations,
            contents: builder.contents,
            warnings,
            suites: sources.suites,
            conf,
        }
    }
}

/// What reading the installed packages needs to know of the configuration.
pub(crate) fn installed(conf: &Conf) -> status::Settings {
    let strings = |name: &str| conf.list(name).into_iter().map(str::to_owned).collect::<Vec<_>>();
    let defaults = AutoRemove::default();
    let essential = if conf.has("pkgCacheGen::ForceEssential") {
        strings("pkgCacheGen::ForceEssential")
    } else {
        defaults.force_essential
    };
    let foreign =
        conf.architectures().into_iter().filter(|name| name != conf.architecture()).collect();
    status::Settings {
        admin: super::generation::dpkg_dir(conf),
        extended_states: conf.file("Dir::State::extended_states"),
        native: conf.architecture().to_owned(),
        foreign,
        autoremove: AutoRemove {
            recommends: conf.flag("APT::AutoRemove::RecommendsImportant", true),
            suggests: conf.flag("APT::AutoRemove::SuggestsImportant", true),
            never: strings("APT::NeverAutoRemove"),
            protect_kernels: conf.flag("APT::Protect-Kernels", true),
            versioned_kernels: strings("APT::VersionedKernelPackages"),
            running_kernel: running_kernel(),
            ignore_hold: conf.flag("APT::Ignore-Hold", false),
            force_essential: essential,
            force_important: strings("pkgCacheGen::ForceImportant"),
        },
    }
}

#[derive(Default)]
struct Builder {
    lists: PathBuf,
    origins: Vec<Origin>,
    places: Vec<Place>,
    repositories: Vec<Repository>,
    translations: Vec<PathBuf>,
    contents: Vec<Contents>,
}

impl Builder {
    fn suite(&mut self, number: usize, suite: &Suite, warnings: &mut Vec<String>) {
        let found: Vec<_> = suite
            .packages
            .iter()
            .filter_map(|target| Some((target, lists::find(&self.lists, &target.file)?)))
            .collect();
        let translations =
            suite.translations.iter().filter_map(|target| lists::find(&self.lists, &target.file));
        self.translations.extend(translations.map(|file| file.path));
        for target in &suite.contents {
            if let Some(file) = lists::find(&self.lists, &target.file) {
                self.contents
                    .push(Contents { path: file.path, architecture: target.architecture.clone() });
            }
        }
        if found.is_empty() {
            return;
        }
        let release = Release::read(&self.lists, suite, warnings);
        for (target, file) in found {
            if self.places.len() >= MOST_LISTS {
                warnings.push(format!("{}: more than {MOST_LISTS} lists", file.path.display()));
                return;
            }
            let security = release.is_security(suite);
            let repository = self.repository(suite, &release, &target.component, security);
            self.places.push(Place { file, repository, suite: number, security });
            self.origins.push(Origin {
                release: Some(release.clone()),
                site: suite.site.clone(),
                component: target.component.clone(),
                architecture: target.architecture.clone(),
            });
        }
    }

    fn repository(
        &mut self,
        suite: &Suite,
        release: &Release,
        component: &str,
        security: bool,
    ) -> usize {
        let start = release.name(suite);
        // `updates/main` is how old security archives name their components.
        let component = component.rsplit('/').next().unwrap_or(component);
        let name =
            if component.is_empty() { start.to_owned() } else { format!("{start}/{component}") };
        let known =
            self.repositories.iter().position(|known| known.name == name && known.uri == suite.uri);
        known.unwrap_or_else(|| {
            self.repositories.push(Repository {
                name,
                source: Source::Apt,
                security,
                searched: true,
                uri: suite.uri.clone(),
            });
            self.repositories.len() - 1
        })
    }
}

/// Files that [`Settings::read`] reads and whose change it may depend on.
pub(crate) fn files(conf: &Conf) -> Vec<PathBuf> {
    let mut files = vec![
        conf.dir("Dir::Etc::parts"),
        conf.file("Dir::Etc::main"),
        conf.file("Dir::Etc::sourcelist"),
        conf.dir("Dir::Etc::sourceparts"),
        conf.file("Dir::Etc::preferences"),
        conf.dir("Dir::Etc::preferencesparts"),
        conf.below_root("/var/lib/dpkg/arch"),
        phasing::machine_file(conf),
    ];
    for path in conf.files() {
        if !files.contains(path) {
            files.push(path.clone());
        }
    }
    files
}
