//! Loads a view: the index from the store if it has it, else built from the backend.

use std::sync::Arc;

use omg_backend::PackageManager;
use omg_cache::Store;
use omg_core::{Code, Fault, Generation};
use omg_index::{Builder, Built, Index};

use crate::records::Records;
use crate::view::{Offered, View};

/// Loads in a row that the system may move under before the last one is taken as it is; the watcher
/// then loads again.
const TRIES: u32 = 3;

/// An index that was just built, to be stored.
pub(super) struct Fresh {
    catalogue: Generation,
    image: Vec<u8>,
    blocks: Arc<Vec<Vec<u8>>>,
    records: Arc<Records>,
}

impl Fresh {
    /// Is it the index that this view answers from?
    pub(super) fn is_of(&self, view: &View) -> bool {
        Arc::ptr_eq(&self.records, &view.offered.records)
    }

    /// Hands the index to the store; once it has it, the records leave memory.
    pub(super) fn keep(self, store: &Store) {
        let records = Arc::downgrade(&self.records);
        drop(self.records);
        store.keep_index(self.catalogue, self.image, self.blocks, move |stored| {
            if let (true, Some(records)) = (stored, records.upgrade()) {
                records.release();
            }
        });
    }
}

/// A view of the system as it is now. What did not move since `old` is taken from there.
pub(super) async fn load<B: PackageManager>(
    backend: &Arc<B>,
    store: &Store,
    old: Option<&View>,
) -> Result<(View, Option<Fresh>), Fault> {
    let mut tries = 1;
    loop {
        // Read before the data: a view may be newer than its generation says, never older.
        let generations = backend.generations().await?;
        let same = old.filter(|old| {
            old.generations.catalogue == generations.catalogue && !old.offered.records.lost()
        });
        let offered = async {
            match same {
                Some(old) => Ok((old.offered.clone(), None)),
                None => offered(&**backend, store, generations.catalogue).await,
            }
        };
        let installed = async {
            match old.filter(|old| old.generations.installed == generations.installed) {
                Some(old) => Ok(old.installed.clone()),
                None => backend.installed().await.map(Arc::new),
            }
        };
        let ((offered, fresh), installed) = tokio::try_join!(offered, installed)?;
        if tries < TRIES && backend.generations().await? != generations {
            tries += 1;
            continue;
        }
        let backend = backend.clone();
        let view =
            blocking(move || View::new(&*backend, generations, offered, installed)).await??;
        return Ok((view, fresh));
    }
}

async fn offered<B: PackageManager>(
    backend: &B,
    store: &Store,
    catalogue: Generation,
) -> Result<(Arc<Offered>, Option<Fresh>), Fault> {
    let opening = store.clone();
    if let Some(offered) = blocking(move || stored(opening, catalogue)).await? {
        return Ok((Arc::new(offered), None));
    }
    let builder = backend.packages(Builder::new()).await?;
    let store = store.clone();
    blocking(move || built(builder, &store, catalogue)).await?
}

/// The stored index of this catalogue, if it is whole.
fn stored(store: Store, catalogue: Generation) -> Option<Offered> {
    let found = store.index(catalogue)?;
    // The last block holds the warnings; see `built`.
    let warnings = found.blocks.checked_sub(1).and_then(|last| store.block(catalogue, last));
    let opened = match warnings {
        Some(warnings) => Index::open(found.image)
            .map(|index| (index, warnings))
            .map_err(|error| error.to_string()),
        None => Err("a block of records is missing".into()),
    };
    match opened {
        Ok((index, warnings)) => {
            let warnings =
                String::from_utf8_lossy(&warnings).lines().map(ToString::to_string).collect();
            Some(Offered { index, records: Arc::new(Records::stored(catalogue, store)), warnings })
        }
        Err(what) => {
            store.distrust_index(&what);
            None
        }
    }
}

fn built(
    builder: Builder,
    store: &Store,
    catalogue: Generation,
) -> Result<(Arc<Offered>, Option<Fresh>), Fault> {
    let Built { image, records: mut blocks, warnings } = builder.finish().map_err(Fault::from)?;
    // Warnings are stored as one more block, so that a start from the store knows them, too.
    blocks.push(warnings.join("\n").into_bytes());
    let blocks = Arc::new(blocks);
    let copy = if store.can_keep() { image.clone() } else { Vec::new() };
    let index = Index::open(image).map_err(Fault::from)?;
    let records = Arc::new(Records::held(catalogue, store.clone(), blocks.clone()));
    let fresh = store.can_keep().then(|| Fresh {
        catalogue,
        image: copy,
        blocks,
        records: records.clone(),
    });
    Ok((Arc::new(Offered { index, records, warnings }), fresh))
}

/// Runs what takes longer than a few milliseconds beside the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Fault::caused_by(Code::Internal, "loading the index panicked", &error))
}
