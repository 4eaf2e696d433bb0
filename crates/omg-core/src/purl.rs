//! Package URLs, <https://github.com/package-url/purl-spec>.

use std::fmt::Write as _;

use crate::Source;

/// `pkg:deb/debian/vim@2:9.0?arch=amd64`.
pub fn purl(
    source: Source,
    namespace: &str,
    name: &str,
    version: &str,
    architecture: &str,
) -> String {
    let kind = match source {
        Source::Apt => "deb",
        Source::Alpm | Source::Aur => "alpm",
        Source::Runtime => "generic",
    };
    let mut purl = format!("pkg:{kind}/");
    // deb and alpm: vendor and name are case-insensitive, and written in lower case.
    for part in namespace.split('/').filter(|part| !part.is_empty()) {
        encode(&mut purl, &part.to_ascii_lowercase());
        purl.push('/');
    }
    encode(&mut purl, &name.to_ascii_lowercase());
    if !version.is_empty() {
        purl.push('@');
        encode(&mut purl, version);
    }
    if !architecture.is_empty() {
        purl.push_str("?arch=");
        encode(&mut purl, architecture);
    }
    purl
}

/// All but letters, digits, `.-_~` and the separator `:` is percent-encoded, by the spec's section on
/// character encoding.
fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_encoded_as_the_spec_says() {
        let deb = |name, version, arch| purl(Source::Apt, "debian", name, version, arch);
        assert_eq!(deb("curl", "7.50.3-1", "i386"), "pkg:deb/debian/curl@7.50.3-1?arch=i386");
        assert_eq!(
            deb("g++", "4:12.2.0-3", "amd64"),
            "pkg:deb/debian/g%2B%2B@4:12.2.0-3?arch=amd64"
        );
        assert_eq!(deb("attr", "1:2.4.47-2+b2~x", ""), "pkg:deb/debian/attr@1:2.4.47-2%2Bb2~x");
        assert_eq!(
            purl(Source::Alpm, "arch", "pacman", "6.0.1-1", "x86_64"),
            "pkg:alpm/arch/pacman@6.0.1-1?arch=x86_64"
        );
    }
}
