//! Many files at once, from several mirrors.

use std::sync::Arc;

use omg_core::{Artifact, Fault, Progress, Wanted};
use tokio::time::Instant;

use crate::download::{Transfer, blocking};
use crate::http::Http;
use crate::schedule::Schedule;
use crate::{DocumentRequest, Error, Fetched, Options, Request, Store, Stored};

/// Fetches files and documents. Clones share connections.
#[derive(Clone, Debug)]
pub struct Fetcher {
    http: Arc<Http>,
    options: Arc<Options>,
    store: Store,
}

impl Fetcher {
    /// A fetcher into this store. Fails if the proxy can't be used.
    pub fn new(options: Options, store: Store) -> Result<Self, Error> {
        let http = Arc::new(Http::new(&options)?);
        Ok(Self { http, options: Arc::new(options), store })
    }

    /// The store that files go to.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Fetches these files; one result for each, in their order, and for each the grade that it
    /// came with. `sink` hears of files by their number in `wanted`, of all together, and of mirrors
    /// that failed.
    ///
    /// Dropping the future ends all connections and leaves what has come to be gone on with.
    pub async fn fetch(
        &self,
        wanted: Vec<Wanted>,
        sink: impl FnMut(Progress) + Send,
    ) -> Vec<Result<Artifact, Fault>> {
        let requests = wanted.iter().map(Request::try_from).collect();
        let results = self.run(requests, sink).await;
        wanted
            .into_iter()
            .zip(results)
            .map(|(wanted, result)| result.map(|it| artifact(wanted, it)).map_err(Fault::from))
            .collect()
    }

    /// The same for files that are no packages, such as indexes by their digests.
    pub async fn fetch_files(
        &self,
        requests: Vec<Request>,
        sink: impl FnMut(Progress) + Send,
    ) -> Vec<Result<Stored, Error>> {
        self.run(requests.into_iter().map(Ok).collect(), sink).await
    }

    /// Fetches a document whose digest is not known. `seen` hears how many bytes came, and of how
    /// many where that is known. It has to be verified before anything in it is believed.
    pub async fn fetch_document(
        &self,
        request: &DocumentRequest,
        mut seen: impl FnMut(u64, Option<u64>) + Send,
    ) -> Result<Fetched, Error> {
        self.transfer().document(request, &mut seen).await
    }

    async fn run(
        &self,
        requests: Vec<Result<Request, Error>>,
        mut sink: impl FnMut(Progress) + Send,
    ) -> Vec<Result<Stored, Error>> {
        let results = Schedule::new(self.transfer(), requests).run(&mut sink).await;
        let store = self.store.clone();
        // The files are there; a store that stays too large is no reason to say otherwise.
        match blocking("evicting", move || store.evict()).await {
            Ok(Ok(freed)) if freed.files > 0 => tracing::debug!(?freed, "evicted"),
            Ok(Err(error)) | Err(error) => tracing::warn!(%error, "can't evict"),
            Ok(Ok(_)) => {}
        }
        results
    }

    fn transfer(&self) -> Transfer {
        Transfer {
            http: self.http.clone(),
            store: self.store.clone(),
            options: self.options.clone(),
            deadline: Instant::now() + self.options.overall,
        }
    }
}

fn artifact(wanted: Wanted, stored: Stored) -> Artifact {
    Artifact {
        name: wanted.name,
        architecture: wanted.architecture,
        version: wanted.version,
        repository: wanted.repository,
        file_name: wanted.file_name,
        path: stored.path.to_string_lossy().into_owned(),
        size: stored.size,
        sha256: stored.sha256.to_string(),
        signature: stored.signature,
        grade: wanted.grade,
    }
}
