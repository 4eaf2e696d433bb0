//! `Store`: how much downloads take, and less of it.

use omg_core::{Code, Fault};
use omg_fetch::Store;
use omg_proto::{Reply, StoreTask};

pub(crate) async fn answer(store: &Store, task: StoreTask) -> Result<Reply<'static>, Fault> {
    let store = store.clone();
    let done = tokio::task::spawn_blocking(move || {
        let freed = match task {
            StoreTask::Count => omg_fetch::Freed::default(),
            StoreTask::Trim => store.evict()?,
            StoreTask::Clear => store.clear()?,
        };
        let used = store.usage()?;
        Ok(Reply::Store { files: used.files, bytes: used.bytes, freed: freed.bytes })
    });
    let done = done.await.map_err(|error| {
        Fault::caused_by(Code::Internal, "a part of the daemon panicked over the store", &error)
    })?;
    done.map_err(|error: omg_fetch::Error| error.fault())
}
