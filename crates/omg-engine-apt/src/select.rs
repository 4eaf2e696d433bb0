//! From targets to versions, as apt-get's command line does it (`apt-pkg/cacheset.cc`,
//! `apt-private/private-cacheset.cc`).

use omg_core::{Change, Operation, ProviderChoice, is_dangerous};
use rust_apt::{Cache, Package, Version};

use crate::error::Error;
use crate::names::{self, by_name, compile, glob, in_release, matching, pretty, version_matches};
use crate::providers;
use crate::settings::Settings;

/// Bytes that a target may have.
const TARGET_LENGTH: usize = 4096;

/// What the targets mean.
pub(crate) struct Selection<'a> {
    /// To install, in the order in which they were named.
    pub(crate) installs: Vec<Version<'a>>,
    /// To remove.
    pub(crate) removes: Vec<Version<'a>>,
    /// Of `installs`, those that were named with a suite, and its name.
    pub(crate) switched: Vec<(Version<'a>, String)>,
    /// Of `installs`, ids of those that are package files, with the paths of these.
    pub(crate) files: Vec<(usize, String)>,
    /// Choices between providers of virtual packages.
    pub(crate) choices: Vec<ProviderChoice>,
    /// What the user should know.
    pub(crate) notes: Vec<String>,
}

/// What is done with a target.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Install,
    Remove,
}

/// Which version is meant where none is named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pick {
    Candidate,
    Newest,
}

/// What was named after the package.
enum Wanted<'t> {
    Nothing,
    Version(&'t str),
    Release(&'t str),
}

struct Selector<'a, 'c> {
    cache: &'a Cache,
    settings: &'c Settings,
    change: &'c Change,
    out: Selection<'a>,
}

/// What the targets of a change mean, and which package files are among them.
pub(crate) fn select<'a>(
    cache: &'a Cache,
    settings: &Settings,
    change: &Change,
) -> Result<Selection<'a>, Error> {
    let out = Selection {
        installs: Vec::new(),
        removes: Vec::new(),
        switched: Vec::new(),
        files: Vec::new(),
        choices: Vec::new(),
        notes: Vec::new(),
    };
    let mut selector = Selector { cache, settings, change, out };
    let fallback = match change.operation {
        Operation::Install | Operation::Upgrade => Mode::Install,
        Operation::Remove | Operation::Autoremove => Mode::Remove,
    };
    for target in change.targets.iter().filter(|target| !is_file(target)) {
        selector.target(target, fallback)?;
    }
    for target in change.targets.iter().filter(|target| is_file(target)) {
        selector.file(target)?;
    }
    let mut out = selector.out;
    unique(&mut out.installs);
    unique(&mut out.removes);
    Ok(out)
}

/// Is the target the path of a package file?
pub(crate) fn is_file(target: &str) -> bool {
    target.starts_with('/')
}

/// Refuses targets that are none.
pub(crate) fn check(target: &str) -> Result<(), Error> {
    if target.is_empty() || target.len() > TARGET_LENGTH || target.chars().any(is_dangerous) {
        return Err(Error::usage(format!("'{target}' is not the name of a package")));
    }
    if target.starts_with("./") || target.starts_with("../") {
        return Err(Error::usage(format!("'{target}' is the path of a file; name the package")));
    }
    let known = |extension: &&str| target.len() > extension.len() && target.ends_with(*extension);
    if is_file(target) && ![".deb", ".ddeb"].iter().any(known) {
        return Err(Error::usage(format!(
            "'{target}' is not a package file: its name does not end in .deb"
        )));
    }
    Ok(())
}

fn unique(versions: &mut Vec<Version<'_>>) {
    let mut seen = std::collections::HashSet::new();
    versions.retain(|version| seen.insert(version.index()));
}

impl<'a> Selector<'a, '_> {
    /// One target: `g++` is a package, `foo-` removes one, unless there is one of that name.
    fn target(&mut self, target: &str, fallback: Mode) -> Result<(), Error> {
        let changed = [("+", Mode::Install, Pick::Candidate), ("-", Mode::Remove, Pick::Newest)];
        for (suffix, mode, pick) in changed {
            let Some(rest) = target.strip_suffix(suffix).filter(|rest| !rest.is_empty()) else {
                continue;
            };
            if self.literal(target, fallback, pick)? {
                return Ok(());
            }
            return self.versions(rest, mode, pick);
        }
        let pick = match fallback {
            Mode::Install => Pick::Candidate,
            Mode::Remove => Pick::Newest,
        };
        self.versions(target, fallback, pick)
    }

    /// Takes a target that ends in a modifier as the name of a package, if there is such a one.
    fn literal(&mut self, target: &str, mode: Mode, pick: Pick) -> Result<bool, Error> {
        let (name, wanted) = split(target);
        let Some(package) = by_name(self.cache, self.settings, name) else { return Ok(false) };
        let found = self.version_of(&package, &wanted, pick);
        match found {
            Ok(Some(version)) => {
                self.take(version, mode, &wanted);
                Ok(true)
            }
            Err(Error::NoProvider { .. }) => found.map(|_| false),
            Ok(None) | Err(_) => Ok(false),
        }
    }

    fn versions(&mut self, target: &str, mode: Mode, pick: Pick) -> Result<(), Error> {
        let (name, wanted) = split(target);
        let (packages, pattern) = self.packages(name)?;
        for package in packages {
            match self.version_of(&package, &wanted, pick) {
                Ok(Some(version)) => self.take(version, mode, &wanted),
                Ok(None) => {}
                // Of a pattern's matches, those that can't be had are left out.
                Err(_) if pattern => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn take(&mut self, version: Version<'a>, mode: Mode, wanted: &Wanted<'_>) {
        match wanted {
            Wanted::Release(release) => {
                self.out.switched.push((version.clone(), (*release).to_owned()));
            }
            Wanted::Version(pattern) if *pattern != version.version() => {
                self.out.switched.push((version.clone(), (*pattern).to_owned()));
            }
            _ => {}
        }
        match mode {
            Mode::Install => self.out.installs.push(version),
            Mode::Remove => self.out.removes.push(version),
        }
    }

    /// The packages that a name or pattern means, and whether it is a pattern.
    fn packages(&self, name: &str) -> Result<(Vec<Package<'a>>, bool), Error> {
        if name.starts_with(['?', '~']) {
            return Err(Error::usage(format!(
                "'{name}' is a pattern of apt's own, which is not supported; `apt list '{name}'` shows what it means"
            )));
        }
        if let Some(package) = by_name(self.cache, self.settings, name) {
            return Ok((vec![package], false));
        }
        if name.ends_with('^') {
            return Err(Error::usage(format!(
                "'{name}' is a task, which is not supported; name its packages"
            )));
        }
        if name.contains(['.', '?', '*', '[', ']', '!']) {
            let found = glob(name).map(|glob| matching(self.cache, self.settings, &glob));
            if let Some(found) = found.filter(|found| !found.is_empty()) {
                return Ok((found, true));
            }
        }
        if name.contains(['.', '?', '+', '*', '|', '[', '^', '$']) {
            let found = compile(name).map(|regex| matching(self.cache, self.settings, &regex));
            return match found.filter(|found| !found.is_empty()) {
                Some(found) => Ok((found, true)),
                None => Err(Error::NoMatch { pattern: name.to_owned() }),
            };
        }
        Err(Error::NoPackage { name: name.to_owned() })
    }

    fn version_of(
        &mut self,
        package: &Package<'a>,
        wanted: &Wanted<'_>,
        pick: Pick,
    ) -> Result<Option<Version<'a>>, Error> {
        match *wanted {
            Wanted::Nothing if pick == Pick::Newest => Ok(self.newest(package)),
            Wanted::Nothing | Wanted::Version("candidate") | Wanted::Release("candidate") => {
                self.candidate(package).map(Some)
            }
            Wanted::Version("newest") | Wanted::Release("newest") => Ok(self.newest(package)),
            Wanted::Version("installed") | Wanted::Release("installed") => {
                match package.installed() {
                    Some(version) => Ok(Some(version)),
                    None => Err(no_version(package, "installed")),
                }
            }
            Wanted::Version(wanted) => self
                .first(
                    package,
                    |version| version_matches(version.version(), wanted),
                    |_, provided| provided == Some(wanted),
                )
                .map_or_else(|| Err(no_version(package, wanted)), |version| Ok(Some(version))),
            Wanted::Release(wanted) => {
                if wanted.contains(['=', ',']) || wanted.starts_with(|c: char| c.is_ascii_digit()) {
                    return Err(Error::usage(format!(
                        "'{wanted}' is not the name of a suite; use the suite's name or codename"
                    )));
                }
                self.first(
                    package,
                    |version| in_release(version, wanted),
                    |version, _| in_release(version, wanted),
                )
                .map_or_else(|| Err(no_version(package, wanted)), |version| Ok(Some(version)))
            }
        }
    }

    /// The first version that matches, or else the one package that provides it so.
    fn first(
        &self,
        package: &Package<'a>,
        matches: impl Fn(&Version<'a>) -> bool,
        provided: impl Fn(&Version<'a>, Option<&str>) -> bool,
    ) -> Option<Version<'a>> {
        if let Some(version) = package.versions().find(&matches) {
            return Some(version);
        }
        // Where it is the name itself that is provided, it is a version of the same package.
        let mut versions = Vec::new();
        for provider in package.provides() {
            let Some(version) = providers::owner(&provider) else { continue };
            if provided(&version, provider.version_str().ok()) {
                versions.push(version);
            }
        }
        let alone = |version: &Version<'a>| {
            let parent = version.parent().index();
            versions.iter().filter(|other| other.parent().index() == parent).count() == 1
        };
        for version in versions.iter().filter(|version| alone(version)) {
            version.set_candidate();
        }
        providers::single(self.settings, package, &versions)
    }

    fn newest(&mut self, package: &Package<'a>) -> Option<Version<'a>> {
        if let Some(version) = package.versions().next() {
            return Some(version);
        }
        let offered = providers::candidates(package);
        let found = providers::single(self.settings, package, &offered);
        if found.is_none() {
            let why = if offered.is_empty() { "is not installed" } else { "is virtual" };
            self.out.notes.push(format!("'{}' {why}, so it is not removed", pretty(package)));
        }
        found
    }

    /// The candidate of a package, or that of the one package that provides it. Where several do,
    /// apt-get refuses; here one is chosen.
    fn candidate(&mut self, package: &Package<'a>) -> Result<Version<'a>, Error> {
        if let Some(version) = package.candidate() {
            return Ok(version);
        }
        let offered = providers::candidates(package);
        let wanted = package.name();
        let chosen = self.change.provider(wanted);
        if chosen.is_none()
            && let Some(version) = providers::single(self.settings, package, &offered)
        {
            return Ok(version);
        }
        let ranked = providers::ranked(self.settings, package, offered);
        let options: Vec<String> = ranked.iter().map(|v| pretty(&v.parent())).collect();
        let version = match chosen {
            Some(chosen) => ranked.into_iter().find(|version| {
                let parent = version.parent();
                parent.name() == chosen || pretty(&parent) == chosen
            }),
            None => ranked.into_iter().next(),
        };
        let Some(version) = version else {
            return Err(match chosen {
                Some(chosen) => Error::NoProvider {
                    wanted: wanted.to_owned(),
                    chosen: chosen.to_owned(),
                    options,
                },
                None => Error::NoCandidate { name: pretty(package) },
            });
        };
        self.out.choices.push(ProviderChoice {
            wanted: wanted.to_owned(),
            wanted_by: String::new(),
            chosen: pretty(&version.parent()),
            options,
        });
        Ok(version)
    }

    /// A package file: libapt has it as a package of that name, which the one inside provides.
    fn file(&mut self, path: &str) -> Result<(), Error> {
        let missing = || Error::NoPackage { name: path.to_owned() };
        let package = self.cache.get(path).ok_or_else(missing)?;
        for provider in package.provides() {
            if let Some(version) = providers::owner(&provider) {
                version.set_candidate();
            }
        }
        let offered = providers::candidates(&package);
        let version = providers::single(self.settings, &package, &offered).ok_or_else(missing)?;
        self.out.files.push((version.index(), path.to_owned()));
        self.out.installs.push(version);
        Ok(())
    }
}

fn split(target: &str) -> (&str, Wanted<'_>) {
    match target.rfind(['/', '=']) {
        None => (target, Wanted::Nothing),
        Some(at) => {
            let (name, rest) = target.split_at(at);
            let wanted = rest.get(1..).unwrap_or("");
            (
                name,
                if rest.starts_with('/') {
                    Wanted::Release(wanted)
                } else {
                    Wanted::Version(wanted)
                },
            )
        }
    }
}

fn no_version(package: &Package<'_>, wanted: &str) -> Error {
    let known = package.versions().map(|version| {
        let suites: Vec<String> = version
            .package_files()
            .filter_map(|file| file.codename().or(file.archive()).map(str::to_owned))
            .collect();
        if suites.is_empty() {
            return format!("{} (installed)", version.version());
        }
        format!("{} ({})", version.version(), suites.join(", "))
    });
    Error::NoVersion {
        name: names::pretty(package),
        version: wanted.to_owned(),
        known: known.collect(),
    }
}
