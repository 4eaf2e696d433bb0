//! What a fetcher may take of time, bytes and connections.

use std::time::Duration;

/// Connections and limits of a [`Fetcher`](crate::Fetcher).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Files under way at once, in all.
    pub connections: usize,
    /// Files under way at once from one host.
    pub per_host: usize,
    /// Until there is a connection.
    pub connect: Duration,
    /// Over such a span of a connection the rate must not be lower than `rate`; nor must the head of
    /// an answer take longer.
    pub window: Duration,
    /// Bytes a second. A mirror that is slower is left for the next one.
    pub rate: u64,
    /// Until the last byte of one call.
    pub overall: Duration,
    /// Sizes where no signed size is known.
    pub caps: Caps,
    /// What stands between us and the mirrors. Nothing is read from the environment here.
    pub proxy: Proxy,
}

/// Bytes, at most, of files whose size nobody signed for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caps {
    /// A file with a digest.
    pub file: u64,
    /// A detached signature.
    pub signature: u64,
    /// A document; what a request asks for is never more than this.
    pub document: u64,
}

/// The proxies to go through.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Proxy {
    /// URL of the proxy for `http` mirrors, as in `http_proxy`.
    pub http: Option<String>,
    /// URL of the proxy for `https` mirrors, as in `https_proxy`.
    pub https: Option<String>,
    /// Hosts that are asked directly, as in `no_proxy`: names, domains and networks with commas.
    pub except: Option<String>,
}

impl Proxy {
    pub(crate) fn is_any(&self) -> bool {
        self.http.is_some() || self.https.is_some()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections: 8,
            per_host: 6,
            connect: Duration::from_secs(10),
            window: Duration::from_secs(20),
            rate: 1024,
            overall: Duration::from_hours(6),
            caps: Caps::default(),
            proxy: Proxy::default(),
        }
    }
}

impl Default for Caps {
    fn default() -> Self {
        Self { file: 4 << 30, signature: 64 << 10, document: 256 << 20 }
    }
}
