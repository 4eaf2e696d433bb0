//! Arch's order of versions, exactly as libalpm's `alpm_pkg_vercmp` and so vercmp(8) have it.
//!
//! A version is `epoch:version-release`; no epoch means 0, and a release is compared only if both
//! have one. It is not quite an order: because of that rule `1-1` = `1` = `1-2` but `1-1` < `1-2`,
//! and separators of different length are odd in other ways. So never sort by it with a sort that
//! relies on an order; use [`sort_newest_first`].
//!
//! ```
//! use std::cmp::Ordering;
//! use omg_backend_alpm::version::compare;
//!
//! assert_eq!(compare("1.0rc1-1", "1.0-1"), Ordering::Less);
//! assert_eq!(compare("1:0.9", "2.0"), Ordering::Greater);
//! assert_eq!(compare("1.0-3", "1.0"), Ordering::Equal);
//! ```

use std::cmp::Ordering;

#[cfg(test)]
mod tests;

/// Compares two versions as libalpm does.
pub fn compare(left: &str, right: &str) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    let (left, right) = (Parts::of(left), Parts::of(right));
    compare_text(left.epoch, right.epoch)
        .then_with(|| compare_text(left.version, right.version))
        .then_with(|| match (left.release, right.release) {
            (Some(left), Some(right)) => compare_text(left, right),
            _ => Ordering::Equal,
        })
}

/// Sorts newest first; what compares equal stays as it was. Takes time in the square of the number
/// of items, but copes with what is not an order.
pub fn sort_newest_first<T>(items: &mut [T], version: impl Fn(&T) -> &str) {
    for end in 1..items.len() {
        let place = items.get(end).and_then(|item| {
            let older = |other: &T| compare(version(other), version(item)) == Ordering::Less;
            items.get(..end)?.iter().position(older)
        });
        if let Some(tail) = place.and_then(|place| items.get_mut(place..=end)) {
            tail.rotate_right(1);
        }
    }
}

/// A version taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parts<'a> {
    /// Digits before the first colon; `0` if there are none.
    pub epoch: &'a str,
    /// What is between epoch and release.
    pub version: &'a str,
    /// What follows the last hyphen.
    pub release: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// Takes a version apart. Never fails.
    pub fn of(text: &'a str) -> Self {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (epoch, rest) = match text.split_at_checked(digits) {
            Some((epoch, rest)) if rest.starts_with(':') => (epoch, rest.get(1..).unwrap_or("")),
            _ => ("", text),
        };
        let epoch = if epoch.is_empty() { "0" } else { epoch };
        match rest.rsplit_once('-') {
            Some((version, release)) => Self { epoch, version, release: Some(release) },
            None => Self { epoch, version: rest, release: None },
        }
    }
}

/// libalpm's `rpmvercmp`: runs of digits and runs of letters in turn, numbers newer than letters.
fn compare_text(left: &str, right: &str) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    while !left.is_empty() && !right.is_empty() {
        let (gap_left, rest_left) = split(left, |byte| !byte.is_ascii_alphanumeric());
        let (gap_right, rest_right) = split(right, |byte| !byte.is_ascii_alphanumeric());
        (left, right) = (rest_left, rest_right);
        let (Some(first), Some(_)) = (left.first(), right.first()) else { break };
        if gap_left.len() != gap_right.len() {
            return gap_left.len().cmp(&gap_right.len());
        }
        let number = first.is_ascii_digit();
        let same_kind = |byte: &u8| {
            if number { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() }
        };
        let (run_left, rest_left) = split(left, same_kind);
        let (run_right, rest_right) = split(right, same_kind);
        if run_right.is_empty() {
            return if number { Ordering::Greater } else { Ordering::Less };
        }
        let order =
            if number { compare_number(run_left, run_right) } else { run_left.cmp(run_right) };
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (rest_left, rest_right);
    }
    // What is left of one of the two: letters make it older (`1.0rc1`), anything else newer.
    match (left.first(), right.first()) {
        (None, None) => Ordering::Equal,
        (Some(byte), _) if byte.is_ascii_alphabetic() => Ordering::Less,
        (None, Some(byte)) if !byte.is_ascii_alphabetic() => Ordering::Less,
        _ => Ordering::Greater,
    }
}

/// Splits after the longest start for whose bytes `test` holds.
fn split(text: &[u8], test: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| test(byte)).count())
}

/// Compares numbers of any length.
fn compare_number(left: &[u8], right: &[u8]) -> Ordering {
    let (_, left) = split(left, |byte| *byte == b'0');
    let (_, right) = split(right, |byte| *byte == b'0');
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}
