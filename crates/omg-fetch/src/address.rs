//! URLs that are asked, and where a redirect may lead.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use omg_failpoint::weak;
use reqwest::Url;

use crate::Error;

/// Bytes of a URL, at most.
pub(crate) const MOST_URL_BYTES: usize = 8 << 10;

/// Redirects that are followed, at most.
pub(crate) const MOST_REDIRECTS: usize = 5;

/// A URL that may be asked: `http`, `https` or `file`, without control characters in any writing.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address(Url);

/// From where a machine can be reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reach {
    /// From everywhere.
    Public,
    /// From this machine, or from a private network.
    Private,
    /// From the same link: routers, and the machines that tell a cloud's guest its secrets. No
    /// mirror is there.
    Link,
}

// === impl Address ===

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |reason| Error::Address { url: shown(text), reason };
        check_text(text).map_err(refuse)?;
        let url = Url::parse(text).map_err(|_| refuse("it is no URL"))?;
        match url.scheme() {
            "http" | "https" if url.host_str().is_none_or(str::is_empty) => {
                return Err(refuse("it names no host"));
            }
            "file" if url.to_file_path().is_err() => return Err(refuse("it is no path")),
            "http" | "https" | "file" => {}
            _ => return Err(refuse("only http, https and file are asked")),
        }
        let address = Self(url);
        if address.reach() == Some(Reach::Link) && !weak!("20") {
            return Err(refuse(LINK));
        }
        Ok(address)
    }

    /// Where a redirect from here leads, if it may be followed. `by` is from where the machine that
    /// redirects can be reached.
    pub(crate) fn redirected(&self, location: &[u8], by: Reach) -> Result<Self, Error> {
        let refuse = |reason| Error::Redirect {
            url: self.to_string(),
            target: shown(&String::from_utf8_lossy(location)),
            reason,
        };
        let text = std::str::from_utf8(location).map_err(|_| refuse("it is not plain text"))?;
        check_text(text).map_err(refuse)?;
        let to = Self(self.0.join(text).map_err(|_| refuse("it is no URL"))?);
        if to.0.as_str().len() > MOST_URL_BYTES {
            return Err(refuse("it is too long"));
        }
        match (self.0.scheme(), to.0.scheme()) {
            ("http", "http" | "https") | ("https", "https") => {}
            ("https", "http") if weak!("13") => {}
            ("https", "http") => return Err(refuse("it leads from https to http")),
            _ => return Err(refuse("only http and https are followed")),
        }
        if to.0.host_str().is_none_or(str::is_empty) {
            return Err(refuse("it names no host"));
        }
        if !to.0.username().is_empty() || to.0.password().is_some() {
            return Err(refuse("it has credentials in it"));
        }
        match to.reach() {
            _ if weak!("20") => {}
            Some(Reach::Link) => return Err(refuse(LINK)),
            Some(Reach::Private) if by == Reach::Public => return Err(refuse(INWARD)),
            _ => {}
        }
        Ok(to)
    }

    /// The URL with this behind its path: `…/vim.pkg.tar.zst` and `.sig`.
    pub(crate) fn with_suffix(&self, suffix: &str) -> Result<Self, Error> {
        check_text(suffix).map_err(|reason| Error::Address { url: shown(suffix), reason })?;
        let mut url = self.0.clone();
        url.set_path(&format!("{}{suffix}", self.0.path()));
        Self::parse(url.as_str())
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    /// The path, if it is a file of this machine.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        (self.0.scheme() == "file").then(|| self.0.to_file_path().ok()).flatten()
    }

    /// What counts as one mirror, and as one host for connections.
    pub(crate) fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// From where its host can be reached; `None` if it has a name, which has to be resolved.
    fn reach(&self) -> Option<Reach> {
        // The crate of `Url` is not ours to name, so its hosts are taken as text.
        let host = self.0.host_str()?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host.parse().ok().map(Reach::of)
    }
}

impl fmt::Display for Address {
    /// Without a user's name and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.username().is_empty() && self.0.password().is_none() {
            return f.write_str(self.0.as_str());
        }
        let mut bare = self.0.clone();
        // Both fail for URLs without a host only, and these have no credentials.
        let _ = bare.set_username("");
        let _ = bare.set_password(None);
        f.write_str(bare.as_str())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub(crate) const LINK: &str = "no mirror has a link-local address";
pub(crate) const INWARD: &str = "a public host must not lead to this machine or network";

// === impl Reach ===

impl Reach {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::of_v4(v4),
            IpAddr::V6(v6) => match embedded(v6) {
                Some(v4) => Self::of_v4(v4),
                None if v6.is_unicast_link_local() => Self::Link,
                None if v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() => {
                    Self::Private
                }
                None => Self::Public,
            },
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let [a, b, ..] = address.octets();
        match (a, b) {
            (169, 254) => Self::Link,
            // Loopback, "this network", RFC 1918 and the carriers' RFC 6598.
            (0 | 10 | 127, _) | (192, 168) | (172, 16..=31) | (100, 64..=127) => Self::Private,
            _ => Self::Public,
        }
    }
}

/// The IPv4 address that this one stands for: mapped, compatible (RFC 4291), or behind NAT64
/// (RFC 6052).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let [.., high, low] = segments;
    let v4 = Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match segments {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(v4),
        [0, 0, 0, 0, 0, 0, ..] if u32::from(v4) > 1 => Some(v4),
        _ => None,
    }
}

/// Refuses what the parser of URLs would silently drop, and escaped control characters: a server or
/// proxy on the way may unescape them into a second line of a request's head.
fn check_text(text: &str) -> Result<(), &'static str> {
    if text.len() > MOST_URL_BYTES {
        return Err("it is too long");
    }
    if weak!("13") {
        return Ok(());
    }
    if text.chars().any(|c| c.is_control() || c == ' ' || c == '\\') {
        return Err("it has a control character, a blank or a backslash in it");
    }
    let bytes = text.as_bytes();
    let escaped = |window: &[u8]| match window {
        [b'%', b'0' | b'1', low] => low.is_ascii_hexdigit(),
        [b'%', b'7', b'f' | b'F'] => true,
        _ => false,
    };
    if bytes.windows(3).any(escaped) {
        return Err("it has an escaped control character in it");
    }
    Ok(())
}

/// Foreign text as it can be shown, and no more of it than a line.
fn shown(text: &str) -> String {
    let mut shown = omg_core::escape(text).to_string();
    if let Some((at, _)) = shown.char_indices().nth(200) {
        shown.truncate(at);
        shown.push('…');
    }
    // Between `//` and `@` there is a password, if there is one at all.
    if let Some((scheme, rest)) = shown.split_once("://")
        && let Some((host, path)) = rest.split_once('/').or(Some((rest, "")))
        && let Some((_, bare)) = host.rsplit_once('@')
    {
        return format!("{scheme}://{bare}/{path}");
    }
    shown
}

#[cfg(test)]
mod tests;
