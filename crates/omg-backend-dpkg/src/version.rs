//! Debian's order of versions (deb-version(7)), exactly as dpkg has it.
//!
//! Versions that break the rules are ordered too: what stands before the first colon counts as an
//! epoch if it is a number, everything else is compared as text and digits in turn.
//!
//! ```
//! use std::cmp::Ordering;
//! use omg_backend_dpkg::version::compare;
//!
//! assert_eq!(compare("1.0~rc1-1", "1.0-1"), Ordering::Less);
//! assert_eq!(compare("1:0.9", "2.0"), Ordering::Greater);
//! assert_eq!(compare("1.00", "1.0-0"), Ordering::Equal);
//! ```

use std::cmp::Ordering;

#[cfg(test)]
mod tests;

/// Compares two versions as dpkg does.
pub fn compare(left: &str, right: &str) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    let (left, right) = (Parts::of(left), Parts::of(right));
    compare_digits(left.epoch, right.epoch)
        .then_with(|| compare_text(left.upstream, right.upstream))
        .then_with(|| compare_text(left.revision, right.revision))
}

/// A version taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parts<'a> {
    /// Digits before the first colon; empty if there are none.
    pub epoch: &'a str,
    /// What is between epoch and revision.
    pub upstream: &'a str,
    /// What follows the last hyphen; empty if there is none.
    pub revision: &'a str,
}

impl<'a> Parts<'a> {
    /// Takes a version apart. Never fails: text that breaks the rules stays in `upstream`.
    pub fn of(version: &'a str) -> Self {
        let version = version.trim_ascii();
        let (epoch, rest) = match version.split_once(':') {
            Some((epoch, rest)) if is_number(epoch) => {
                (epoch.strip_prefix('+').unwrap_or(epoch), rest)
            }
            _ => ("", version),
        };
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        Self { epoch, upstream, revision }
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The weight of a character outside a number: `~` before the end, the end before letters, letters
/// before everything else.
fn weight(byte: Option<u8>) -> i32 {
    match byte {
        None | Some(b'0'..=b'9') => 0,
        Some(b'~') => -1,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(letter),
        // dpkg compares plain `char`s, which are signed where it matters.
        Some(other) => i32::from(other.cast_signed()) + 256,
    }
}

fn compare_text(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    while !left.is_empty() || !right.is_empty() {
        loop {
            let (a, b) = (left.first().copied(), right.first().copied());
            let (a, b) =
                (a.filter(|byte| !byte.is_ascii_digit()), b.filter(|byte| !byte.is_ascii_digit()));
            if a.is_none() && b.is_none() {
                break;
            }
            match weight(a).cmp(&weight(b)) {
                Ordering::Equal => {}
                unequal => return unequal,
            }
            left = left.get(1..).unwrap_or_default();
            right = right.get(1..).unwrap_or_default();
        }
        let (number_left, rest_left) = split_number(left);
        let (number_right, rest_right) = split_number(right);
        match compare_number(number_left, number_right) {
            Ordering::Equal => (left, right) = (rest_left, rest_right),
            unequal => return unequal,
        }
    }
    Ordering::Equal
}

fn split_number(text: &[u8]) -> (&[u8], &[u8]) {
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at(len)
}

fn compare_digits(left: &str, right: &str) -> Ordering {
    compare_number(left.as_bytes(), right.as_bytes())
}

/// Compares numbers of any length.
fn compare_number(left: &[u8], right: &[u8]) -> Ordering {
    let strip = |number: &[u8]| number.iter().take_while(|byte| **byte == b'0').count();
    let left = left.get(strip(left)..).unwrap_or_default();
    let right = right.get(strip(right)..).unwrap_or_default();
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}
