//! The lowest service: answers a query from its view, or asks the backend.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use omg_backend::PackageManager;
use omg_cache::Answer;
use omg_core::{Change, Code, Fault, Status};
use omg_proto::{ListFilter, Query, Reply, Request};
use tower::Service;

use crate::call::{Ask, unreadable};
use crate::catalogue::Catalogue;
use crate::queries;

/// Reads over a catalogue's views and its backend.
pub(crate) struct Reads<B> {
    catalogue: Arc<Catalogue<B>>,
}

impl<B> Reads<B> {
    pub(crate) fn new(catalogue: Arc<Catalogue<B>>) -> Self {
        Self { catalogue }
    }
}

impl<B> Clone for Reads<B> {
    fn clone(&self) -> Self {
        Self { catalogue: self.catalogue.clone() }
    }
}

// === impl Reads ===

impl<B: PackageManager> Service<Ask> for Reads<B> {
    type Response = Bytes;
    type Error = Fault;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, ask: Ask) -> Answer {
        let catalogue = self.catalogue.clone();
        Answer::later(async move { answer(&catalogue, &ask).await })
    }
}

async fn answer<B: PackageManager>(catalogue: &Catalogue<B>, ask: &Ask) -> Result<Bytes, Fault> {
    let view = &*ask.view;
    let backend = catalogue.backend();
    let query = match Request::decode(&ask.body).map_err(|error| unreadable(&error))? {
        Request::One(query) => query,
        // The layer above hands down single queries only.
        Request::Batch(_) => {
            return Err(Fault::new(Code::Internal, "a batch within a batch"));
        }
    };
    let encoded = match query {
        Query::Ping => Reply::Pong { generation: view.generation }.encode(),
        Query::Search { query, limit } => queries::search::answer(view, query, limit).encode(),
        Query::Info { package } => queries::info::answer(view, catalogue, package)?,
        Query::Status => Reply::Status(status(view.status, backend.refreshed_at())).encode(),
        Query::Explicit => queries::list::answer(view, ListFilter::Explicit).encode(),
        Query::Suggest { query, limit } => {
            Reply::Suggest(queries::suggest::names(view, query, limit)).encode()
        }
        Query::List { filter } => queries::list::answer(view, filter).encode(),
        Query::Updates { security } => queries::list::updates(view, security).encode(),
        Query::Rdeps { package, installed } => {
            queries::rdeps::answer(view, catalogue, package, installed)?.encode()
        }
        Query::Why { package } => queries::why::answer(view, package)?.encode(),
        Query::Owns { path } => queries::files::owns(backend, path).await?.encode(),
        Query::Provides { what } => queries::files::provides(view, backend, what).await?.encode(),
        Query::Files { package } => queries::files::paths(view, backend, package).await?,
        Query::Tree { package, depth } => queries::tree::answer(view, package, depth)?.encode(),
        Query::Size { package } => queries::size::answer(&ask.view, package).await?,
        Query::Stats => Reply::Stats(catalogue.stats(view)).encode(),
        Query::Plan { .. } => queries::plan::answer(catalogue, &change(&query)?).await?.encode(),
        Query::Stage { digest, .. } => {
            queries::stage::answer(catalogue, &ask.reporter, &change(&query)?, digest)
                .await?
                .encode()
        }
        Query::Build { bases, .. } => {
            queries::build::answer(catalogue, &ask.reporter, &change(&query)?, bases)
                .await?
                .encode()
        }
        Query::Sync => queries::sync::answer(catalogue, &ask.reporter).await?.encode(),
        Query::Store { task } => {
            queries::store::answer(catalogue.downloads().await?.fetcher.store(), task)
                .await?
                .encode()
        }
        Query::Archive { name, version, architecture, sha256 } => {
            let asked = queries::archive::Asked { name, version, architecture, sha256 };
            queries::archive::answer(catalogue, &ask.reporter, &asked).await?.encode()
        }
        Query::WhyNot { package } => queries::plan::why_not(view, backend, package).await?.encode(),
        Query::Groups { group } => queries::groups::answer(view, group)?.encode(),
        Query::Refresh => Reply::Refreshed(backend.refresh().await?).encode(),
        Query::Review { package } => Reply::Review(backend.review(package).await?).encode(),
        Query::Accept { package, commit } => {
            backend.accept(package, commit).await?;
            Reply::Accepted.encode()
        }
    };
    // Without the room that encoding left over: the answer may be kept for minutes.
    Ok(encoded.into_boxed_slice().into())
}

/// What a query would have changed.
fn change(query: &Query<'_>) -> Result<Change, Fault> {
    let unread = || Fault::new(Code::Usage, "a choice of a provider is not WANTED=PACKAGE");
    query.change().ok_or_else(unread)
}

/// The view's counts, with the age of the lists as of now.
fn status(mut status: Status, refreshed_at: Option<u64>) -> Status {
    status.data_age_s = refreshed_at.map(|then| crate::snapshot::now().saturating_sub(then));
    status
}
