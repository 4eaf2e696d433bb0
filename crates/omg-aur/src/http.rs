//! Requests to one AUR, with a limit for everything that the other side decides.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, LOCATION, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::time::{Instant, timeout_at};

use crate::address::{Address, redirected};
use crate::backoff::{Backoff, Clock};
use crate::error::Error;

/// Redirects that are followed, at most.
pub(crate) const MOST_REDIRECTS: usize = 3;

/// What the other side may take of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Until there is a connection.
    pub connect: Duration,
    /// Until the last byte of an answer of the RPC.
    pub answer: Duration,
    /// Until the last byte of the dump.
    pub dump: Duration,
    /// Within such a span of the connection an answer has to begin; then in each such span some
    /// bytes have to come:
    pub window: Duration,
    /// this many.
    pub window_bytes: u64,
    /// Bytes of an answer of the RPC.
    pub answer_bytes: u64,
    /// Bytes of the dump as it is fetched.
    pub dump_bytes: u64,
    /// Bytes of the dump unpacked.
    pub unpacked_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(30),
            dump: Duration::from_mins(5),
            window: Duration::from_secs(10),
            window_bytes: 16 << 10,
            answer_bytes: 16 << 20,
            dump_bytes: crate::dump::MOST_PACKED_BYTES,
            unpacked_bytes: crate::dump::MOST_UNPACKED_BYTES,
        }
    }
}

/// A client of one AUR.
pub(crate) struct Http {
    client: Client,
    pub(crate) address: Address,
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    backoff: Backoff,
}

/// An answer that is on its way.
pub(crate) struct Body {
    response: Response,
    address: String,
    limits: Limits,
    most_bytes: u64,
    deadline: Instant,
    bytes: u64,
    window_ends: Instant,
    window_bytes: u64,
}

/// What there was to fetch.
pub(crate) enum Fetched {
    /// What the given tag names is the newest.
    Unchanged,
    /// Bytes, and their tag.
    New(Box<Body>, Option<String>),
}

// === impl Http ===

impl Http {
    pub(crate) fn new(address: Address, limits: Limits, clock: Clock) -> Result<Self, Error> {
        let failed = |reason: String| Error::Address { address: address.as_str().into(), reason };
        let tls = tls(address.is_secure()).map_err(|error| failed(error.to_string()))?;
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("omg/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .https_only(address.is_secure())
            .referer(false)
            .connect_timeout(limits.connect);
        if !address.is_secure() {
            // This machine is not reached through another.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| failed(error.to_string()))?;
        Ok(Self { client, address, limits, clock, backoff: Backoff::default() })
    }

    pub(crate) fn now(&self) -> u64 {
        (self.clock)()
    }

    /// A whole answer of the RPC.
    pub(crate) async fn answer(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.backoff.ready(self.now())?;
        let result = self.fetch_answer(path).await;
        self.backoff.note(&result, self.now());
        result
    }

    async fn fetch_answer(&self, path: &str) -> Result<Vec<u8>, Error> {
        let deadline = Instant::now() + self.limits.answer;
        let fetched = self.get(path, None, deadline, self.limits.answer_bytes).await?;
        let Fetched::New(mut body, _) = fetched else {
            return Err(Error::Malformed {
                what: format!("{}{path}", self.address.as_str()),
                line: 0,
                reason: "'not modified' without having been asked".into(),
            });
        };
        let mut bytes = Vec::new();
        while let Some(chunk) = body.chunk().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// A file, unless it is still the one of the given tag. [`Http::settle`] ends what this begins.
    pub(crate) async fn file(&self, path: &str, tag: Option<&str>) -> Result<Fetched, Error> {
        self.backoff.ready(self.now())?;
        let deadline = Instant::now() + self.limits.dump;
        self.get(path, tag, deadline, self.limits.dump_bytes).await
    }

    /// Notes how the fetch of a file ended.
    pub(crate) fn settle<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if !matches!(result, Err(Error::Waiting { .. })) {
            self.backoff.note(&result, self.now());
        }
        result
    }

    async fn get(
        &self,
        path: &str,
        tag: Option<&str>,
        deadline: Instant,
        most_bytes: u64,
    ) -> Result<Fetched, Error> {
        let mut url = self.address.join(path)?;
        for _ in 0..=MOST_REDIRECTS {
            let response = self.send(&url, tag, deadline).await?;
            let status = response.status();
            match status {
                StatusCode::OK => {
                    let tag = header(response.headers(), &ETAG);
                    let body = Body::new(response, &url, self.limits, deadline, most_bytes)?;
                    return Ok(Fetched::New(Box::new(body), tag));
                }
                StatusCode::NOT_MODIFIED if tag.is_some() => return Ok(Fetched::Unchanged),
                _ => {}
            }
            let location = header(response.headers(), &LOCATION);
            match location.filter(|_| matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)) {
                Some(location) => url = redirected(&url, &location)?,
                None => {
                    return Err(Error::Status {
                        address: url.to_string(),
                        status: status.as_u16(),
                        retry_after: header(response.headers(), &RETRY_AFTER)
                            .and_then(|seconds| seconds.trim().parse().ok()),
                    });
                }
            }
        }
        Err(Error::Redirect {
            address: self.address.as_str().into(),
            target: url.to_string(),
            reason: "there are more than three",
        })
    }

    async fn send(
        &self,
        url: &Url,
        tag: Option<&str>,
        deadline: Instant,
    ) -> Result<Response, Error> {
        let mut request = self.client.get(url.clone());
        if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(tag).ok()) {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let patience = self.limits.connect + self.limits.window;
        let until = deadline.min(Instant::now() + patience);
        match timeout_at(until, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_timeout() => Err(Error::Slow {
                address: url.to_string(),
                reason: format!("no connection within {} s", seconds(self.limits.connect)),
            }),
            Ok(Err(source)) => Err(unreachable(url.as_str(), "asking", source)),
            Err(_) => Err(Error::Slow {
                address: url.to_string(),
                reason: if until < deadline {
                    format!("no answer within {} s", seconds(patience))
                } else {
                    "no answer before the deadline".into()
                },
            }),
        }
    }
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("address", &self.address).finish_non_exhaustive()
    }
}

// === impl Body ===

impl Body {
    fn new(
        response: Response,
        url: &Url,
        limits: Limits,
        deadline: Instant,
        most_bytes: u64,
    ) -> Result<Self, Error> {
        let body = Self {
            address: url.to_string(),
            limits,
            most_bytes,
            deadline,
            bytes: 0,
            window_ends: Instant::now() + limits.window,
            window_bytes: 0,
            response,
        };
        match body.response.content_length() {
            Some(length) if length > most_bytes => Err(body.too_large()),
            _ => Ok(body),
        }
    }

    /// The next bytes; `None` at the end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let until = self.window_ends.min(self.deadline);
            let chunk = match timeout_at(until, self.response.chunk()).await {
                Ok(Ok(chunk)) => Some(chunk),
                Ok(Err(source)) => return Err(unreachable(&self.address, "reading", source)),
                Err(_) => None,
            };
            if let Some(Some(bytes)) = &chunk {
                self.bytes += bytes.len() as u64;
                self.window_bytes += bytes.len() as u64;
                if self.bytes > self.most_bytes {
                    return Err(self.too_large());
                }
            }
            if chunk != Some(None) {
                self.check_pace(Instant::now())?;
            }
            if let Some(chunk) = chunk {
                return Ok(chunk);
            }
        }
    }

    fn check_pace(&mut self, now: Instant) -> Result<(), Error> {
        let slow = |reason| Error::Slow { address: self.address.clone(), reason };
        if now >= self.deadline {
            return Err(slow("the deadline passed before the last byte".into()));
        }
        if now >= self.window_ends {
            if self.window_bytes < self.limits.window_bytes {
                let (wanted, span) = (self.limits.window_bytes, seconds(self.limits.window));
                return Err(slow(format!("less than {wanted} bytes in {span} s")));
            }
            self.window_ends = now + self.limits.window;
            self.window_bytes = 0;
        }
        Ok(())
    }

    fn too_large(&self) -> Error {
        Error::TooLarge {
            what: format!("the answer of {}", self.address),
            limit: self.most_bytes,
            unit: "bytes",
        }
    }
}

fn seconds(span: Duration) -> f32 {
    span.as_secs_f32()
}

fn unreachable(address: &str, context: &'static str, source: reqwest::Error) -> Error {
    Error::Unreachable { address: address.into(), context, source: source.without_url() }
}

/// A header of ours to read, if it is plain text and of a sane size.
fn header(headers: &HeaderMap, name: &reqwest::header::HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// The platform's trust store where there is TLS; without it, nothing is trusted.
pub(crate) fn tls(secure: bool) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = if secure {
        builder.with_platform_verifier()?.with_no_client_auth()
    } else {
        builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
