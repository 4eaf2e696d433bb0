//! The AUR's answers during one plan: every name is asked for once, so that all parts of the plan
//! rest on the same answers.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::aur::Aur;
use crate::error::Error;
use crate::package::Package;
use crate::resolve::Lookup;
use crate::rpc::Answer;

/// The AUR with a memory. See the module's text.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    aur: &'a Aur,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    named: BTreeMap<String, Option<Package>>,
    providing: BTreeMap<String, Vec<Package>>,
    /// Seconds; of all answers the oldest.
    age: u64,
    stale: Option<String>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(aur: &'a Aur) -> Self {
        Self { aur, known: Mutex::default() }
    }

    /// Says how old the answers are, if they are not of now.
    pub(super) fn warning(&self) -> Option<String> {
        let known = self.known();
        let why = known.stale.as_ref()?;
        Some(format!("what is known of the AUR is {} old: {why}", span(known.age)))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn note(&mut self, answer: Answer<Vec<Package>>) -> Vec<Package> {
        self.age = self.age.max(answer.age);
        self.stale = self.stale.take().or(answer.stale);
        answer.value
    }

    fn answer(&self, value: Vec<Package>) -> Answer<Vec<Package>> {
        Answer { value, age: self.age, stale: self.stale.clone(), warnings: Vec::new() }
    }
}

impl Lookup for Asked<'_> {
    async fn named(&self, names: &[&str]) -> Result<Answer<Vec<Package>>, Error> {
        let unknown: Vec<&str> = {
            let known = self.known();
            names.iter().filter(|name| !known.named.contains_key(**name)).copied().collect()
        };
        if !unknown.is_empty() {
            let answer = self.aur.info(&unknown).await?;
            let mut known = self.known();
            known.named.extend(unknown.into_iter().map(|name| (name.to_owned(), None)));
            for package in known.note(answer) {
                known.named.insert(package.name.clone(), Some(package));
            }
        }
        let known = self.known();
        let found = names.iter().filter_map(|name| known.named.get(*name)?.clone());
        Ok(known.answer(found.collect()))
    }

    async fn providing(&self, name: &str) -> Result<Answer<Vec<Package>>, Error> {
        let kept = self.known().providing.get(name).cloned();
        if let Some(kept) = kept {
            return Ok(self.known().answer(kept));
        }
        let answer = self.aur.providing(name).await?;
        let mut known = self.known();
        let found = known.note(answer);
        known.providing.insert(name.to_owned(), found.clone());
        Ok(known.answer(found))
    }
}

/// A span of time in the largest unit of which there are two, seconds given.
pub(super) fn span(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_words() {
        let words = [0, 1, 119, 120, 7199, 7200, 172_799, 172_800].map(span);
        let wanted = [
            "0 seconds",
            "1 second",
            "119 seconds",
            "2 minutes",
            "119 minutes",
            "2 hours",
            "47 hours",
            "2 days",
        ];
        assert_eq!(words, wanted);
    }
}
