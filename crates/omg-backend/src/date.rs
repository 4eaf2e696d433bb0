//! Times as Release files and servers write them: RFC 1123.

/// Seconds since the epoch of `Sat, 10 Feb 2024 11:07:25 UTC`, as apt reads it: RFC 1123 with
/// `UTC`, `GMT`, `Z` or an offset of zero.
pub fn parse(text: &str) -> Option<u64> {
    let mut words = text.split_ascii_whitespace().peekable();
    words.next_if(|word| word.ends_with(','));
    let day: i64 = words.next()?.parse().ok()?;
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))?;
    let month = i64::try_from(month).ok()? + 1;
    let year: i64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.splitn(3, ':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let zone = words.next()?;
    let fits = (1..=31).contains(&day)
        && (1970..=9999).contains(&year)
        && hour < 24
        && minute < 60
        && second <= 60
        && words.next().is_none()
        && ["UTC", "GMT", "Z", "+0000", "-0000"].contains(&zone);
    let days = u64::try_from(days(year, month, day)).ok()?;
    fits.then(|| days * 86_400 + hour * 3600 + minute * 60 + second)
}

/// The same the other way round, with `GMT`: what `If-Modified-Since` has.
pub fn write(seconds: u64) -> String {
    let days = seconds / 86_400;
    let text = omg_core::Rfc3339(seconds).to_string();
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or("");
    let month = part(5..7).parse::<usize>().ok().and_then(|month| MONTHS.get(month - 1));
    let weekday = DAYS.get((days % 7) as usize).copied().unwrap_or("");
    format!(
        "{weekday}, {} {} {} {} GMT",
        part(8..10),
        month.copied().unwrap_or(""),
        part(0..4),
        part(11..19)
    )
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The epoch was a Thursday.
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// Days since 1970-01-01: Howard Hinnant's `days_from_civil`,
/// <https://howardhinnant.github.io/date_algorithms.html>.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year / 400;
    let of_era = year - era * 400;
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_times() {
        // From `date -u -d @N -R`.
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 UTC", 0),
            ("Sat, 10 Feb 2024 11:07:25 UTC", 1_707_563_245),
            ("Tue, 29 Feb 2000  0:00:00 +0000", 951_782_400),
            ("1 Mar 2100 00:00:00 GMT", 4_107_542_400),
        ] {
            assert_eq!(parse(text), Some(seconds), "{text}");
        }
        assert_eq!(write(1_707_563_245), "Sat, 10 Feb 2024 11:07:25 GMT");
        for text in [
            "",
            "Sat, 10 Feb 2024 11:07:25",
            "Sat, 10 Feb 2024 11:07:25 CET",
            "10 Feb 99999 1:1:1 Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn written_and_read(seconds in 0_u64..250_000_000_000) {
            prop_assert_eq!(parse(&write(seconds)), Some(seconds));
        }

        #[test]
        fn no_text_panics(text in r"([A-Z][a-z]{2},? ?|[0-9]{1,6}[: ]|UTC|\PC){0,12}") {
            let _ = parse(&text);
        }
    }
}
