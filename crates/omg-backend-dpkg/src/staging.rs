//! The files that a plan takes, and what they are worth.

use std::sync::{Arc, Mutex, PoisonError};

use ahash::{AHashMap, AHashSet};
use omg_core::{Artifact, Fault, Generation, Grade, Plan, Planned, Wanted};

use crate::apt::settings::Settings;
use crate::apt::uri::quote;
use crate::error::Error;
use crate::lists::{self, Chain, Evidence, Known, Offered};

/// Longest path of a file in an archive, bytes.
const LONGEST_PATH: usize = 4096;

/// Most versions whose places are remembered.
const MOST_REMEMBERED: usize = 50_000;

/// What was found out about the lists in place, until they change.
#[derive(Debug, Default)]
pub(crate) struct Staging {
    state: Mutex<State>,
    digests: Digests,
}

#[derive(Debug, Default)]
struct State {
    generation: Generation,
    chain: Option<Arc<Chain>>,
    found: AHashMap<Offered, Vec<Evidence>>,
}

/// Digests that this process computed.
#[derive(Debug, Default)]
struct Digests(Mutex<AHashSet<String>>);

impl Known for Digests {
    fn knows(&self, key: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }

    fn learn(&self, key: &str) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MOST_REMEMBERED {
            keys.clear();
        }
        keys.insert(key.to_owned());
    }
}

impl Staging {
    /// The files of a plan. `generation` is the state of the lists.
    pub(crate) fn wanted(
        &self,
        settings: &Settings,
        generation: Generation,
        plan: &Plan,
    ) -> Result<Vec<Wanted>, Fault> {
        // What is in no repository is a file that the user named.
        let coming = plan.changes.iter().filter(|it| !it.repository.is_empty());
        let coming: Vec<(&Planned, Offered)> =
            coming.filter_map(|it| Some((it, offered(it)?))).collect();
        let (chain, found) = self.find(settings, generation, coming.iter().map(|(_, it)| it));
        let mut all = Vec::with_capacity(coming.len());
        for ((change, offered), found) in coming.into_iter().zip(found) {
            all.push(one(settings, &chain, change, &offered, &found)?);
        }
        Ok(all)
    }

    /// What a file that is here is worth.
    pub(crate) fn verify(
        &self,
        settings: &Settings,
        generation: Generation,
        planned: &Planned,
        artifact: &Artifact,
    ) -> Result<Grade, Fault> {
        let Some(offered) = offered(planned).filter(|_| !planned.repository.is_empty()) else {
            return Ok(Grade::Risk);
        };
        let (chain, found) = self.find(settings, generation, [&offered].into_iter());
        let found = found.into_iter().next().unwrap_or_default();
        let signed = |it: &&Evidence| {
            it.size == artifact.size
                && it.sha256.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(&artifact.sha256))
        };
        let grade = found.iter().filter(signed).map(|it| chain.grade(it)).max();
        grade.ok_or_else(|| {
            let reason = format!("no list has it with SHA-256 {}", artifact.sha256);
            let (what, suite) = (artifact.file_name.clone(), planned.repository.clone());
            Error::Mismatch { what, suite, reason }.fault()
        })
    }

    /// The chain, and where versions are; what was found before is not looked for again.
    fn find<'o>(
        &self,
        settings: &Settings,
        generation: Generation,
        wanted: impl Iterator<Item = &'o Offered> + Clone,
    ) -> (Arc<Chain>, Vec<Vec<Evidence>>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.generation != generation || state.found.len() > MOST_REMEMBERED {
            *state = State { generation, ..State::default() };
        }
        let chain = state
            .chain
            .get_or_insert_with(|| Arc::new(lists::of_settings(settings, &self.digests)))
            .clone();
        let new: Vec<Offered> =
            wanted.clone().filter(|it| !state.found.contains_key(*it)).cloned().collect();
        let found = chain.find_with(settings, &new);
        state.found.extend(new.into_iter().zip(found));
        let all = wanted.map(|it| state.found.get(it).cloned().unwrap_or_default()).collect();
        (chain, all)
    }
}

fn offered(planned: &Planned) -> Option<Offered> {
    Some(Offered {
        name: planned.name.clone(),
        architecture: planned.architecture.clone(),
        version: planned.new_version.clone()?,
    })
}

fn one(
    settings: &Settings,
    chain: &Chain,
    change: &Planned,
    offered: &Offered,
    found: &[Evidence],
) -> Result<Wanted, Error> {
    let Offered { name, architecture, version } = offered;
    let title = || format!("{name} {version} ({architecture})");
    let planned = |it: &&Evidence| change.sha256.is_none() || it.sha256 == change.sha256;
    let of_plan = |it: &Evidence| {
        chain.lists.get(it.list).is_some_and(|list| list.repository == change.repository)
    };
    let mut same: Vec<&Evidence> = found.iter().filter(planned).collect();
    same.sort_by_key(|it| !of_plan(it));
    let first = same.first().copied().ok_or_else(|| Error::Gone { what: title() })?;
    let mut urls: Vec<String> = Vec::new();
    let mut refused = None;
    for it in same.iter().filter(|it| it.sha256 == first.sha256 && it.size == first.size) {
        match places(settings, it) {
            Ok(places) => urls.extend(places),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    let mut seen = AHashSet::new();
    urls.retain(|url| seen.insert(url.clone()));
    if let (true, Some(error)) = (urls.is_empty(), refused) {
        return Err(error);
    }
    let file_name = cache_name(offered, &first.file_name);
    let cached = settings.conf.dir("Dir::Cache::archives").join(&file_name);
    Ok(Wanted {
        name: name.clone(),
        architecture: architecture.clone(),
        version: version.clone(),
        repository: change.repository.clone(),
        file_name,
        urls,
        size: Some(first.size),
        sha256: first.sha256.clone(),
        signature: None,
        cached: vec![cached.to_string_lossy().into_owned()],
        grade: same
            .iter()
            .filter(|it| it.sha256 == first.sha256)
            .map(|it| chain.grade(it))
            .max()
            .unwrap_or(Grade::Risk),
    })
}

/// Where a file that a list names can be asked for.
fn places(settings: &Settings, evidence: &Evidence) -> Result<Vec<String>, Error> {
    let suite = settings
        .places
        .get(evidence.list)
        .and_then(|place| settings.suites.get(place.suite))
        .ok_or_else(|| Error::Gone { what: evidence.file_name.clone() })?;
    let path = evidence.file_name.strip_prefix("./").unwrap_or(&evidence.file_name);
    let odd = path.is_empty()
        || path.len() > LONGEST_PATH
        || path.starts_with('/')
        || path.split('/').any(|part| part == "..")
        || path.chars().any(char::is_control);
    if odd {
        let reason = "its list names a file by a path that leads out of the archive";
        return Err(Error::Source { what: suite.title(), reason });
    }
    let path = quote(path, "+~ ");
    Ok(lists::bases(&settings.conf, suite)?
        .into_iter()
        .map(|base| format!("{base}{path}"))
        .collect())
}

/// What apt calls a file in its cache: `vim_2%3a9.0-1_amd64.deb`.
pub(crate) fn cache_name(offered: &Offered, file_name: &str) -> String {
    let suffix = file_name.rsplit_once('.').map_or("deb", |(_, suffix)| suffix);
    let suffix = if suffix.contains('/') { "deb" } else { suffix };
    let part = |text: &str, bad: &str| quote(text, bad).replace('/', "%2f");
    format!(
        "{}_{}_{}.{suffix}",
        part(&offered.name, "_:"),
        part(&offered.version, "_:"),
        part(&offered.architecture, "_:.")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(name: &str, version: &str, architecture: &str) -> String {
        let offered = Offered {
            name: name.into(),
            version: version.into(),
            architecture: architecture.into(),
        };
        cache_name(&offered, "pool/x.deb")
    }

    #[test]
    fn names_in_the_cache_are_apts() {
        assert_eq!(name("vim", "2:9.0.1378-2", "amd64"), "vim_2%3a9.0.1378-2_amd64.deb");
        assert_eq!(name("g++", "4:12~1+b1", "all"), "g++_4%3a12~1+b1_all.deb");
    }

    proptest! {
        #[test]
        fn names_are_names(package in any::<String>(), version in any::<String>()) {
            prop_assert!(!name(&package, &version, "amd64").contains('/'));
        }
    }
}
