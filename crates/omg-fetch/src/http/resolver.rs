//! Names of hosts, without the addresses where no mirror is.

use std::io;
use std::net::SocketAddr;

use omg_failpoint::weak;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::{INWARD, LINK, Reach};

/// Asks the system for the addresses of a name.
#[derive(Debug)]
pub(super) struct Resolver {
    /// Only public addresses count.
    pub(super) outward: bool,
}

/// A name that has addresses, but none that may be asked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(&'static str);

impl Refused {
    /// The reason, if that is what this error is about.
    pub(super) fn of(error: &io::Error) -> Option<&'static str> {
        Some(error.get_ref()?.downcast_ref::<Self>()?.0)
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let outward = self.outward;
        Box::pin(async move {
            let mut addresses: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let mut refused = None;
            addresses.retain(|address| match Reach::of(address.ip()) {
                _ if weak!("20") => true,
                Reach::Link => {
                    refused = Some(LINK);
                    false
                }
                Reach::Private if outward => {
                    refused = Some(INWARD);
                    false
                }
                _ => true,
            });
            match refused {
                Some(reason) if addresses.is_empty() => {
                    Err(io::Error::new(io::ErrorKind::PermissionDenied, Refused(reason)).into())
                }
                _ => Ok(Box::new(addresses.into_iter()) as Addrs),
            }
        })
    }
}
