//! What may be asked for: names of package bases, commits, and the address that recipes come from.

use std::fmt;

use omg_core::escape;

use super::error::RecipeError;
use crate::is_name;

/// Bytes of a name, at most: with `.lock` behind it it is still a file name.
const MAX_NAME: usize = 240;
/// Bytes of an address, at most.
const MAX_ADDRESS: usize = 512;

/// The name of a package base, which is also the name of its git repository.
///
/// It keeps to [`is_name`], so it is never an option and never leads out of a directory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PackageBase(String);

impl PackageBase {
    /// Checks a name.
    ///
    /// # Errors
    /// If it is no name of a package, or longer than 240 bytes.
    pub fn new(name: &str) -> Result<Self, RecipeError> {
        if is_name(name) && name.len() <= MAX_NAME {
            return Ok(Self(name.to_owned()));
        }
        let shown: String = name.chars().take(80).collect();
        Err(RecipeError::Name {
            name: escape(&shown).to_string(),
            reason: "a name has letters, digits and @ . _ + -, and begins with neither - nor .",
        })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PackageBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The full id of a commit: 40 or 64 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CommitId(String);

impl CommitId {
    /// Checks an id.
    ///
    /// # Errors
    /// If it is not a full id.
    pub fn new(id: &str) -> Result<Self, RecipeError> {
        let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if matches!(id.len(), 40 | 64) && id.bytes().all(hexadecimal) {
            return Ok(Self(id.to_owned()));
        }
        let shown: String = id.chars().take(80).collect();
        Err(RecipeError::Name {
            name: escape(&shown).to_string(),
            reason: "a commit is named by all its 40 hexadecimal digits",
        })
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where recipes are served: `https://aur.archlinux.org`.
///
/// Git may use the scheme of this address and no other, whatever a repository says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecipeBase {
    address: String,
    scheme: &'static str,
}

impl RecipeBase {
    /// The AUR's own address.
    pub const AUR: &'static str = "https://aur.archlinux.org";

    /// An address on the network: https only.
    ///
    /// # Errors
    /// If it is not an https address, or holds credentials, a query or characters no address has.
    pub fn https(address: &str) -> Result<Self, RecipeError> {
        Self::with_scheme(address, "https")
    }

    /// An address on this machine: `http://`, `git://` to a loopback address, or `file://`.
    ///
    /// # Errors
    /// As [`https`](Self::https), or if the host is another machine.
    pub fn local(address: &str) -> Result<Self, RecipeError> {
        if address.starts_with("file:///") {
            return Self::with_scheme(address, "file");
        }
        let (scheme, rest) = if let Some(rest) = address.strip_prefix("http://") {
            ("http", rest)
        } else if let Some(rest) = address.strip_prefix("git://") {
            ("git", rest)
        } else {
            return Err(refused(address, "a local address is http://, git:// or file:///"));
        };
        let host = rest.split('/').next().unwrap_or_default();
        let host = host.strip_prefix('[').map_or_else(
            || host.split(':').next().unwrap_or_default(),
            |host| host.split(']').next().unwrap_or_default(),
        );
        if !matches!(host, "127.0.0.1" | "::1" | "localhost") {
            return Err(refused(address, "without https it must be this machine"));
        }
        Self::with_scheme(address, scheme)
    }

    fn with_scheme(address: &str, scheme: &'static str) -> Result<Self, RecipeError> {
        let rest = address.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://"));
        let rest = rest.ok_or_else(|| refused(address, "it must begin with https://"))?;
        if address.len() > MAX_ADDRESS {
            return Err(refused(address, "it is longer than 512 bytes"));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._~:[]+-".contains(&byte);
        if rest.is_empty() || rest.starts_with('-') || !rest.bytes().all(plain) {
            return Err(refused(address, "only a host, a port and a path can be in it"));
        }
        Ok(Self { address: address.trim_end_matches('/').to_owned(), scheme })
    }

    /// The address of one recipe's repository.
    pub fn repository(&self, name: &PackageBase) -> String {
        format!("{}/{name}.git", self.address)
    }

    pub(super) fn scheme(&self) -> &'static str {
        self.scheme
    }
}

fn refused(address: &str, reason: &'static str) -> RecipeError {
    let shown: String = address.chars().take(80).collect();
    RecipeError::Name { name: escape(&shown).to_string(), reason }
}
