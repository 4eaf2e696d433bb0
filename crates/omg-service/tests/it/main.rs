//! The whole stack over the fake backend, and what it keeps on disk.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what a test can't do without fails it")]

mod answers;
mod archive;
mod changes;
mod isolation;
mod plans;
mod stack;
mod staging;
mod storage;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use omg_backend::fake::{Fake, FakePackage};
use omg_cache::{Answers, Store};
use omg_core::Fault;
use omg_proto::{Query, Reply, Request};
use omg_service::{Call, Catalogue, Handle, Limits, Options, front};
use tower::Service as _;

/// A catalogue over the fake, with its front.
struct World<S> {
    fake: Fake,
    catalogue: Arc<Catalogue<Fake>>,
    handle: Handle,
    front: S,
}

async fn world(fake: Fake, store: Store, options: Options) -> World<impl Answers<Call>> {
    let catalogue = Catalogue::start(Arc::new(fake.clone()), store, options).await.unwrap();
    let handle = Handle::new(Limits::default());
    let front = front(&catalogue, &handle);
    World { fake, catalogue, handle, front }
}

async fn in_memory(fake: Fake) -> World<impl Answers<Call>> {
    world(fake, Store::in_memory(), Options::default()).await
}

fn call(query: Query<'_>) -> Call {
    Call::new(1000, Some(1), Request::One(query).encode().into())
}

impl<S: Answers<Call>> World<S> {
    async fn ask(&self, query: Query<'_>) -> Result<Bytes, Fault> {
        self.front.clone().call(call(query)).await
    }

    async fn batch(&self, queries: Vec<Query<'_>>) -> Result<Bytes, Fault> {
        self.front
            .clone()
            .call(Call::new(1000, Some(1), Request::Batch(queries).encode().into()))
            .await
    }

    async fn stats(&self) -> omg_core::Stats {
        let body = self.ask(Query::Stats).await.unwrap();
        let Ok(Reply::Stats(stats)) = Reply::decode(&body) else { panic!("no stats") };
        stats
    }

    /// Names and versions that a search for `query` finds.
    async fn search(&self, query: &str) -> Vec<(String, String)> {
        let body = self.ask(Query::Search { query, limit: None }).await.unwrap();
        let Ok(Reply::Search(found)) = Reply::decode(&body) else { panic!("no search reply") };
        found
            .packages()
            .map(|package| (package.name.to_string(), package.version.to_string()))
            .collect()
    }
}

/// Waits for something that happens in the background.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < Duration::from_secs(30), "never came: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// vim (explicit) needs vim-runtime (automatic, an update waits, a security one); editor is virtual;
/// homemade is installed and offered by nobody; ripgrep is offered only.
fn packages() -> Vec<FakePackage> {
    let mut runtime = FakePackage::new("vim-runtime", "9.1", "Vi IMproved - runtime files")
        .installed("9.0", true);
    runtime.versions = vec![("9.1".into(), true), ("9.0".into(), false)];
    let mut homemade =
        FakePackage::new("homemade", "1.0", "A tool built here").installed("1.0", false);
    homemade.versions.clear();
    vec![
        FakePackage::new("vim", "9.0", "Vi IMproved - enhanced vi editor")
            .installed("9.0", false)
            .depends(&["vim-runtime (= 9.0)", "libc6"])
            .provides(&["editor"])
            .files(&["/usr/bin/vim"]),
        runtime,
        FakePackage::new("libc6", "2.36", "GNU C Library").installed("2.36", true),
        FakePackage::new("nano", "7.2", "small, friendly text editor")
            .provides(&["editor"])
            .files(&["/usr/bin/nano"]),
        FakePackage::new("ripgrep", "13.0", "Recursively searches directories for a regex")
            .depends(&["libc6 (>= 2.34)"])
            .files(&["/usr/bin/rg"]),
        FakePackage::new("leftover", "1.0", "Needed by nobody").installed("1.0", true),
        homemade,
    ]
}
