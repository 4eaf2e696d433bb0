//! Questions to mirrors: connections, redirects, heads. What the other side decides has a limit.

mod resolver;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, LOCATION, RANGE,
};
use reqwest::{Client, NoProxy, Proxy, Response, StatusCode, redirect};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::time::{Instant, timeout_at};

use crate::address::{Address, MOST_REDIRECTS, Reach};
use crate::pace::Pace;
use crate::range::{ContentRange, is_strong};
use crate::{Conditional, Error, Options};
use resolver::{Refused, Resolver};

/// Bytes of an ETag or date that are kept.
const MOST_VALIDATOR_BYTES: usize = 1024;

/// A connection that nobody uses is closed after this.
const IDLE: Duration = Duration::from_secs(15);

/// Asks mirrors.
pub(crate) struct Http {
    /// For the URLs that we were given.
    given: Client,
    /// For URLs that a public host sent us to: names that lead inward have no address here.
    outward: Client,
    options: Options,
    /// Why there is no TLS here; mirrors with `http` and `file` can be used all the same.
    no_tls: Option<String>,
}

/// What is asked of a URL beyond its whole content.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Question<'a> {
    /// Only what follows these bytes.
    pub(crate) from: u64,
    /// But all of it, if it is no longer this version.
    pub(crate) if_range: Option<&'a str>,
    /// Nothing, if it is still this version.
    pub(crate) unless: Option<&'a Conditional>,
}

/// The head of an answer with status 200, 206 or 304, and the way to its body.
pub(crate) struct Answer {
    response: Response,
    pace: Pace,
    /// Who answers, after redirects.
    pub(crate) url: Address,
    pub(crate) status: StatusCode,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
}

// === impl Http ===

impl Http {
    pub(crate) fn new(options: &Options) -> Result<Self, Error> {
        let (tls, no_tls) = match tls() {
            Ok(tls) => (tls, None),
            Err(error) => (trusting_nobody()?, Some(error.to_string())),
        };
        Ok(Self {
            given: client(options, tls.clone(), false)?,
            outward: client(options, tls, true)?,
            options: options.clone(),
            no_tls,
        })
    }

    /// Asks, and follows redirects. The deadline holds for the body too.
    pub(crate) async fn ask(
        &self,
        address: &Address,
        question: Question<'_>,
        deadline: Instant,
    ) -> Result<Answer, Error> {
        let pace = Pace::new(&self.options, deadline);
        let mut url = address.clone();
        let mut outward = false;
        for _ in 0..=MOST_REDIRECTS {
            let client = if outward { &self.outward } else { &self.given };
            let response = self.send(client, &url, question, &pace).await?;
            let status = response.status();
            match status {
                StatusCode::OK => {}
                StatusCode::PARTIAL_CONTENT if question.from > 0 => {}
                StatusCode::NOT_MODIFIED if question.unless.is_some() => {}
                _ if matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) => {
                    let by = self.answered_by(&response);
                    let Some(location) = response.headers().get(LOCATION) else {
                        let reason = "a redirect that leads nowhere";
                        return Err(Error::Nonsense { url: url.to_string(), reason });
                    };
                    url = url.redirected(location.as_bytes(), by)?;
                    outward |= by == Reach::Public;
                    continue;
                }
                _ => return Err(Error::Status { url: url.to_string(), status: status.as_u16() }),
            }
            return Ok(Answer::new(response, url, pace));
        }
        Err(Error::Redirect {
            url: address.to_string(),
            target: url.to_string(),
            reason: "there are more than five",
        })
    }

    /// From where the machine that answered can be reached. With a proxy that is not known, and taken
    /// to be everywhere.
    fn answered_by(&self, response: &Response) -> Reach {
        let address = response.remote_addr().filter(|_| !self.options.proxy.is_any());
        address.map_or(Reach::Public, |address| Reach::of(address.ip()))
    }

    async fn send(
        &self,
        client: &Client,
        url: &Address,
        question: Question<'_>,
        pace: &Pace,
    ) -> Result<Response, Error> {
        if let Some(reason) = self.no_tls.as_ref().filter(|_| url.url().scheme() == "https") {
            let what = "the platform's trust store";
            return Err(Error::Setting { what, reason: reason.clone() });
        }
        // A file is taken as it is: an encoding on the way would change its digest.
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let mut put = |name: HeaderName, value: Option<&str>| {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        };
        if question.from > 0 {
            put(RANGE, Some(&format!("bytes={}-", question.from)));
            put(IF_RANGE, question.if_range);
        }
        if let Some(unless) = question.unless {
            put(IF_NONE_MATCH, unless.etag.as_deref());
            put(IF_MODIFIED_SINCE, unless.last_modified.as_deref());
        }
        let sending = client.get(url.url().clone()).headers(headers).send();
        match timeout_at(pace.head_until(), sending).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_timeout() => {
                let seconds = self.options.connect.as_secs_f32();
                let reason = format!("no connection within {seconds} s");
                Err(Error::Slow { url: url.to_string(), reason })
            }
            Ok(Err(source)) => Err(unreachable(url, "asking", source)),
            Err(_) => {
                let reason = "no answer in time".into();
                Err(Error::Slow { url: url.to_string(), reason })
            }
        }
    }
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("options", &self.options).finish_non_exhaustive()
    }
}

// === impl Answer ===

impl Answer {
    fn new(response: Response, url: Address, pace: Pace) -> Self {
        let header = |name: HeaderName| {
            let value = response.headers().get(name)?.to_str().ok()?;
            (value.len() <= MOST_VALIDATOR_BYTES).then(|| value.to_owned())
        };
        let (etag, last_modified) = (header(ETAG), header(LAST_MODIFIED));
        Self { status: response.status(), response, pace, url, etag, last_modified }
    }

    /// What names exactly these bytes at this URL.
    pub(crate) fn strong(&self) -> Option<&str> {
        self.etag.as_deref().filter(|etag| is_strong(etag))
    }

    /// What names these bytes at this URL as far as the server can tell: a strong ETag, or a date,
    /// in whose second the file may have changed twice.
    pub(crate) fn validator(&self) -> Option<&str> {
        self.strong().or(self.last_modified.as_deref())
    }

    /// Bytes of the body that are announced.
    pub(crate) fn announced(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// Is this the part of a file behind these bytes? `size` is that of the whole file, where it is
    /// known.
    pub(crate) fn check_range(&self, from: u64, size: Option<u64>) -> Result<(), Error> {
        let nonsense = |reason| Err(Error::Nonsense { url: self.url.to_string(), reason });
        let range = self.response.headers().get(CONTENT_RANGE);
        let range = range.and_then(|it| it.to_str().ok()).and_then(ContentRange::parse);
        let Some(range) = range else { return nonsense("a part, but not which") };
        if range.first != from {
            return nonsense("another part than was asked for");
        }
        if let (Some(wanted), Some(given)) = (size, range.size)
            && wanted != given
        {
            return nonsense("a part of a file of another size");
        }
        if self.announced().is_some_and(|length| range.last - range.first + 1 != length) {
            return nonsense("a part that is not as long as it says");
        }
        Ok(())
    }

    /// The next bytes; `None` at the end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let chunk = match timeout_at(self.pace.until(), self.response.chunk()).await {
                Ok(Ok(chunk)) => Some(chunk),
                Ok(Err(source)) => return Err(unreachable(&self.url, "reading", source)),
                Err(_) => None,
            };
            match chunk {
                Some(None) => return Ok(None),
                Some(Some(bytes)) => {
                    self.pace.came(bytes.len());
                    self.pace.check(Instant::now(), &self.url)?;
                    return Ok(Some(bytes));
                }
                None => self.pace.check(Instant::now(), &self.url)?,
            }
        }
    }
}

fn unreachable(url: &Address, context: &'static str, source: reqwest::Error) -> Error {
    // What the resolver refused comes back as one of many causes.
    let mut cause = std::error::Error::source(&source);
    while let Some(error) = cause {
        let refused = error.downcast_ref::<io::Error>().and_then(Refused::of);
        if let Some(reason) = refused {
            return Error::Address { url: url.to_string(), reason };
        }
        cause = error.source();
    }
    Error::Unreachable { url: url.to_string(), context, source: source.without_url() }
}

fn setting(what: &'static str) -> impl Fn(&dyn std::error::Error) -> Error {
    move |error| Error::Setting { what, reason: error.to_string() }
}

fn client(options: &Options, tls: ClientConfig, outward: bool) -> Result<Client, Error> {
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("omg/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(options.connect)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(options.per_host);
    let failed = setting("the proxy");
    let except = options.proxy.except.as_deref().and_then(NoProxy::from_string);
    for (url, secure) in [(&options.proxy.http, false), (&options.proxy.https, true)] {
        if let Some(url) = url {
            let proxy = if secure { Proxy::https(url) } else { Proxy::http(url) };
            let proxy = proxy.map_err(|error| failed(&error))?;
            builder = builder.proxy(proxy.no_proxy(except.clone()));
        }
    }
    // Where a proxy resolves the names of mirrors, the only name that we resolve is its own.
    let outward = outward && !options.proxy.is_any();
    builder = builder.dns_resolver(Arc::new(Resolver { outward }));
    builder.build().map_err(|error| setting("the HTTP client")(&error))
}

fn tls_builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

fn trusting_nobody() -> Result<ClientConfig, Error> {
    let builder = tls_builder().map_err(|error| setting("TLS")(&error))?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// The platform's trust store, HTTP/2 where the server has it.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let mut config = tls_builder()?.with_platform_verifier()?.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
