//! The tiers over a service that counts what reaches it, and the store over damaged files.
#![expect(clippy::unwrap_used, reason = "what a test can't do without fails it")]

mod damage;
mod full;
mod layers;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use omg_cache::{Answers, Cacheable, Keep, Key, answering};
use omg_core::{Fault, Generation};

/// A question of a generation.
#[derive(Clone, Debug)]
struct Ask {
    generation: u64,
    text: &'static str,
    keep: Keep,
}

const KEEP: Keep = Keep { memory: Duration::from_mins(5), disk: true };

fn ask(generation: u64, text: &'static str) -> Ask {
    Ask { generation, text, keep: KEEP }
}

fn key(generation: u64, text: &'static str) -> Key {
    Key { generation: Generation(generation), request: Bytes::from_static(text.as_bytes()) }
}

impl Cacheable for Ask {
    fn key(&self) -> Option<Key> {
        (!self.text.is_empty()).then(|| key(self.generation, self.text))
    }

    fn keep(&self) -> Keep {
        self.keep
    }
}

/// A service that answers with generation and question, and counts.
fn counting() -> (impl Answers<Ask>, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let service = answering(move |ask: Ask| {
        let counted = counted.clone();
        async move {
            counted.fetch_add(1, SeqCst);
            tokio::task::yield_now().await;
            Ok::<_, Fault>(Bytes::from(format!("{}:{}", ask.generation, ask.text)))
        }
    });
    (service, count)
}
