//! Takes the view once for each call, and takes a batch apart.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use omg_backend::PackageManager;
use omg_cache::{Answer, Answers};
use omg_core::{Code, Fault, Reporter};
use omg_proto::frame::REPLY_LIMIT;
use omg_proto::{QueryKind, Reply, Request};
use tower::{Layer, Service};

use crate::call::{Ask, Call, Parsed, Shape, unreadable};
use crate::catalogue::Catalogue;
use crate::limits::Handle;

/// Room in a batch's reply for everything but its items' bytes.
const MARGIN: usize = 64 * 1024;

/// Layer: [`Parsed`] to one or many [`Ask`]s, all over the same view.
pub(crate) struct Split<B> {
    pub(crate) catalogue: Arc<Catalogue<B>>,
    pub(crate) limits: Handle,
}

impl<B, S> Layer<S> for Split<B> {
    type Service = Splitting<B, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Splitting { inner, catalogue: self.catalogue.clone(), limits: self.limits.clone() }
    }
}

/// Service of [`Split`].
pub(crate) struct Splitting<B, S> {
    inner: S,
    catalogue: Arc<Catalogue<B>>,
    limits: Handle,
}

impl<B, S: Clone> Clone for Splitting<B, S> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            catalogue: self.catalogue.clone(),
            limits: self.limits.clone(),
        }
    }
}

// === impl Splitting ===

impl<B: PackageManager, S: Answers<Ask>> Service<Parsed> for Splitting<B, S> {
    type Response = Bytes;
    type Error = Fault;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, parsed: Parsed) -> Answer {
        let (view, limits) = (self.catalogue.view(), self.limits.clone());
        let Call { body, reporter, .. } = parsed.call;
        match parsed.shape {
            Shape::One(kind) => self.inner.call(Ask { view, body, kind, limits, reporter }),
            Shape::Batch { .. } => {
                let asks = match apart(&body) {
                    Ok(bodies) => bodies
                        .into_iter()
                        .map(|(kind, body)| Ask {
                            view: view.clone(),
                            body,
                            kind,
                            limits: limits.clone(),
                            reporter: Reporter::silent(),
                        })
                        .collect(),
                    Err(fault) => return Answer::ready(Err(fault)),
                };
                Answer::later(together(self.inner.clone(), asks))
            }
        }
    }
}

fn apart(body: &[u8]) -> Result<Vec<(QueryKind, Bytes)>, Fault> {
    match Request::decode(body).map_err(|error| unreadable(&error))? {
        Request::One(query) => Ok(vec![(query.kind(), Bytes::from(Request::One(query).encode()))]),
        Request::Batch(queries) if queries.iter().any(|query| query.kind().reports()) => {
            // Nobody could tell which of them is heard.
            Err(Fault::new(Code::Usage, "staging, builds and syncs are asked for one at a time"))
        }
        Request::Batch(queries) => Ok(queries
            .into_iter()
            .map(|query| (query.kind(), Request::One(query).encode().into()))
            .collect()),
    }
}

/// One after the other: a batch is one user's patience, and must not take all threads.
async fn together<S: Answers<Ask>>(mut reads: S, asks: Vec<Ask>) -> Result<Bytes, Fault> {
    let mut replies = Vec::with_capacity(asks.len());
    let mut room = REPLY_LIMIT as usize - MARGIN;
    for ask in asks {
        let reply = match reads.call(ask).await {
            Ok(body) if body.len() <= room => body.to_vec(),
            Ok(_) => {
                let fault = Fault::new(Code::Limit, "the batch's answers are too large together");
                Reply::Fault(fault.hint("ask for less at a time")).encode()
            }
            Err(fault) => Reply::Fault(fault).encode(),
        };
        room = room.saturating_sub(reply.len());
        replies.push(reply);
        tokio::task::yield_now().await;
    }
    Ok(Reply::Batch(replies).encode().into())
}
