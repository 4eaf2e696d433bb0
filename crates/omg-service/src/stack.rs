//! THE composition. tower's order: the first line meets the call first.

use std::sync::Arc;

use omg_backend::PackageManager;
use omg_cache::{Answers, Disk};
use tower::ServiceBuilder;

use crate::call::{Ask, Call};
use crate::catalogue::Catalogue;
use crate::layers::{Isolate, Limit, Parse, Split, Trace};
use crate::limits::Handle;
use crate::reads::Reads;

/// The whole service over a catalogue: encoded request in, encoded reply out.
///
/// Every clone shares the caches, which live as long as the catalogue, and the users' allowances,
/// which live as long as this.
pub fn front<B: PackageManager>(
    catalogue: &Arc<Catalogue<B>>,
    limits: &Handle,
) -> impl Answers<Call> + use<B> {
    ServiceBuilder::new()
        // Outermost: whatever panics, in whichever layer, ends one call.
        .layer(Isolate)
        // Before all that must know what is asked.
        .layer(Parse)
        // Sees refused calls, too.
        .layer(Trace { requests: catalogue.requests() })
        // Above the caches, so that a flood of hits still costs tokens.
        .layer(Limit::new(limits.clone()))
        // Here the call gets its view; whatever is below can't mix two generations.
        .layer(Split { catalogue: catalogue.clone(), limits: limits.clone() })
        .service(reads(catalogue))
}

fn reads<B: PackageManager>(catalogue: &Arc<Catalogue<B>>) -> impl Answers<Ask> + use<B> {
    let tiers = catalogue.tiers();
    ServiceBuilder::new()
        // Above the tiers: of equal questions at the same time only one goes on looking.
        .layer(tiers.coalesce.clone())
        // 90 ns.
        .layer(tiers.memory.clone())
        // Some microseconds.
        .layer(Disk::new(tiers.store.clone()))
        // Around each single query, so that one item can't end its whole batch.
        .layer(Isolate)
        // The index, and below it the backend.
        .service(Reads::new(catalogue.clone()))
}
