//! Addresses of archives, and the names that apt gives to what it fetches from them.

use std::fmt::Write as _;

/// An address in its parts, as apt cuts it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Uri {
    /// Before the first colon: `http`, `mirror+file`, `cdrom`.
    pub(crate) scheme: String,
    user_info: String,
    /// Host without brackets and port.
    pub(crate) host: String,
    port: u32,
    path: String,
}

impl Uri {
    pub(crate) fn parse(text: &str) -> Self {
        let Some((scheme, rest)) = text.split_once(':') else {
            return Self { scheme: text.to_owned(), path: "/".into(), ..Self::default() };
        };
        let mut uri = Self { scheme: scheme.to_owned(), ..Self::default() };
        let with_host = rest.strip_prefix("//").filter(|after| !after.is_empty());
        let (authority, path) = match with_host {
            Some(after) => after.split_at(end_of_host(after)),
            None => rest.split_at(end_of_host(rest)),
        };
        uri.path = if path.is_empty() { "/".into() } else { path.to_owned() };
        let (user_info, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        user_info.clone_into(&mut uri.user_info);
        uri.set_host(host);
        uri
    }

    fn set_host(&mut self, text: &str) {
        if text.matches('[').count() > text.matches(']').count() {
            return;
        }
        let after_bracket = text.rfind(']').map_or(0, |at| at + 1);
        let colon = text.rfind(':').filter(|&at| at >= after_bracket);
        let (host, port) = colon.map_or((text, ""), |at| {
            (text.get(..at).unwrap_or(""), text.get(at + 1..).unwrap_or(""))
        });
        self.host = host.replace(['[', ']'], "");
        let digits = port.len() - port.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        self.port = port.get(..digits).and_then(|digits| digits.parse().ok()).unwrap_or(0);
    }

    fn authority(&self, with_brackets: bool) -> String {
        let mut text = if with_brackets && self.host.contains(['/', ':']) {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        if self.port != 0 {
            let _ = write!(text, ":{}", self.port);
        }
        text
    }

    /// The whole address, without user and password.
    pub(crate) fn public(&self) -> String {
        let slash = if self.path.starts_with('/') { "" } else { "/" };
        let host = if self.host.is_empty() {
            String::new()
        } else {
            format!("//{}", self.authority(true))
        };
        format!("{}:{host}{slash}{}", self.scheme, self.path)
    }

    /// Host and path, escaped, with `/` replaced by `_`: the name of a file in the lists directory.
    pub(crate) fn file_name(&self) -> String {
        let slash = if self.path.starts_with('/') { "" } else { "/" };
        let plain = format!(
            "{}{slash}{}",
            if self.host.is_empty() { String::new() } else { self.authority(false) },
            self.path
        );
        quote(&plain, "\\|{}[]<>\"^~_=!@#$%^&*").replace('/', "_")
    }
}

fn end_of_host(text: &str) -> usize {
    let mut in_brackets = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => in_brackets = true,
            b']' => in_brackets = false,
            b'/' if !in_brackets => return at,
            _ => {}
        }
    }
    text.len()
}

/// Writes `bad` characters, control characters, `%` and bytes above ASCII as `%5f`.
pub(crate) fn quote(text: &str, bad: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte <= b' ' || byte >= 0x7f || byte == b'%' || bad.as_bytes().contains(&byte) {
            let _ = write!(quoted, "%{byte:02x}");
        } else {
            quoted.push(char::from(byte));
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn file_names_are_apts() {
        let name = |text: &str| Uri::parse(text).file_name();
        assert_eq!(
            name("http://deb.debian.org/debian/dists/sid/Release"),
            "deb.debian.org_debian_dists_sid_Release"
        );
        assert_eq!(name("https://me:pw@host:8443/a_b/c~d/"), "host:8443_a%5fb_c%7ed_");
        assert_eq!(name("file:/srv/repo/./Packages"), "_srv_repo_._Packages");
        assert_eq!(name("file:///srv/repo/"), "_srv_repo_");
        assert_eq!(name("cdrom:[Debian 12]/dists/"), "Debian%2012_dists_");
        assert_eq!(name("http://[::1]:80/x/"), "::1:80_x_");
        assert_eq!(
            name("mirror+file:/etc/apt/mirrors.txt/dists/x/"),
            "_etc_apt_mirrors.txt_dists_x_"
        );
    }

    #[test]
    fn credentials_are_dropped() {
        assert_eq!(Uri::parse("https://me:p%40w@host/x/").public(), "https://host/x/");
        assert_eq!(Uri::parse("file:/srv/x/").public(), "file:/srv/x/");
    }

    proptest! {
        #[test]
        fn names_are_safe_in_a_directory(text in r"([a-z]{1,5}:|//|/|@|\[|\]|:[0-9]{1,6}|\.\.|\PC){0,20}") {
            let uri = Uri::parse(&text);
            prop_assert!(!uri.file_name().contains('/'));
            let _ = uri.public();
        }
    }
}
