//! Asks a running daemon for packages, without an async runtime.
//!
//! `cargo run -p omg-ipc --example blocking -- SOCKET WORDS…`
#![expect(clippy::print_stdout, reason = "an example shows its answer")]

use std::path::PathBuf;

use omg_ipc::blocking::Client;
use omg_proto::{Query, Reply, Request};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let socket = PathBuf::from(arguments.next().ok_or("usage: blocking SOCKET WORDS…")?);
    let words: Vec<String> = arguments.map(|word| word.to_string_lossy().into_owned()).collect();

    let mut client = Client::connect(&socket)?;
    let answer =
        client.call(&Request::One(Query::Search { query: &words.join(" "), limit: Some(10) }))?;
    match answer.reply()? {
        Reply::Search(found) => {
            for package in found.packages() {
                println!("{} {}: {}", package.name, package.version, package.description);
            }
            println!("{} in all", found.total);
        }
        Reply::Fault(fault) => println!("{fault}"),
        other => println!("{other:?}"),
    }
    Ok(())
}
