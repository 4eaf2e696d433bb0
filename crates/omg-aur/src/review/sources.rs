//! Where a recipe's sources come from and what vouches for them, as its `.SRCINFO` says.

use std::collections::BTreeSet;

use omg_core::Severity::{Caution, Danger, Note};

use super::risk::{Found, Risk};

const FILE: &str = ".SRCINFO";
/// Checksums that still mean something.
const STRONG: [&str; 5] = ["sha224sums", "sha256sums", "sha384sums", "sha512sums", "b2sums"];
const WEAK: [&str; 3] = ["md5sums", "sha1sums", "cksums"];
/// Kinds of repositories that makepkg fetches.
const REPOSITORIES: [&str; 5] = ["git", "svn", "hg", "bzr", "fossil"];
/// Hosts where anybody leaves anything without a name.
const PASTE: [&str; 16] = [
    "ptpb.pw",
    "pastebin.com",
    "paste.rs",
    "ix.io",
    "0x0.st",
    "termbin.com",
    "transfer.sh",
    "bit.ly",
    "tinyurl.com",
    "file.io",
    "catbox.moe",
    "files.catbox.moe",
    "cdn.discordapp.com",
    "hastebin.com",
    "temp.sh",
    "anonfiles.com",
];
/// Hosts where the first part of the path says whose project it is.
const FORGES: [&str; 8] = [
    "github.com",
    "gitlab.com",
    "codeberg.org",
    "bitbucket.org",
    "git.sr.ht",
    "gitea.com",
    "gitlab.gnome.org",
    "framagit.org",
];

/// `key = value` of `.SRCINFO`, with its line.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    pub(super) line: u32,
    pub(super) key: &'a str,
    pub(super) value: &'a str,
}

/// The lines of a `.SRCINFO` as they stand, malformed ones left out.
pub(super) fn entries(text: &str) -> Vec<Entry<'_>> {
    (1_u32..).zip(text.lines()).filter_map(|(line, text)| entry(line, text.trim())).collect()
}

fn entry(line: u32, text: &str) -> Option<Entry<'_>> {
    let (key, value) = text.split_once('=')?;
    let (key, value) = (key.trim(), value.trim());
    (!text.starts_with('#')).then_some(Entry { line, key, value })
}

/// One source.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Address<'a> {
    scheme: &'a str,
    host: String,
    path: &'a str,
    fragment: &'a str,
    user: bool,
}

/// `[NAME::]URL`; `None` for a file of the recipe.
fn address(source: &str) -> Option<Address<'_>> {
    let source = match source.split_once("::") {
        Some((name, rest)) if !name.contains("://") => rest,
        _ => source,
    };
    let (scheme, rest) = source.split_once("://")?;
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host) =
        authority.rsplit_once('@').map_or((false, authority), |(_, host)| (true, host));
    let host = if host.starts_with('[') { host } else { host.split(':').next().unwrap_or(host) };
    Some(Address { scheme, host: host.to_lowercase(), path, fragment, user })
}

impl Address<'_> {
    fn is_repository(&self) -> bool {
        let kind = self.scheme.split('+').next().unwrap_or(self.scheme);
        REPOSITORIES.contains(&kind)
    }

    /// Is it carried in the clear, so that anybody on the way can change it?
    fn is_open(&self) -> bool {
        let transport = self.scheme.rsplit('+').next().unwrap_or(self.scheme);
        matches!(transport, "http" | "ftp" | "git" | "svn" | "rsync")
    }

    fn is_pinned(&self) -> bool {
        let pins = ["commit=", "tag=", "revision="];
        pins.iter().any(|pin| self.fragment.contains(pin))
    }

    /// Whose project it is, on a forge.
    fn owner(&self) -> Option<(String, String)> {
        let owner = self.path.split('/').next().filter(|owner| !owner.is_empty())?;
        FORGES.contains(&self.host.as_str()).then(|| (self.host.clone(), owner.to_lowercase()))
    }
}

/// A host in any text that deserves a mark by itself.
pub(super) fn host_risk(text: &str) -> Option<Risk> {
    let address = address(text)?;
    if PASTE.contains(&address.host.as_str()) {
        return Some(Risk::PasteHost);
    }
    if address.user && !address.is_repository() && !matches!(address.scheme, "ssh" | "scp") {
        return Some(Risk::MisleadingAddress);
    }
    let numeric = address.host.starts_with('[')
        || (!address.host.is_empty()
            && address.host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
    let here = address.host.starts_with("127.") || address.host == "[::1]";
    (numeric && !here).then_some(Risk::NumericHost)
}

/// The hosts that sources come from.
fn hosts(entries: &[Entry<'_>]) -> BTreeSet<String> {
    let source = |entry: &&Entry<'_>| is_key(entry.key, "source");
    entries.iter().filter(source).filter_map(|entry| Some(address(entry.value)?.host)).collect()
}

/// `source` and `source_x86_64`.
pub(super) fn is_key(key: &str, name: &str) -> bool {
    key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

/// Marks hosts, transports, checksums and owners; `old` is the `.SRCINFO` reviewed last.
pub(super) fn look(found: &mut Found, text: &str, old: Option<&str>) {
    let entries = entries(text);
    let known = old.map(|old| hosts(&self::entries(old)));
    let mut told = BTreeSet::new();
    for entry in entries.iter().filter(|entry| is_key(entry.key, "source")) {
        if let Some(risk) = host_risk(entry.value) {
            found.add(risk, Danger, FILE, entry.line, entry.value);
        }
        let Some(address) = address(entry.value) else { continue };
        let new = known.as_ref().is_some_and(|known| !known.contains(&address.host));
        if told.insert(address.host.clone()) {
            let (risk, severity) =
                if new { (Risk::NewHost, Caution) } else { (Risk::SourceHost, Note) };
            if new || known.is_none() {
                found.add(risk, severity, FILE, entry.line, &address.host);
            }
        }
    }
    checksums(found, &entries);
    owners(found, &entries);
}

/// Sources and checksums of one architecture stand in the same order.
fn checksums(found: &mut Found, entries: &[Entry<'_>]) {
    let keys: BTreeSet<&str> =
        entries.iter().map(|entry| entry.key).filter(|key| is_key(key, "source")).collect();
    let signed = entries.iter().any(|entry| entry.key == "validpgpkeys");
    for key in keys {
        let suffix = key.strip_prefix("source").unwrap_or_default();
        let of = |name: &str| -> Vec<&str> {
            let key = format!("{name}{suffix}");
            entries.iter().filter(|entry| entry.key == key).map(|entry| entry.value).collect()
        };
        let (strong, weak) = (STRONG.map(of), WEAK.map(of));
        let sources: Vec<&Entry<'_>> = entries.iter().filter(|entry| entry.key == key).collect();
        for (at, entry) in sources.iter().enumerate() {
            let at = |sums: &Vec<&str>| sums.get(at).map(|sum| sum.eq_ignore_ascii_case("SKIP"));
            let (strong, weak): (Vec<bool>, Vec<bool>) =
                (strong.iter().filter_map(at).collect(), weak.iter().filter_map(at).collect());
            let vouched = if strong.contains(&false) {
                Vouched::Strongly
            } else if weak.contains(&false) {
                Vouched::Weakly
            } else if strong.is_empty() && weak.is_empty() {
                Vouched::Missing
            } else {
                Vouched::Skipped
            };
            let has_signature = signed
                && sources
                    .iter()
                    .any(|other| is_signature(other.value) && same_file(other.value, entry.value));
            checksum(found, entry, vouched, has_signature);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Vouched {
    Strongly,
    Weakly,
    Skipped,
    Missing,
}

fn checksum(found: &mut Found, entry: &Entry<'_>, vouched: Vouched, has_signature: bool) {
    let address = address(entry.value);
    let repository = address.as_ref().is_some_and(Address::is_repository);
    let remote = address.is_some();
    let pinned = address.as_ref().is_some_and(|address| address.fragment.contains("commit="));
    if address.is_some_and(|address| address.is_open()) {
        let known = has_signature || pinned || is_signature(entry.value);
        let severity = match vouched {
            Vouched::Strongly => Note,
            _ if known => Note,
            Vouched::Weakly => Caution,
            Vouched::Skipped | Vouched::Missing if repository => Caution,
            Vouched::Skipped | Vouched::Missing => Danger,
        };
        found.add(Risk::InsecureSource, severity, FILE, entry.line, entry.value);
    }
    if repository || is_signature(entry.value) {
        return;
    }
    let (risk, severity) = match vouched {
        Vouched::Strongly => return,
        Vouched::Weakly => (Risk::WeakChecksum, if remote { Caution } else { Note }),
        Vouched::Skipped => (Risk::ChecksumSkipped, if remote { Caution } else { Note }),
        Vouched::Missing => (Risk::ChecksumMissing, Caution),
    };
    found.add(risk, if has_signature { Note } else { severity }, FILE, entry.line, entry.value);
}

fn is_signature(source: &str) -> bool {
    [".sig", ".asc", ".sign", ".minisig"].iter().any(|end| source.ends_with(end))
        || source.contains("?signed")
}

fn same_file(signature: &str, source: &str) -> bool {
    let stem = signature.rsplit_once('.').map_or(signature, |(stem, _)| stem);
    source.starts_with(stem) || stem.starts_with(source)
}

/// Is what is built the project's own, and always the same?
fn owners(found: &mut Found, entries: &[Entry<'_>]) {
    let value = |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| entry.value);
    let name = value("pkgbase").unwrap_or_default();
    let moving = ["-git", "-svn", "-hg", "-bzr", "-fossil", "-nightly"]
        .iter()
        .any(|end| name.ends_with(end));
    let page = value("url").and_then(address);
    let project = page.as_ref().and_then(Address::owner);
    let sources: Vec<(&Entry<'_>, Address<'_>)> = entries
        .iter()
        .filter(|entry| is_key(entry.key, "source"))
        .filter_map(|entry| Some((entry, address(entry.value)?)))
        .collect();
    let archives: Vec<_> = sources.iter().filter(|(_, address)| !address.is_repository()).collect();
    for (entry, address) in &sources {
        if address.is_repository() {
            let related = project.is_some() && address.owner() == project
                || page
                    .as_ref()
                    .is_some_and(|page| related(&page.host, &address.host) && project.is_none())
                || archives.iter().any(|(_, archive)| {
                    archive.owner().is_some() && archive.owner() == address.owner()
                })
                || (project.is_none() && archives.is_empty());
            repository(found, entry, address, related, moving);
        } else if let Some(page) = &page {
            archive(found, entry, address, page, project.as_ref());
        }
    }
}

fn repository(
    found: &mut Found,
    entry: &Entry<'_>,
    address: &Address<'_>,
    related: bool,
    moving: bool,
) {
    let pinned = address.is_pinned();
    if !related {
        let severity = if pinned || moving { Note } else { Danger };
        found.add(Risk::ForeignRepository, severity, FILE, entry.line, entry.value);
    }
    if !pinned {
        let severity = if moving { Note } else { Caution };
        found.add(Risk::UnpinnedSource, severity, FILE, entry.line, entry.value);
    }
}

fn archive(
    found: &mut Found,
    entry: &Entry<'_>,
    address: &Address<'_>,
    page: &Address<'_>,
    project: Option<&(String, String)>,
) {
    if is_signature(entry.value) {
        return;
    }
    let same = match (project, address.owner()) {
        (Some(project), Some(owner)) => *project == owner,
        _ => related(&page.host, &address.host),
    };
    let tagged = address.path.contains("/archive/") || project.is_none();
    if !same || !tagged {
        let elsewhere = project.is_some() && address.owner().is_some() && !same;
        let severity = if elsewhere { Caution } else { Note };
        found.add(Risk::ArchiveElsewhere, severity, FILE, entry.line, entry.value);
    }
}

/// Do two hosts end in the same two names?
fn related(one: &str, other: &str) -> bool {
    let end = |host: &str| host.rsplit('.').take(2).map(str::to_owned).collect::<Vec<_>>();
    end(one) == end(other)
}
