//! Pins: `preferences`, `preferences.d` and `APT::Default-Release`, with the rules of
//! `apt_preferences(5)` by which they match.

use std::path::Path;

use super::conf::Conf;
use super::pattern::{Pattern, glob_matches};
use super::read::{list_dir, read_text};
use super::release::Release;
use super::stanza::{self, Stanza};

/// apt's word for "whatever else says so, not from there": `Pin-Priority: never`.
pub(crate) const NEVER: i32 = i16::MIN as i32;

/// At most this many pins; more are ignored with a warning.
const MOST_PINS: usize = 100_000;

/// A place that versions come from, as pins see it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    /// Release fields; `None` for dpkg's own status, whose archive is called `now`.
    pub(crate) release: Option<Release>,
    /// Host of the archive.
    pub(crate) site: String,
    pub(crate) component: String,
    pub(crate) architecture: String,
}

impl Origin {
    /// What is installed: dpkg's status.
    pub(crate) fn status() -> Self {
        Self { component: "now".into(), ..Self::default() }
    }
}

/// Which packages a pin is for.
#[derive(Debug)]
pub(crate) struct Scope {
    name: Pattern,
    /// A name without special characters, as most are.
    exact: Option<String>,
    architecture: Option<String>,
    source: bool,
}

/// What a pin compares.
#[derive(Debug)]
pub(crate) enum Test {
    Version(Matcher),
    Release(Box<ReleaseTest>),
    Site(Pattern),
}

/// Fields that must match, where they are given.
#[derive(Debug, Default)]
pub(crate) struct ReleaseTest {
    everything: bool,
    version: Option<Matcher>,
    origin: Option<Pattern>,
    archive: Option<Pattern>,
    codename: Option<Pattern>,
    /// Archive or codename.
    either: Option<Pattern>,
    label: Option<Pattern>,
    component: Option<Pattern>,
    architecture: Option<Pattern>,
}

/// A version as pins write it: with `*` at the end a start, else a pattern.
#[derive(Debug)]
pub(crate) struct Matcher {
    start: Option<String>,
    pattern: Pattern,
}

/// One pin.
#[derive(Debug)]
pub(crate) struct Pin {
    pub(crate) test: Test,
    pub(crate) priority: i32,
    scope: Option<Scope>,
}

/// All pins: those for all packages, and those for some, each in order of precedence.
#[derive(Debug, Default)]
pub(crate) struct Preferences {
    pub(crate) general: Vec<Pin>,
    pub(crate) specific: Vec<Pin>,
    pub(crate) warnings: Vec<String>,
}

impl Preferences {
    /// Reads all preferences files. A file counts up to its first mistake, as in apt.
    pub(crate) fn read(conf: &Conf) -> Self {
        let mut all = Self::default();
        let mut files = Vec::new();
        let main = conf.file("Dir::Etc::preferences");
        if main.is_file() {
            files.push(main);
        }
        files.extend(list_dir(
            &conf.dir("Dir::Etc::preferencesparts"),
            &["pref", ""],
            &mut all.warnings,
        ));
        for path in files {
            match read_text(&path) {
                Ok(text) => all.file(&path, &text),
                Err(error) => all.warnings.push(error.with_cause()),
            }
        }
        all
    }

    /// Puts the pin of `APT::Default-Release` before all others. apt refuses to work with a
    /// release that no source has; here that is a warning.
    pub(crate) fn target_release(&mut self, release: &str, origins: &[Origin]) {
        let test = ReleaseTest::new(release);
        let Ok(test) = test else {
            self.warnings.push(format!("APT::Default-Release '{release}' can't be understood"));
            return;
        };
        let known = release.chars().nth(1) == Some('=')
            || glob_matches(release, "now")
            || origins.iter().filter_map(|origin| origin.release.as_ref()).any(|fields| {
                Pattern::new(release).is_ok_and(|pattern| {
                    [&fields.suite, &fields.codename, &fields.version]
                        .into_iter()
                        .any(|text| !text.is_empty() && pattern.matches(text))
                })
            });
        if known {
            self.general.insert(0, Pin { test: Test::Release(test), priority: 990, scope: None });
        } else {
            self.warnings.push(format!("APT::Default-Release '{release}' is not in the sources"));
        }
    }

    fn file(&mut self, path: &Path, text: &str) {
        for stanza in stanza::parse(text) {
            if self.general.len() + self.specific.len() >= MOST_PINS {
                self.warnings.push(format!("{}: more than {MOST_PINS} pins", path.display()));
                return;
            }
            let mut warning = None;
            let result = self.stanza(&stanza, &mut warning);
            let place = |reason: &str| format!("{}:{}: {reason}", path.display(), stanza.line);
            if let Some(reason) = warning {
                self.warnings.push(place(&reason));
            }
            if let Err(reason) = result {
                self.warnings.push(place(&reason));
                return;
            }
        }
    }

    fn stanza(&mut self, stanza: &Stanza, warning: &mut Option<String>) -> Result<(), String> {
        let names = stanza
            .words("Package")
            .filter(|names| !names.is_empty())
            .ok_or("a record without Package")?;
        let general = stanza.get("Package") == Some("*");
        let Some(pin) = stanza.get("Pin") else { return Ok(()) };
        let (kind, data) = pin.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((pin, ""));
        let data = data.trim();
        let test = || -> Result<Option<Test>, &'static str> {
            Ok(Some(match kind.to_ascii_lowercase().as_str() {
                "version" if !general => Test::Version(Matcher::new(data)?),
                "release" => Test::Release(ReleaseTest::new(data)?),
                "origin" => Test::Site(Pattern::new(unquoted(data))?),
                _ => return Ok(None),
            }))
        };
        let priority = priority(stanza.get("Pin-Priority").unwrap_or(""), general)?;
        for name in names {
            let test = match test() {
                Ok(Some(test)) => test,
                Ok(None) => {
                    *warning = Some(format!("pin type '{kind}' is not known"));
                    return Ok(());
                }
                Err(reason) => {
                    *warning = Some(format!("'{data}': {reason}"));
                    return Ok(());
                }
            };
            if general {
                self.general.push(Pin { test, priority, scope: None });
                return Ok(());
            }
            let scope = Scope::new(name).map_err(|reason| format!("'{name}': {reason}"))?;
            self.specific.push(Pin { test, priority, scope: Some(scope) });
        }
        Ok(())
    }
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

fn priority(text: &str, general: bool) -> Result<i32, String> {
    if text == "never" {
        return if general {
            Ok(NEVER)
        } else {
            Err("Pin-Priority 'never' is only for 'Package: *'".into())
        };
    }
    let end = text
        .char_indices()
        .find(|&(at, c)| !(c.is_ascii_digit() || at == 0 && (c == '-' || c == '+')));
    let number = text.get(..end.map_or(text.len(), |(at, _)| at)).unwrap_or("");
    match number.parse::<i32>() {
        Ok(0) | Err(_) => Err("no Pin-Priority, or zero".into()),
        Ok(NEVER) => Ok(NEVER + 1),
        Ok(value) if i16::try_from(value).is_ok() => Ok(value),
        Ok(_) => Err("Pin-Priority is not between -32768 and 32767".into()),
    }
}

impl Scope {
    fn new(text: &str) -> Result<Self, &'static str> {
        let (text, source) = text.strip_prefix("src:").map_or((text, false), |rest| (rest, true));
        let (name, architecture) = text
            .rsplit_once(':')
            .map_or((text, None), |(name, arch)| (name, Some(arch.to_owned())));
        let plain =
            !(name.contains(['*', '[', '?']) || name.starts_with('/') && name.ends_with('/'));
        Ok(Self {
            name: Pattern::new(name)?,
            exact: plain.then(|| name.to_owned()),
            architecture,
            source,
        })
    }

    fn covers(&self, package: &Package<'_>, native: &str) -> bool {
        let name = if self.source { package.source } else { package.name };
        let named = match &self.exact {
            Some(exact) => exact == name,
            None => self.name.matches(name),
        };
        let architecture =
            if package.architecture == "all" { native } else { package.architecture };
        named && covers_architecture(self.architecture.as_deref().unwrap_or(native), architecture)
    }
}

/// `any`, `linux-any`, `any-amd64` or a name.
fn covers_architecture(specification: &str, architecture: &str) -> bool {
    let (os, cpu) = architecture.split_once('-').unwrap_or(("linux", architecture));
    match specification.split_once('-') {
        None => specification == "any" || specification == architecture,
        Some((want_os, want_cpu)) => {
            (want_os == "any" || want_os == os) && (want_cpu == "any" || want_cpu == cpu)
        }
    }
}

/// A version as specific pins see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Package<'a> {
    pub(crate) name: &'a str,
    pub(crate) architecture: &'a str,
    pub(crate) source: &'a str,
}

impl Pin {
    /// Is a specific pin for this package, whatever the version?
    pub(crate) fn covers(&self, package: &Package<'_>, native: &str) -> bool {
        self.scope.as_ref().is_some_and(|scope| scope.covers(package, native))
    }

    /// Does the scope name source packages?
    pub(crate) fn is_by_source(&self) -> bool {
        self.scope.as_ref().is_some_and(|scope| scope.source)
    }

    /// The one name that it is for, if it is for one binary package.
    pub(crate) fn exact_name(&self) -> Option<&str> {
        let scope = self.scope.as_ref().filter(|scope| !scope.source)?;
        scope.exact.as_deref()
    }
}

impl Test {
    /// Does a place match? Pins for versions match no place.
    pub(crate) fn matches_origin(&self, origin: &Origin) -> bool {
        match self {
            Self::Version(_) => false,
            Self::Release(test) => test.matches(origin),
            // The status file has no release, so no pin by host is for it.
            Self::Site(pattern) => origin.release.is_some() && pattern.matches(&origin.site),
        }
    }
}

impl Matcher {
    fn new(text: &str) -> Result<Self, &'static str> {
        Ok(Self { start: text.strip_suffix('*').map(str::to_owned), pattern: Pattern::new(text)? })
    }

    pub(crate) fn matches(&self, version: &str) -> bool {
        let starts = |start: &String| {
            version.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
        };
        self.start.as_ref().is_some_and(starts) || self.pattern.matches(version)
    }
}

impl ReleaseTest {
    fn new(data: &str) -> Result<Box<Self>, &'static str> {
        let mut test = Self::default();
        if data == "*" {
            test.everything = true;
        } else if !data.contains('=') {
            if data.starts_with(|c: char| c.is_ascii_digit()) {
                test.version = Some(Matcher::new(data)?);
            } else if !data.is_empty() {
                test.either = Some(Pattern::new(data)?);
            }
        } else {
            for part in data.split(',') {
                let part = part.trim();
                let Some((key, value)) =
                    part.split_once('=').filter(|(key, value)| key.len() == 1 && !value.is_empty())
                else {
                    continue;
                };
                match key.to_ascii_lowercase().as_str() {
                    "v" => test.version = Some(Matcher::new(value)?),
                    "o" => test.origin = Some(Pattern::new(value)?),
                    "a" => test.archive = Some(Pattern::new(value)?),
                    "n" => test.codename = Some(Pattern::new(value)?),
                    "l" => test.label = Some(Pattern::new(value)?),
                    "c" => test.component = Some(Pattern::new(value)?),
                    "b" => test.architecture = Some(Pattern::new(value)?),
                    _ => {}
                }
            }
        }
        Ok(Box::new(test))
    }

    fn matches(&self, origin: &Origin) -> bool {
        if self.everything {
            return true;
        }
        let fits = |pattern: &Option<Pattern>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| !text.is_empty() && pattern.matches(text))
        };
        let Some(release) = &origin.release else {
            return self.matches_status(origin);
        };
        let asks = self.version.is_some()
            || [
                &self.origin,
                &self.archive,
                &self.codename,
                &self.either,
                &self.label,
                &self.component,
                &self.architecture,
            ]
            .into_iter()
            .any(Option::is_some);
        asks && self
            .version
            .as_ref()
            .is_none_or(|version| !release.version.is_empty() && version.matches(&release.version))
            && fits(&self.origin, &release.origin)
            && fits(&self.archive, &release.suite)
            && fits(&self.codename, &release.codename)
            && (fits(&self.either, &release.suite) || fits(&self.either, &release.codename))
            && fits(&self.label, &release.label)
            && fits(&self.component, &origin.component)
            && fits(&self.architecture, &origin.architecture)
    }

    /// dpkg's status: only its archive, `now`, can match.
    fn matches_status(&self, origin: &Origin) -> bool {
        let fits = |pattern: &Option<Pattern>| {
            pattern.as_ref().is_none_or(|pattern| pattern.matches(&origin.component))
        };
        fits(&self.archive)
            && fits(&self.either)
            && fits(&self.component)
            && self.architecture.is_none()
            && self.origin.is_none()
            && self.label.is_none()
            && self.version.is_none()
            && self.codename.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Preferences {
        let mut all = Preferences::default();
        all.file(Path::new("preferences"), text);
        all
    }

    #[test]
    fn mistakes_end_a_file_and_are_told_with_their_line() {
        for (text, line, kept) in [
            (
                "Package: a\nPin: version 1\nPin-Priority: 5\n\nPin: version 1\nPin-Priority: 5\n",
                5,
                1,
            ),
            ("\n# x\nPackage: a\nPin: version 1\n", 3, 0),
            ("Package: a\nPin: version 1\nPin-Priority: 0\n", 1, 0),
            ("Package: a\nPin: version 1\nPin-Priority: 99999\n", 1, 0),
            ("Package: a\nPin: version 1\nPin-Priority: never\n", 1, 0),
            (
                "Package: a\nPin: bogus 1\nPin-Priority: 5\n\nPackage: b\nPin: version 1\nPin-Priority: 5\n",
                1,
                1,
            ),
            ("Package: a\nPin: version /(/\nPin-Priority: 5\n", 1, 0),
        ] {
            let read = read(text);
            assert_eq!(read.warnings.len(), 1, "{text}: {:?}", read.warnings);
            assert!(
                read.warnings[0].starts_with(&format!("preferences:{line}: ")),
                "{:?}",
                read.warnings
            );
            assert_eq!(read.specific.len(), kept, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(
            text in r"((Package|Pin|Pin-Priority|Explanation): ?|\*|version |release |origin |[aovnlcb]=|,|/|src:|:any|-?[0-9]{1,6}|never|\n| |\PC){0,40}",
            version in r"\PC{0,12}",
        ) {
            let read = read(&text);
            let origin = Origin { release: Some(Release::default()), ..Origin::default() };
            let package = Package { name: "a", architecture: "amd64", source: "a" };
            for pin in read.general.iter().chain(&read.specific) {
                pin.test.matches_origin(&origin);
                pin.test.matches_origin(&Origin::status());
                pin.covers(&package, "amd64");
                if let Test::Version(matcher) = &pin.test {
                    matcher.matches(&version);
                }
            }
        }
    }
}
