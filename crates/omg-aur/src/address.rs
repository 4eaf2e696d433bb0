//! The base address of an AUR.

use reqwest::Url;

use crate::error::Error;

/// Bytes of an address, at most: what aurweb's servers take. The wiki names 4,443.
pub(crate) const MOST_ADDRESS_BYTES: usize = 4_400;

/// An address that requests may go to: `https`, or `http` to this very machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Address(Url);

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |reason: &str| Error::Address {
            address: omg_core::escape(text).to_string(),
            reason: reason.into(),
        };
        let mut url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(refuse("http is taken only for this machine; use https")),
            _ => return Err(refuse("it does not begin with https://")),
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(refuse("it names no host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("it has credentials in it"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("it has a query or fragment"));
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(Self(url))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// A path and query below the base. Both are escaped already.
    pub(crate) fn join(&self, path: &str) -> Result<Url, Error> {
        self.0.join(path).map_err(|error| Error::Address {
            address: format!("{}{}", self.0, omg_core::escape(path)),
            reason: error.to_string(),
        })
    }
}

/// Where a redirect leads, if it may be followed: the same host and port, never from https to http.
pub(crate) fn redirected(from: &Url, location: &str) -> Result<Url, Error> {
    let refuse = |reason: &'static str| Error::Redirect {
        address: from.to_string(),
        target: omg_core::escape(location).to_string(),
        reason,
    };
    if location.len() > MOST_ADDRESS_BYTES {
        return Err(refuse("it is too long"));
    }
    let to = from.join(location).map_err(|_| refuse("it is no address"))?;
    if to.scheme() != from.scheme() {
        return Err(refuse("it changes the protocol"));
    }
    if to.host() != from.host() || to.port_or_known_default() != from.port_or_known_default() {
        return Err(refuse("it is another host"));
    }
    if !to.username().is_empty() || to.password().is_some() {
        return Err(refuse("it has credentials in it"));
    }
    Ok(to)
}

fn is_loopback(url: &Url) -> bool {
    // The crate of `Url` is not ours to name, so its hosts are compared as text.
    let Some(host) = url.host_str() else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Writes text so that it can stand in a path or query.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_https_and_this_machine() {
        let base = |text| Address::parse(text).map(|address| address.as_str().to_owned());
        for (text, wanted) in [
            ("https://aur.archlinux.org", "https://aur.archlinux.org/"),
            ("https://mirror.example/aur", "https://mirror.example/aur/"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("http://127.9.9.9/", "http://127.9.9.9/"),
            ("http://[::1]:1/", "http://[::1]:1/"),
            ("http://localhost:1/", "http://localhost:1/"),
        ] {
            assert_eq!(base(text).unwrap(), wanted);
        }
        for text in [
            "http://aur.archlinux.org",
            "http://localhost.example.org/",
            "http://127.0.0.1.example.org/",
            "http://10.0.0.1/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "https://user:secret@aur.archlinux.org",
            "https://aur.archlinux.org/?x",
            "https://",
            "aur.archlinux.org",
            "",
        ] {
            assert!(matches!(base(text), Err(Error::Address { .. })), "{text}");
        }
    }

    #[test]
    fn redirects_stay_on_their_host() {
        let from = Url::parse("https://aur.archlinux.org/rpc/v5/info?arg[]=a").unwrap();
        let to = |location| redirected(&from, location).map(|url| url.to_string());
        assert_eq!(to("/x?y").unwrap(), "https://aur.archlinux.org/x?y");
        assert_eq!(to("https://aur.archlinux.org:443/x").unwrap(), "https://aur.archlinux.org/x");
        for location in [
            "http://aur.archlinux.org/x",
            "https://evil.example/",
            "//evil.example/",
            "https://aur.archlinux.org:444/",
            "https://aur.archlinux.org@evil.example/",
            "https://u:p@aur.archlinux.org/",
            "file:///etc/passwd",
            "javascript:1",
        ] {
            assert!(matches!(to(location), Err(Error::Redirect { .. })), "{location}");
        }
        // What would split a request's head stays escaped.
        assert_eq!(to("/x%0a201%20URI").unwrap(), "https://aur.archlinux.org/x%0a201%20URI");
    }

    proptest! {
        #[test]
        fn encoded_text_has_no_separators(text in any::<String>()) {
            let encoded = encode(&text);
            prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
        }

        #[test]
        fn no_location_leads_elsewhere(location in any::<String>()) {
            let from = Url::parse("https://aur.archlinux.org/a").unwrap();
            if let Ok(to) = redirected(&from, &location) {
                prop_assert_eq!(to.host_str(), Some("aur.archlinux.org"));
                prop_assert_eq!(to.scheme(), "https");
            }
        }
    }
}
