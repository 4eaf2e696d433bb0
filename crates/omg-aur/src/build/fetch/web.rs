//! Files from web servers.

use std::fs::File;
use std::io::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use omg_core::{Code, Fault, escape};
use reqwest::{Client, Response, Url, redirect};
use tokio::runtime::Handle;

use super::Downloader;
use crate::Error;

/// Redirects that are followed; forges and their mirrors need two or three.
const MOST_REDIRECTS: usize = 8;
/// Until there is a connection, and then between bytes.
const PATIENCE: Duration = Duration::from_secs(30);
/// For one file.
const DEADLINE: Duration = Duration::from_hours(2);

/// Gets sources over https, and http where the recipe pins them.
#[derive(Debug)]
pub struct Web {
    client: Client,
    runtime: Handle,
    local: bool,
}

impl Web {
    /// A client that does its waiting on this runtime. It is called from other threads than the runtime's.
    ///
    /// # Errors
    /// If the system's certificates can't be read.
    pub fn new(runtime: Handle) -> Result<Self, Error> {
        Self::with(runtime, false)
    }

    /// The same for tests: addresses on this machine may be asked.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn local(runtime: Handle) -> Result<Self, Error> {
        Self::with(runtime, true)
    }

    fn with(runtime: Handle, local: bool) -> Result<Self, Error> {
        let failed = |reason: String| Error::Address { address: "of sources".into(), reason };
        let tls = crate::http::tls(!local).map_err(|error| failed(error.to_string()))?;
        let policy = redirect::Policy::custom(move |attempt| {
            let from_tls = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
            if attempt.previous().len() > MOST_REDIRECTS {
                attempt.error("too many redirects")
            } else if from_tls && attempt.url().scheme() != "https" {
                attempt.error("a redirect away from TLS")
            } else if let Err(reason) = allowed(attempt.url(), local) {
                attempt.error(reason)
            } else {
                attempt.follow()
            }
        });
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("omg/", env!("CARGO_PKG_VERSION")))
            .redirect(policy)
            .referer(false)
            .connect_timeout(PATIENCE)
            .read_timeout(PATIENCE)
            .timeout(DEADLINE)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { client, runtime, local })
    }

    async fn get(
        &self,
        url: Url,
        into: &mut File,
        limit: u64,
        heard: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), Fault> {
        let sent = self.client.get(url).send().await.and_then(Response::error_for_status);
        let mut response = sent.map_err(|error| network(&error))?;
        let total = response.content_length();
        let too_large = || Fault::new(Code::Limit, format!("it is larger than {limit} bytes"));
        if total.is_some_and(|total| total > limit) {
            return Err(too_large());
        }
        let mut done: u64 = 0;
        while let Some(chunk) = response.chunk().await.map_err(|error| network(&error))? {
            done += chunk.len() as u64;
            if done > limit {
                return Err(too_large());
            }
            into.write_all(&chunk)
                .map_err(|error| Fault::caused_by(Code::Unwritable, "it can't be kept", &error))?;
            heard(done, total);
        }
        Ok(())
    }
}

impl Downloader for Web {
    fn download(
        &self,
        url: &str,
        into: &mut File,
        limit: u64,
        heard: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), Fault> {
        let parsed = Url::parse(url)
            .map_err(|error| Fault::caused_by(Code::Usage, "this is no address", &error))?;
        allowed(&parsed, self.local).map_err(|reason| Fault::new(Code::Network, reason))?;
        self.runtime.block_on(self.get(parsed, into, limit, heard))
    }
}

fn network(error: &reqwest::Error) -> Fault {
    let mut said = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        said = format!("{said}: {cause}");
        next = cause.source();
    }
    Fault::new(Code::Network, escape(&said).to_string())
}

/// Addresses that name a machine of this network by its number lead where the recipe has no business.
fn allowed(url: &Url, local: bool) -> Result<(), &'static str> {
    if !matches!(url.scheme(), "https" | "http") {
        return Err("only https and http are followed");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address with a user in it");
    }
    let host = url.host_str().unwrap_or_default();
    let number: Result<IpAddr, _> = host.trim_matches(['[', ']']).parse();
    let inside = match number {
        Ok(IpAddr::V4(it)) => {
            it.is_private() || it.is_loopback() || it.is_link_local() || it.is_unspecified()
        }
        Ok(IpAddr::V6(it)) => {
            it.is_loopback()
                || it.is_unspecified()
                || it.is_unique_local()
                || it.is_unicast_link_local()
                || it.to_ipv4_mapped().is_some()
        }
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    };
    if inside && !local {
        return Err("an address inside this network");
    }
    Ok(())
}
