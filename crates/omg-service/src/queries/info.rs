//! `Info`: all that is known of a package.

use omg_backend::{Known, KnownOffer, PackageManager};
use omg_core::{Code, Details, Fault, InstalledPackage, Offered, purl};
use omg_index::RecordRef;
use omg_proto::Reply;

use crate::catalogue::Catalogue;
use crate::queries::name::Wanted;
use crate::view::{Entry, LOCAL, Seen, View, reason};

/// The repository column of the version that is on this system.
const INSTALLED: &str = "installed";

/// Where the text to show stands.
enum Text {
    Block(std::sync::Arc<omg_index::RecordBlock>, RecordRef),
    Installed(u32),
}

/// The encoded reply: it borrows from blocks that end with this call.
pub(crate) fn answer<B: PackageManager>(
    view: &View,
    catalogue: &Catalogue<B>,
    package: &str,
) -> Result<Vec<u8>, Fault> {
    let wanted = Wanted::read(view, package);
    let entries = match wanted.entries(view) {
        Ok(entries) => entries,
        Err(fault) if wanted.repository.is_some() => return Err(fault),
        Err(fault) => return leftover(view, catalogue, wanted).ok_or(fault),
    };
    let mut chosen = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(seen) = view.seen(entry) else { continue };
        let Some(pick) = pick(view, entry, &seen, wanted) else { continue };
        let text = match pick.record {
            Some(place) => Text::Block(block(catalogue, view, place)?, place),
            None => Text::Installed(seen.installed.map_or(u32::MAX, |(number, _)| number)),
        };
        chosen.push((entry, seen, pick, text));
    }
    if chosen.is_empty() {
        let version = wanted.version.unwrap_or("");
        return Err(Fault::new(
            Code::NotFound,
            format!("'{}' has no version {version}", wanted.name),
        )
        .hint(format!("omg info {} shows the versions that there are", wanted.name)));
    }
    let details = chosen
        .iter()
        .map(|(entry, seen, pick, text)| {
            fill(view, catalogue, (*entry, seen), pick, record(view, text))
        })
        .collect();
    Ok(Reply::Info(details).encode())
}

/// The version to show.
struct Pick<'a> {
    version: &'a str,
    repository: &'a str,
    /// `None`: the record of what is installed.
    record: Option<RecordRef>,
}

fn pick<'a>(view: &'a View, entry: Entry, seen: &Seen<'a>, wanted: Wanted<'_>) -> Option<Pick<'a>> {
    let version = wanted.version;
    let (index, row) = view.index(entry);
    let installed = seen.installed.map(|(_, package)| package);
    let of_installed = |package: &'a InstalledPackage| Pick {
        version: &package.version,
        repository: LOCAL,
        record: None,
    };
    if let Entry::Local(_) = entry {
        return installed
            .filter(|package| version.is_none_or(|version| version == &*package.version))
            .map(of_installed);
    }
    let offer = match (version, seen.chosen) {
        _ if wanted.repository.is_some() => index.offers(row).find(|offer| {
            wanted.is_from(offer.repository) && version.is_none_or(|it| it == offer.version)
        }),
        (Some(version), _) => index.offers(row).find(|offer| offer.version == version),
        (None, Some(chosen)) => chosen.offer.and_then(|at| index.offers(row).nth(at as usize)),
        (None, None) => index.offers(row).nth(seen.row.candidate.unwrap_or(0)),
    };
    match (offer, installed) {
        (Some(offer), _) => Some(Pick {
            version: offer.version,
            repository: offer.repository,
            record: Some(offer.record),
        }),
        // That is from no repository.
        (None, Some(_)) if wanted.repository.is_some() => None,
        (None, Some(package)) if version.is_none_or(|version| version == &*package.version) => {
            Some(of_installed(package))
        }
        (None, _) => None,
    }
}

/// A block of records; if it is gone, the catalogue is told to look after it.
pub(crate) fn block<B: PackageManager>(
    catalogue: &Catalogue<B>,
    view: &View,
    place: RecordRef,
) -> Result<std::sync::Arc<omg_index::RecordBlock>, Fault> {
    view.offered.records.block(place).inspect_err(|_| catalogue.look())
}

fn record<'a>(view: &'a View, text: &'a Text) -> &'a str {
    match text {
        Text::Block(block, place) => block.get(*place).unwrap_or(""),
        Text::Installed(number) => {
            view.package(*number).map_or("", |package| view.installed.record(package))
        }
    }
}

fn fill<'a, B: PackageManager>(
    view: &'a View,
    catalogue: &'a Catalogue<B>,
    (entry, seen): (Entry, &Seen<'a>),
    pick: &Pick<'a>,
    record: &'a str,
) -> Details<'a> {
    let backend = catalogue.backend();
    let mut details = backend.details(seen.row.source, record);
    if details.name.is_empty() {
        details.name = seen.row.name;
    }
    if details.architecture.is_empty() {
        details.architecture = seen.row.architecture;
    }
    if details.description.is_empty() {
        details.description = seen.row.description;
    }
    details.source = seen.row.source;
    details.version = pick.version;
    details.candidate_version = Some(seen.version).filter(|version| !version.is_empty());
    details.repository = pick.repository;
    details.state = None;
    if let Some((_, package)) = seen.installed {
        details.installed_version = Some(&package.version);
        details.install_reason = Some(reason(package));
        details.installed_at = backend.installed_at(&package.name, &package.architecture);
        details.held = package.held || seen.chosen.is_some_and(|chosen| chosen.ignored);
        details.essential |= package.essential;
        let own = backend.details(package.source, view.installed.record(package));
        details.state = own.state;
        // Lists may leave long descriptions to translations that were not fetched.
        details.long_description = details.long_description.or(own.long_description);
    }
    details.versions = versions(view, backend, entry, seen);
    details.purl = purl(
        details.source,
        &catalogue.options().namespace,
        details.name,
        details.version,
        details.architecture,
    );
    details
}

/// All versions, newest first, with the installed one in its place.
fn versions<'a, B: PackageManager>(
    view: &'a View,
    backend: &B,
    entry: Entry,
    seen: &Seen<'a>,
) -> Vec<Offered<'a>> {
    let (index, row) = view.index(entry);
    let mut versions: Vec<Offered<'a>> = match entry {
        Entry::Local(_) => Vec::new(),
        Entry::Offered(_) => index
            .offers(row)
            .map(|offer| Offered {
                version: offer.version,
                repository: offer.repository,
                priority: offer.priority,
            })
            .collect(),
    };
    let Some((_, package)) = seen.installed else { return versions };
    let choose = |offers: &[KnownOffer<'_>]| {
        backend.choose(&Known {
            name: &package.name,
            source: seen.row.source,
            architecture: &package.architecture,
            section: seen.row.section,
            installed: Some(&package.version),
            held: package.held,
            offers,
        })
    };
    let newer = |version: &str| backend.compare(version, &package.version).is_gt();
    let at = versions
        .iter()
        .position(|offer| offer.version == &*package.version || !newer(offer.version))
        .unwrap_or(versions.len());
    let priority = choose(&[]).installed_priority;
    versions.insert(at, Offered { version: &package.version, repository: INSTALLED, priority });
    versions
}

/// A package of which only the configuration is left, and that nobody offers.
fn leftover<B: PackageManager>(
    view: &View,
    catalogue: &Catalogue<B>,
    wanted: Wanted<'_>,
) -> Option<Vec<u8>> {
    let details: Vec<Details<'_>> = view
        .installed
        .named(wanted.name)
        .iter()
        .filter(|package| {
            wanted.architecture.is_none_or(|architecture| architecture == &*package.architecture)
        })
        .filter(|package| wanted.version.is_none_or(|version| version == &*package.version))
        .map(|package| {
            let mut details =
                catalogue.backend().details(package.source, view.installed.record(package));
            details.name = &package.name;
            details.version = &package.version;
            details.architecture = &package.architecture;
            details.repository = LOCAL;
            details.purl = purl(
                package.source,
                &catalogue.options().namespace,
                &package.name,
                &package.version,
                &package.architecture,
            );
            details
        })
        .collect();
    (!details.is_empty()).then(|| Reply::Info(details).encode())
}
