//! The AUR as one thing: the dump on disk, and questions to the RPC where the dump is not enough.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::address::Address;
use crate::backoff::{Clock, system_clock};
use crate::constraint::{Compare, bare};
use crate::dump::{self, Dump, FILE, Incoming, Origin};
use crate::error::Error;
use crate::http::{Body, Fetched, Http, Limits};
use crate::package::{Entry, Package};
use crate::rpc::{Answer, By, MOST_RESULTS, Rpc, Suggest, check_names, check_term};
use crate::work::blocking;

/// Chunks of the dump that wait to be written.
const CHUNKS: usize = 8;

/// Which AUR, and what it may take.
#[derive(Clone)]
pub struct Settings {
    /// Base address: `https://aur.archlinux.org`. Plain http is taken only for this machine.
    pub address: String,
    /// Where the dump is kept; made if it is missing. One for each address.
    pub directory: PathBuf,
    /// The order of `vercmp`.
    pub compare: Compare,
    /// Limits.
    pub limits: Limits,
    /// Seconds since the epoch.
    pub clock: Clock,
}

impl Settings {
    /// The usual limits and the system's clock.
    pub fn new(address: &str, directory: &Path, compare: Compare) -> Self {
        Self {
            address: address.into(),
            directory: directory.into(),
            compare,
            limits: Limits::default(),
            clock: system_clock(),
        }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("address", &self.address)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

/// What a refresh of the dump brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fresh {
    /// The dump that is there is the newest.
    Unchanged {
        /// Packages in it.
        packages: u64,
    },
    /// There is a new one.
    New {
        /// Packages in it.
        packages: u64,
        /// Bytes that were fetched.
        fetched: u64,
    },
}

/// An AUR. Clones share everything.
#[derive(Clone, Debug)]
pub struct Aur {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) http: Arc<Http>,
    rpc: Rpc,
    pub(crate) dump: Dump,
    pub(crate) compare: Compare,
    /// One refresh at a time.
    refreshing: tokio::sync::Mutex<()>,
}

impl Aur {
    /// Prepares everything and asks nothing yet.
    ///
    /// # Errors
    /// [`Error::Address`] for an address that is not taken, and where the platform's trust store
    /// can't be read.
    pub fn open(settings: Settings) -> Result<Self, Error> {
        let address = Address::parse(&settings.address)?;
        let http = Arc::new(Http::new(address, settings.limits, settings.clock)?);
        Ok(Self {
            inner: Arc::new(Inner {
                rpc: Rpc::new(http.clone()),
                http,
                dump: Dump::new(&settings.directory),
                compare: settings.compare,
                refreshing: tokio::sync::Mutex::default(),
            }),
        })
    }

    /// Fetches the dump if there is a newer one. It takes the old one's place only after it was
    /// read to its end; whatever happens before that, the old one stays.
    ///
    /// # Errors
    /// What can't be reached, stored or read; see [`Error`].
    pub async fn refresh(&self) -> Result<Fresh, Error> {
        let _one = self.inner.refreshing.lock().await;
        let result = self.inner.clone().refresh().await;
        self.inner.http.settle(result)
    }

    /// Packages by name, sorted; names that the AUR does not have are left out. Where it can't be
    /// asked, the answer is an earlier one or the dump's, and says so.
    ///
    /// # Errors
    /// [`Error::Argument`] for what can't be a name; else the first error, if there is no dump.
    pub async fn info(&self, names: &[&str]) -> Result<Answer<Vec<Package>>, Error> {
        let wanted = check_names(names)?;
        let error = match self.inner.rpc.info(&wanted).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let names: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        let wanted = move |entry: &Entry<'_>| {
            names.binary_search_by(|name| name.as_str().cmp(&entry.name)).is_ok()
        };
        self.answer_from_dump(error, wanted).await.map(|mut answer| {
            answer.value.sort_by(|a, b| a.name.cmp(&b.name));
            answer.value.dedup_by(|a, b| a.name == b.name);
            answer
        })
    }

    /// Packages found by one field. Where the AUR can't be asked, the answer is an earlier one or
    /// the dump's, and says so.
    ///
    /// # Errors
    /// [`Error::Argument`] for a term that it can't be asked for; [`Error::Refused`] for one that
    /// it does not answer, such as too short ones; else the first error, if there is no dump.
    pub async fn search(&self, by: By, term: &str) -> Result<Answer<Vec<Package>>, Error> {
        check_term(term, by == By::Maintainer)?;
        match self.inner.rpc.search(by, term).await {
            Ok(answer) => Ok(answer),
            Err(error) => {
                let term = term.to_lowercase();
                self.answer_from_dump(error, move |entry| matches(entry, by, &term)).await
            }
        }
    }

    /// Names that begin with this, twenty at most.
    ///
    /// # Errors
    /// As [`Aur::search`], without the dump.
    pub async fn suggest(&self, what: Suggest, start: &str) -> Result<Answer<Vec<String>>, Error> {
        self.inner.rpc.suggest(what, start).await
    }

    /// Packages that satisfy a name, by their own or by what they provide, with all their fields.
    pub(crate) async fn providing(&self, name: &str) -> Result<Answer<Vec<Package>>, Error> {
        if name.len() < 2 {
            // Too short a term for the AUR's search; a name it may be.
            return self.info(&[name]).await;
        }
        let found = self.search(By::Provides, name).await?;
        if found.stale.is_some() && found.value.iter().any(|package| !package.provides.is_empty()) {
            return Ok(found);
        }
        let names: Vec<&str> = found.value.iter().map(|package| &*package.name).collect();
        self.info(&names).await
    }

    /// The packages of a recipe, as the dump knows them: the RPC has no such question.
    pub(crate) async fn of_base(&self, base: &str) -> Result<Vec<Package>, Error> {
        let (dump, base) = (self.inner.dump.clone(), base.to_owned());
        blocking("looking into the list of the AUR's packages", move || {
            let path = dump.path();
            let Some(packed) = dump::open(&path)? else { return Ok(Vec::new()) };
            let what = path.display().to_string();
            dump::select(packed, &what, MOST_RESULTS, |entry| *entry.package_base == base)
        })
        .await
    }

    async fn answer_from_dump(
        &self,
        error: Error,
        wanted: impl Fn(&Entry<'_>) -> bool + Send + 'static,
    ) -> Result<Answer<Vec<Package>>, Error> {
        if matches!(error, Error::Argument { .. } | Error::Refused { .. }) {
            return Err(error);
        }
        let (dump, now) = (self.inner.dump.clone(), self.inner.http.now());
        blocking("looking into the list of the AUR's packages", move || {
            let path = dump.path();
            let Some(packed) = dump::open(&path)? else { return Err(error) };
            let what = path.display().to_string();
            Ok(Answer {
                value: dump::select(packed, &what, MOST_RESULTS, wanted)?,
                age: now.saturating_sub(dump.time()),
                stale: Some(error.to_string()),
                warnings: Vec::new(),
            })
        })
        .await
    }
}

// === impl Inner ===

impl Inner {
    async fn refresh(self: Arc<Self>) -> Result<Fresh, Error> {
        let (dump, address) = (self.dump.clone(), self.http.address.as_str().to_owned());
        let origin = {
            let (dump, address) = (dump.clone(), address.clone());
            blocking("looking for the list of the AUR's packages", move || {
                Ok::<_, Error>(dump.origin(&address))
            })
            .await?
        };
        let tag = origin.as_ref().and_then(|origin| origin.etag.clone());
        let checked = self.http.now();
        match (self.http.file(FILE, tag.as_deref()).await?, origin) {
            (Fetched::Unchanged, Some(origin)) => {
                let origin = Origin { checked, ..origin };
                let packages = origin.packages;
                let context = "noting when the list of the AUR's packages was checked";
                blocking(context, move || dump.checked(&origin)).await?;
                Ok(Fresh::Unchanged { packages })
            }
            (Fetched::Unchanged, None) => Err(Error::NoDump),
            (Fetched::New(body, etag), _) => {
                let (incoming, fetched) = store(body, dump.clone()).await?;
                let most = self.http.limits.unpacked_bytes;
                let packages = blocking("checking the list of the AUR's packages", move || {
                    let what = format!("{address}{FILE}");
                    let packages = dump::check(incoming.reader()?, &what, most)?;
                    let digest = String::new();
                    incoming.keep(&dump, Origin { address, etag, checked, packages, digest })?;
                    Ok::<_, Error>(packages)
                })
                .await?;
                Ok(Fresh::New { packages, fetched })
            }
        }
    }
}

/// Writes a body beside the dump while it comes in. Dropped or failed, it leaves nothing.
async fn store(mut body: Box<Body>, dump: Dump) -> Result<(Incoming, u64), Error> {
    let context = "storing the list of the AUR's packages";
    let (send, mut receive) = mpsc::channel::<Bytes>(CHUNKS);
    let writer = tokio::task::spawn_blocking(move || {
        let mut incoming = dump.receive()?;
        while let Some(bytes) = receive.blocking_recv() {
            incoming.write(&bytes)?;
        }
        Ok::<_, Error>(incoming)
    });
    let mut fetched = 0;
    let mut failed = None;
    loop {
        match body.chunk().await {
            Ok(Some(bytes)) => {
                fetched += bytes.len() as u64;
                if send.send(bytes).await.is_err() {
                    break;
                }
            }
            Ok(None) => break,
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    drop(send);
    let incoming = writer.await.map_err(|_| Error::Worker { context })?;
    match failed {
        Some(error) => Err(error),
        None => Ok((incoming?, fetched)),
    }
}

/// What the RPC's search does, over an entry of the dump. `term` is in lower case.
fn matches(entry: &Entry<'_>, by: By, term: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(term);
    let any = |items: &[crate::text::Text<'_>]| {
        items.iter().any(|item| bare(item).eq_ignore_ascii_case(term))
    };
    let is = |text: Option<&str>| text.unwrap_or("").eq_ignore_ascii_case(term);
    match by {
        By::Name => has(&entry.name),
        By::NameDescription => has(&entry.name) || entry.description.as_deref().is_some_and(has),
        By::Maintainer => is(entry.maintainer.as_deref()),
        By::Submitter => is(entry.submitter.as_deref()),
        By::CoMaintainers => any(&entry.co_maintainers),
        By::Depends => any(&entry.depends),
        By::MakeDepends => any(&entry.make_depends),
        By::OptDepends => any(&entry.opt_depends),
        By::CheckDepends => any(&entry.check_depends),
        By::Provides => any(&entry.provides) || entry.name.eq_ignore_ascii_case(term),
        By::Conflicts => any(&entry.conflicts),
        By::Replaces => any(&entry.replaces),
        By::Groups => any(&entry.groups),
        By::Keywords => any(&entry.keywords),
    }
}
