//! What a recipe is built from, as its `.SRCINFO` says; `PKGBUILD` is never run to learn it.
//!
//! Format: `source` in <https://man.archlinux.org/man/PKGBUILD.5>: `[NAME::]URL[#FRAGMENT][?QUERY]`, or the
//! name of a file of the recipe.

use omg_core::is_dangerous;

use super::error::{BuildError, shown};
use super::sums::{Sum, SumKind};
use crate::recipes::CommitId;
use crate::srcinfo::{Field, Srcinfo};

/// Sources of a recipe, at most.
const MAX_SOURCES: usize = 2000;
/// Bytes of an address, at most.
const MAX_ADDRESS: usize = 4096;
/// What detached signatures are called, behind the name of what they sign.
const SIGNATURES: [&str; 3] = [".sig", ".asc", ".sign"];

/// One source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// The name of its file.
    pub name: String,
    /// Where it comes from.
    pub place: Place,
    /// What it must be; empty if the recipe does not say.
    pub sums: Vec<Sum>,
}

/// Where a source comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// The recipe itself.
    Recipe,
    /// A server.
    Web {
        /// The address: `https`, or `http`.
        url: String,
    },
    /// A git repository.
    Git {
        /// The address: `https`, `http`, `git` or `file`.
        url: String,
        /// What of it.
        reference: Reference,
        /// makepkg would check the signature of the commit or tag.
        signed: bool,
    },
}

/// What of a git repository.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reference {
    /// Whatever is newest.
    Newest,
    /// A commit by its full id, which says what is in it.
    Commit(CommitId),
    /// A tag, a branch or a short id: a name, which its owner can give to something else.
    Name(String),
}

/// All sources for one architecture.
///
/// # Errors
/// If a source is of a kind that is not fetched, has a name that leads somewhere else, or the lists of
/// checksums are not as long as that of sources.
pub fn sources(srcinfo: &Srcinfo, architecture: &str) -> Result<Vec<Source>, BuildError> {
    let mut found: Vec<Source> = Vec::new();
    for section in [None, Some(architecture)] {
        let list = srcinfo.list(Field::Source, section);
        if found.len() + list.len() > MAX_SOURCES {
            return Err(BuildError::unfit(format!("it has more than {MAX_SOURCES} sources")));
        }
        let mut sums: Vec<Vec<Sum>> = vec![Vec::new(); list.len()];
        for field in Field::SUMS {
            let values = srcinfo.list(field, section);
            if values.is_empty() {
                continue;
            }
            if values.len() != list.len() {
                let reason = format!(
                    "{} has {} entries for {} sources",
                    field.as_str(),
                    values.len(),
                    list.len()
                );
                return Err(BuildError::unfit(reason));
            }
            for (own, value) in sums.iter_mut().zip(values) {
                own.push(Sum::parse(SumKind::of(field), value)?);
            }
        }
        for (text, sums) in list.iter().zip(sums) {
            let source = one(text, sums)?;
            // The same file for all architectures and for this one is fetched once.
            if let Some(other) = found.iter().find(|it| it.name == source.name) {
                if *other == source {
                    continue;
                }
                let reason = format!("two sources are called '{}'", source.name);
                return Err(BuildError::unfit(reason));
            }
            found.push(source);
        }
    }
    Ok(found)
}

impl Source {
    /// Is this the detached signature of another source?
    pub fn signs<'a>(&self, sources: &'a [Self]) -> Option<&'a Self> {
        let signed = SIGNATURES.iter().find_map(|suffix| self.name.strip_suffix(suffix))?;
        // `x.tar.sign` is often that of the archive inside `x.tar.xz`.
        let exact = sources.iter().find(|it| it.name == signed);
        exact.or_else(|| {
            let packed = |it: &&Self| {
                let rest = it.name.strip_prefix(signed);
                rest.is_some_and(|rest| [".gz", ".bz2", ".xz", ".zst", ".lz"].contains(&rest))
            };
            sources.iter().find(packed)
        })
    }

    /// Does a checksum vouch for it that still means something?
    pub fn is_pinned(&self) -> bool {
        self.sums.iter().any(|sum| sum.kind().is_strong() && !sum.is_skipped())
    }

    /// Does any checksum?
    pub fn is_checked(&self) -> bool {
        self.sums.iter().any(|sum| !sum.is_skipped())
    }
}

fn one(text: &str, sums: Vec<Sum>) -> Result<Source, BuildError> {
    let wrong = |reason: &str| Err(BuildError::source(text, reason));
    if text.len() > MAX_ADDRESS || text.chars().any(|c| is_dangerous(c) || c == ' ') {
        return wrong("it has characters that no address has, or is too long");
    }
    let (name, address) = match text.split_once("::") {
        Some((name, address)) => (Some(name), address),
        None => (None, text),
    };
    let Some((scheme, rest)) = address.split_once("://") else {
        // A file of the recipe, maybe in a directory of it.
        let name = name.unwrap_or(address);
        for part in name.split('/') {
            checked(part)?;
        }
        if name != address {
            return wrong("a file of the recipe can't be given another name");
        }
        return Ok(Source { name: name.to_owned(), place: Place::Recipe, sums });
    };
    let (rest, fragment) = rest.split_once('#').map_or((rest, None), |(a, b)| (a, Some(b)));
    let place = match scheme {
        "https" | "http" => Place::Web { url: address.to_owned() },
        "git" | "git+https" | "git+http" | "git+git" | "git+file" => {
            git(text, scheme.strip_prefix("git+").unwrap_or(scheme), rest, fragment)?
        }
        _ => {
            let scheme = shown(scheme);
            return wrong(&format!("sources by {scheme}:// are not fetched; https and git are"));
        }
    };
    let path = rest.split('?').next().unwrap_or(rest).trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or(path);
    let of_path = match place {
        Place::Git { .. } => last.strip_suffix(".git").unwrap_or(last),
        _ => address.split('#').next().unwrap_or(address).rsplit('/').next().unwrap_or(last),
    };
    let name = checked(name.unwrap_or(of_path))?;
    Ok(Source { name: name.to_owned(), place, sums })
}

fn git(text: &str, scheme: &str, rest: &str, fragment: Option<&str>) -> Result<Place, BuildError> {
    let wrong = |reason: &str| Err(BuildError::source(text, reason));
    // `?signed` stands before or behind the fragment.
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(a, b)| (a, Some(b)));
    let (fragment, late) = match fragment.map(|it| it.split_once('?').unwrap_or((it, ""))) {
        Some((fragment, late)) => (Some(fragment), Some(late).filter(|it| !it.is_empty())),
        None => (None, None),
    };
    let signed = match query.or(late) {
        None => false,
        Some("signed") => true,
        Some(_) => return wrong("git knows no such query"),
    };
    let reference = match fragment.map(|it| it.split_once('=').unwrap_or((it, ""))) {
        None => Reference::Newest,
        Some((kind @ ("commit" | "tag" | "branch"), name)) => {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._/+-@".contains(&byte);
            if name.is_empty() || name.starts_with('-') || !name.bytes().all(plain) {
                return wrong("this is no name of a commit, a tag or a branch");
            }
            match CommitId::new(name) {
                Ok(commit) if kind == "commit" => Reference::Commit(commit),
                _ => Reference::Name(name.to_owned()),
            }
        }
        Some(_) => return wrong("only a commit, a tag or a branch can be asked for"),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._~:[]+-%".contains(&byte);
    if rest.is_empty() || rest.starts_with('-') || !rest.bytes().all(plain) {
        return wrong("only a host, a port and a path can be in the address of a repository");
    }
    let is_pinned = matches!(reference, Reference::Commit(_));
    if matches!(scheme, "http" | "git") && !is_pinned {
        return wrong("a repository without TLS must be pinned to a commit by its full id");
    }
    Ok(Place::Git { url: format!("{scheme}://{rest}"), reference, signed })
}

/// A name of a file that is only that.
fn checked(name: &str) -> Result<&str, BuildError> {
    let plain = |c: char| !c.is_control() && !matches!(c, '/' | '\\' | '$' | '`' | '"' | '\'');
    let fits = (1..=200).contains(&name.len()) && !name.starts_with(['-', '.', '~']);
    if fits && name.chars().all(plain) {
        return Ok(name);
    }
    Err(BuildError::source(name, "this can't be the name of a file of sources"))
}
