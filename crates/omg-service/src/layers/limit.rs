//! A token bucket for each user.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use ahash::AHashMap;
use bytes::Bytes;
use omg_cache::{Answer, Answers};
use omg_core::{Code, Fault};
use tower::{Layer, Service};

use crate::call::Parsed;
use crate::limits::Handle;

/// Users remembered; one beyond starts with a full bucket, in place of those that are full anyway.
const USERS: usize = 1024;

/// Layer: takes a call's tokens from its user's bucket, or answers that it is busy. It never lets a
/// call wait: a waiting flood would hold memory.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    limits: Handle,
    buckets: Arc<Mutex<AHashMap<u32, Bucket>>>,
}

impl Limit {
    pub(crate) fn new(limits: Handle) -> Self {
        Self { limits, buckets: Arc::default() }
    }

    fn take(&self, uid: u32, tokens: u32, now: Instant) -> bool {
        let (rate, burst) = self.limits.allowance();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= USERS && !buckets.contains_key(&uid) {
            buckets.retain(|_, bucket| bucket.fill(rate, burst, now) < f64::from(burst));
            if buckets.len() >= USERS {
                return false;
            }
        }
        let bucket = buckets.entry(uid).or_insert(Bucket { tokens: f64::from(burst), at: now });
        bucket.take(rate, burst, tokens, now)
    }
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn fill(&mut self, rate: u32, burst: u32, now: Instant) -> f64 {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * f64::from(rate);
        self.tokens = (self.tokens + gained).min(f64::from(burst));
        self.at = now;
        self.tokens
    }

    fn take(&mut self, rate: u32, burst: u32, tokens: u32, now: Instant) -> bool {
        let left = self.fill(rate, burst, now) - f64::from(tokens);
        if left >= 0.0 {
            self.tokens = left;
        }
        left >= 0.0
    }
}

impl<S> Layer<S> for Limit {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Limited { inner, limit: self.clone() }
    }
}

/// Service of [`Limit`].
#[derive(Clone, Debug)]
pub(crate) struct Limited<S> {
    inner: S,
    limit: Limit,
}

// === impl Limited ===

impl<S: Answers<Parsed>> Service<Parsed> for Limited<S> {
    type Response = Bytes;
    type Error = Fault;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, parsed: Parsed) -> Answer {
        if self.limit.take(parsed.call.uid, parsed.shape.tokens(), Instant::now()) {
            self.inner.call(parsed)
        } else {
            let fault = Fault::new(Code::Busy, "too many requests from this user");
            Answer::ready(Err(fault.hint("wait a moment and try again")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::limits::Limits;

    fn limit(rate: u32, burst: u32) -> Limit {
        Limit::new(Handle::new(Limits { rate, burst, ..Limits::default() }))
    }

    #[test]
    fn a_bucket_empties_and_fills_per_user() {
        let (limit, start) = (limit(10, 5), Instant::now());
        assert!((0..5).all(|_| limit.take(1, 1, start)));
        assert!(!limit.take(1, 1, start));
        assert!(limit.take(2, 5, start), "another user has a bucket of their own");
        let later = start + Duration::from_millis(250);
        assert!(limit.take(1, 2, later) && !limit.take(1, 1, later));
        assert!(
            !limit.take(1, 6, start + Duration::from_mins(1)),
            "more than the burst never passes"
        );
    }

    #[test]
    fn new_limits_hold_at_once() {
        let (limit, start) = (limit(1, 100), Instant::now());
        limit.limits.apply(Limits { rate: 1, burst: 2, ..Limits::default() });
        assert!(limit.take(1, 2, start) && !limit.take(1, 1, start));
    }

    #[test]
    fn remembered_users_are_bounded() {
        let (limit, start) = (limit(1, 10), Instant::now());
        assert!((0..5000).filter(|&uid| limit.take(uid, 1, start)).count() == USERS);
        assert!(limit.take(9999, 1, start + Duration::from_mins(1)), "full buckets make room");
        assert!(limit.buckets.lock().unwrap().len() <= USERS);
    }
}
