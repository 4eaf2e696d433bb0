//! Parts of files (RFC 9110, section 14).

/// What a `Content-Range` says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ContentRange {
    /// First byte.
    pub(crate) first: u64,
    /// Last byte; not before the first.
    pub(crate) last: u64,
    /// Bytes of the whole file, if the server knows.
    pub(crate) size: Option<u64>,
}

impl ContentRange {
    /// Reads `bytes 7-9/10` or `bytes 7-9/*`. Everything else is `None`: signs, blanks, other units,
    /// numbers that don't fit, ends before the start or behind the size.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let size = if size == "*" { None } else { Some(number(size)?) };
        let range = Self { first: number(first)?, last: number(last)?, size };
        let whole = range.first <= range.last && size.is_none_or(|size| range.last < size);
        whole.then_some(range)
    }
}

/// A decimal number without sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// May this ETag stand in `If-Range`? Weak ones may not.
pub(crate) fn is_strong(etag: &str) -> bool {
    etag.len() >= 2 && etag.starts_with('"') && etag.ends_with('"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn as_the_standard_writes_them() {
        let range = |first, last, size| Some(ContentRange { first, last, size });
        assert_eq!(ContentRange::parse("bytes 42-1233/1234"), range(42, 1233, Some(1234)));
        assert_eq!(ContentRange::parse("bytes 42-1233/*"), range(42, 1233, None));
        for text in [
            "bytes */1234",
            "bytes 5-4/10",
            "bytes 0-10/10",
            "bytes -1-5/10",
            "bytes +1-5/10",
            "bytes 0-18446744073709551616/*",
            "bytes 0-9223372036854775808/-1",
            "bytes 0-/10",
            "items 0-1/2",
            "bytes  0-1/2",
            "",
        ] {
            assert_eq!(ContentRange::parse(text), None, "{text}");
        }
    }

    #[test]
    fn weak_tags_name_no_bytes() {
        assert!(is_strong("\"a\"") && is_strong("\"\""));
        assert!(!is_strong("W/\"a\"") && !is_strong("a") && !is_strong("\""));
    }

    proptest! {
        #[test]
        fn any_text_is_a_range_or_none(text in any::<String>()) {
            let _ = ContentRange::parse(&text);
        }

        #[test]
        fn written_and_read(first in any::<u64>(), more in any::<u32>(), behind in any::<u32>()) {
            let last = first.saturating_add(u64::from(more));
            let size = last.checked_add(u64::from(behind) + 1);
            let text = size.map_or_else(
                || format!("bytes {first}-{last}/*"),
                |size| format!("bytes {first}-{last}/{size}"),
            );
            prop_assert_eq!(ContentRange::parse(&text), Some(ContentRange { first, last, size }));
        }
    }
}
