//! Sizes, times and counts as people read them.

use std::fmt;

/// `1.3 MiB`: three digits at most, binary units.
pub(crate) fn bytes(size: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if size < 1000 {
        return format!("{size} B");
    }
    let mut value = size as f64 / 1024.0;
    for unit in UNITS {
        // 999.5 would be printed with four digits.
        if value < 999.5 {
            let digits = usize::from(value < 9.95);
            return format!("{value:.digits$} {unit}");
        }
        value /= 1024.0;
    }
    format!("{:.0} EiB", value * 1024.0)
}

/// `+1.3 MiB`, `-12 KiB`: bytes that are more or fewer afterwards.
pub(crate) fn change_of_size(delta: i64) -> String {
    let sign = match delta {
        0 => "",
        1.. => "+",
        _ => "-",
    };
    format!("{sign}{}", bytes(delta.unsigned_abs()))
}

/// `64,512`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `3 hours`: the largest unit that fits at least once.
pub(crate) fn age(seconds: u64) -> String {
    const UNITS: [(u64, &str); 6] = [
        (31_557_600, "year"),
        (2_629_800, "month"),
        (86_400, "day"),
        (3_600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    let (size, unit) =
        UNITS.into_iter().find(|(size, _)| seconds >= *size).unwrap_or((1, "second"));
    let number = seconds / size;
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// `2d 3h`, `4m 5s`: two units.
pub(crate) fn uptime(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m {}s", seconds % 60),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}

/// `2026-11-21T01:36:16Z` from seconds since the epoch.
pub(crate) fn rfc3339(seconds: u64) -> impl fmt::Display {
    omg_core::Rfc3339(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_at_most_three_digits() {
        let cases =
            [(0, "0 B"), (999, "999 B"), (1000, "1.0 KiB"), (1536, "1.5 KiB"), (10_240, "10 KiB")];
        for (size, text) in cases {
            assert_eq!(bytes(size), text);
        }
        assert_eq!(bytes(1_023_900), "1.0 MiB");
        assert_eq!(bytes(4_294_967_296), "4.0 GiB");
        assert_eq!(bytes(u64::MAX), "16 EiB");
        assert_eq!([change_of_size(-1536), change_of_size(0)], ["-1.5 KiB", "0 B"]);
    }

    #[test]
    fn counts_and_times() {
        assert_eq!(
            [count(0), count(999), count(1000), count(1_234_567)],
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [age(0), age(1), age(7200), age(90_000)],
            ["0 seconds", "1 second", "2 hours", "1 day"]
        );
        assert_eq!(
            [uptime(5), uptime(65), uptime(3_700), uptime(100_000)],
            ["5s", "1m 5s", "1h 1m", "1d 3h"]
        );
    }
}
