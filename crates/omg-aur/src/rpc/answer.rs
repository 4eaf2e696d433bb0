//! The shapes that the RPC answers in.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::package::Package;
use crate::text::Text;

/// Results of one request, at most. aurweb itself gives up at 5,000.
pub const MOST_RESULTS: usize = 10_000;
/// Characters of the AUR's own message that are shown.
const MOST_MESSAGE: usize = 300;

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Envelope<'a> {
    version: u32,
    #[serde(rename = "type")]
    kind: Text<'a>,
    resultcount: u64,
    #[serde(borrow)]
    results: Vec<&'a RawValue>,
    #[serde(default)]
    error: Option<Text<'a>>,
}

/// What an answer of the types `search` and `multiinfo` holds.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) packages: Vec<Package>,
    /// Results that can't be read, each with its number.
    pub(super) warnings: Vec<String>,
}

/// Reads the packages of an answer of type `kind`.
pub(super) fn packages(path: &str, bytes: &[u8], kind: &str) -> Result<Found, Error> {
    let malformed = |reason: String| Error::Malformed { what: path.into(), line: 0, reason };
    let envelope: Envelope<'_> =
        serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
    refused(&envelope)?;
    if envelope.version != 5 || &*envelope.kind != kind {
        let (version, have) = (envelope.version, omg_core::escape(&envelope.kind).to_string());
        return Err(malformed(format!(
            "expected an answer of version 5 and type '{kind}', not {version} and '{have}'"
        )));
    }
    if envelope.results.len() > MOST_RESULTS {
        let limit = MOST_RESULTS as u64;
        return Err(Error::TooLarge { what: path.into(), limit, unit: "results" });
    }
    if envelope.resultcount != envelope.results.len() as u64 {
        return Err(malformed(format!(
            "it promises {} results and has {}",
            envelope.resultcount,
            envelope.results.len()
        )));
    }
    let mut found = Found { packages: Vec::new(), warnings: Vec::new() };
    for (number, result) in (1..).zip(&envelope.results) {
        let package = serde_json::from_str::<Package>(result.get()).map_err(|e| e.to_string());
        match package.and_then(|package| package.check().map(|()| package)) {
            Ok(package) => found.packages.push(package),
            Err(reason) => found.warnings.push(format!("{path}: result {number}: {reason}")),
        }
    }
    Ok(found)
}

/// Reads the names of a suggestion.
pub(super) fn names(path: &str, bytes: &[u8]) -> Result<Vec<String>, Error> {
    let names: Result<Vec<String>, _> = serde_json::from_slice(bytes);
    match names {
        Ok(mut names) => {
            names.retain(|name| crate::name::is_name(name));
            names.truncate(MOST_RESULTS);
            Ok(names)
        }
        Err(error) => {
            if let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(bytes) {
                refused(&envelope)?;
            }
            Err(Error::Malformed { what: path.into(), line: 0, reason: error.to_string() })
        }
    }
}

fn refused(envelope: &Envelope<'_>) -> Result<(), Error> {
    if &*envelope.kind != "error" && envelope.error.is_none() {
        return Ok(());
    }
    let message = envelope.error.as_deref().unwrap_or("without a reason");
    let shown: String = message.chars().take(MOST_MESSAGE).collect();
    Err(Error::Refused { message: omg_core::escape(&shown).to_string() })
}
