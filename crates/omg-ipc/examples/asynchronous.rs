//! Asks a running daemon several things at once over one connection.
//!
//! `cargo run -p omg-ipc --example asynchronous -- SOCKET PACKAGE…`
#![expect(clippy::print_stdout, reason = "an example shows its answer")]

use std::path::PathBuf;

use omg_ipc::Client;
use omg_proto::{Query, Reply, Request};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let socket = PathBuf::from(arguments.next().ok_or("usage: asynchronous SOCKET PACKAGE…")?);

    let client = Client::connect(&socket).await?;
    let calls: Vec<_> = arguments
        .map(|name| {
            let client = client.clone();
            let name = name.to_string_lossy().into_owned();
            tokio::spawn(
                async move { client.call(&Request::One(Query::Info { package: &name })).await },
            )
        })
        .collect();
    for call in calls {
        match call.await??.reply()? {
            Reply::Info(entries) => {
                for package in &entries {
                    println!("{} {}: {}", package.name, package.version, package.description);
                }
            }
            Reply::Fault(fault) => println!("{fault}"),
            other => println!("{other:?}"),
        }
    }
    Ok(())
}
