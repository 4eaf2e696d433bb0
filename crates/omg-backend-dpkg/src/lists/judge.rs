//! Whether a signed Release file may take the place of the one that is there: dates and names.

use omg_core::Rfc3339;

use super::release::Release;
use super::signature::{Trust, may_lose_signature};
use super::state::Remembered;
use crate::apt::Conf;
use crate::apt::sources::Suite;
use crate::error::Error;

/// Seconds that a clock may be behind the archive's.
const MOST_FUTURE: u64 = 10;

/// What is known of a suite from before.
#[derive(Debug, Default, Clone)]
pub(crate) struct Before {
    /// The Release file in place, and who signed it.
    pub(crate) release: Option<Release>,
    /// Was that one signed?
    pub(crate) signed: bool,
    /// What was accepted at any time.
    pub(crate) remembered: Option<Remembered>,
}

/// Is it of its time? Asked also of one that is in place and that the mirror says is the newest.
pub(crate) fn fresh(conf: &Conf, suite: &Suite, release: &Release, now: u64) -> Result<(), Error> {
    if omg_failpoint::weak!("02") {
        return Ok(());
    }
    let what = suite.title();
    let check_date =
        suite.flag("check-date").unwrap_or_else(|| conf.flag("Acquire::Check-Date", true));
    if !check_date {
        return Ok(());
    }
    let allowed = number(conf, suite, release, "date-max-future", "Acquire::Max-FutureTime")
        .unwrap_or(MOST_FUTURE);
    if let Some(date) = release.date.filter(|date| *date > now.saturating_add(allowed)) {
        return Err(Error::Future { what, date: Rfc3339(date).to_string() });
    }
    match end(conf, suite, release).filter(|end| now > *end) {
        Some(end) => Err(Error::Expired { what, since: Rfc3339(end).to_string() }),
        None => Ok(()),
    }
}

/// Until when a Release file counts, as apt computes it from its own words and the settings.
fn end(conf: &Conf, suite: &Suite, release: &Release) -> Option<u64> {
    let check = suite
        .flag("check-valid-until")
        .unwrap_or_else(|| conf.flag("Acquire::Check-Valid-Until", true));
    if !check {
        return None;
    }
    let setting =
        |option, name| number(conf, suite, release, option, name).filter(|seconds| *seconds > 0);
    let date = release.date.unwrap_or(0);
    let mut end = release.valid_until;
    if let Some(most) = setting("valid-until-max", "Acquire::Max-ValidTime") {
        let latest = date.saturating_add(most);
        end = Some(end.map_or(latest, |end| end.min(latest)));
    }
    if let Some(least) = setting("valid-until-min", "Acquire::Min-ValidTime") {
        end = end.map(|end| end.max(date.saturating_add(least)));
    }
    end
}

/// A number of seconds: of the source, of the label, of all.
fn number(conf: &Conf, suite: &Suite, release: &Release, option: &str, name: &str) -> Option<u64> {
    let of_label = format!("{name}::{}", release.label);
    suite
        .options
        .get(option)
        .map(String::as_str)
        .or_else(|| (!release.label.is_empty()).then(|| conf.get(&of_label)).flatten())
        .or_else(|| conf.get(name))
        .and_then(|value| value.trim().parse().ok())
}

/// May it take the place of what is there?
pub(crate) fn successor(
    conf: &Conf,
    suite: &Suite,
    release: &Release,
    trust: &Trust,
    before: &Before,
) -> Result<(), Error> {
    let what = suite.title();
    let was_signed = before.signed || before.remembered.as_ref().is_some_and(|it| it.signed);
    let lost = was_signed && !trust.is_signed();
    if lost && !may_lose_signature(conf, suite) && !omg_failpoint::weak!("15") {
        return Err(Error::Verify { what, source: omg_verify::Error::SignatureVanished });
    }
    let newest = before.release.as_ref().and_then(|old| old.date);
    let newest = newest.max(before.remembered.as_ref().and_then(|it| it.date));
    if newest > release.date && !omg_failpoint::weak!("01") {
        let text = |date: Option<u64>| date.map_or("no date".into(), |it| Rfc3339(it).to_string());
        return Err(Error::Rollback { what, have: text(newest), offered: text(release.date) });
    }
    let Some(old) = &before.release else { return Ok(()) };
    let yes_no = |pin: (bool, bool)| format!("{}/{}", pin.0, pin.1);
    let fields = [
        ("Origin", &old.origin, &release.origin, false),
        ("Label", &old.label, &release.label, false),
        ("Version", &old.version, &release.version, true),
        ("Suite", &old.suite, &release.suite, true),
        ("Codename", &old.codename, &release.codename, false),
        ("DefaultPin", &yes_no(old.pin), &yes_no(release.pin), false),
    ];
    let all = conf.flag("Acquire::AllowReleaseInfoChange", false);
    for (field, from, to, usual) in fields {
        let allowed = conf.flag(&format!("Acquire::AllowReleaseInfoChange::{field}"), usual || all);
        if from != to && !allowed {
            let (from, to) = (from.clone(), to.clone());
            return Err(Error::Renamed { what, field, from, to });
        }
    }
    Ok(())
}
