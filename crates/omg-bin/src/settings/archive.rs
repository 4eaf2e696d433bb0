//! Where versions are asked for that no repository has any more.

use toml::de::DeValue;

/// The distributions' archives of old versions; each address may be empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Archive {
    /// Arch's, without a slash at the end.
    pub arch: String,
    /// Debian's, without a slash at the end.
    pub debian: String,
}

impl Default for Archive {
    fn default() -> Self {
        Self {
            arch: "https://archive.archlinux.org/packages".to_owned(),
            debian: "https://snapshot.debian.org".to_owned(),
        }
    }
}

/// An address without its last slash, or nothing.
pub(super) fn address(value: &DeValue<'_>) -> Result<String, &'static str> {
    const WANTED: &str = "an address that begins with https://, or nothing";
    let url = value.as_str().ok_or(WANTED)?.trim_end_matches('/');
    if !url.is_empty() && !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(WANTED);
    }
    Ok(url.to_owned())
}
