//! What verifying a file costs, beside hashing it: `cargo run --release -p omg-verify --example speed FILE SIGNATURE KEYRING`.
#![expect(clippy::print_stdout, reason = "it prints its measurements")]

use std::error::Error;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use omg_verify::digest::{self, Also, Expected};
use omg_verify::openpgp::{CryptoPolicy, Demand, Keyring};
use omg_verify::{Proof, Verified};
use sequoia_openpgp::types::HashAlgorithm;

const RUNS: usize = 7;

fn best(
    name: &str,
    mut run: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let begun = Instant::now();
        run()?;
        times.push(begun.elapsed());
    }
    times.sort();
    let ms = |it: Option<&Duration>| it.map_or(0.0, |it| it.as_secs_f64() * 1000.0);
    println!(
        "{name:40} best {:7.1} ms, median {:7.1} ms",
        ms(times.first()),
        ms(times.get(RUNS / 2))
    );
    Ok(())
}

fn discard<T>(result: Result<T, omg_verify::Error>) -> Result<(), Box<dyn Error>> {
    result.map(|_| ()).map_err(Into::into)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, signature, keyring] = arguments.as_slice() else {
        return Err("usage: speed FILE SIGNATURE KEYRING".into());
    };
    let file = File::open(path)?;
    let signature = fs::read(signature)?;
    let keyring = Keyring::read(Path::new(keyring))?;
    let whole = fs::read(path)?;
    best("ring SHA-256 of memory", || {
        std::hint::black_box(ring::digest::digest(&ring::digest::SHA256, &whole));
        Ok(())
    })?;
    best("ring SHA-512 of memory", || {
        std::hint::black_box(ring::digest::digest(&ring::digest::SHA512, &whole));
        Ok(())
    })?;
    best("OpenSSL SHA-512 of memory", || {
        let mut context = HashAlgorithm::SHA512.context()?.for_digest();
        context.update(&whole);
        std::hint::black_box(context.into_digest()?);
        Ok(())
    })?;
    best("blake3 of memory", || {
        std::hint::black_box(blake3::hash(&whole));
        Ok(())
    })?;
    drop(whole);
    best("file: SHA-256", || discard(digest::file(&file, Also::default(), None)))?;
    let sha512 = Also { sha512: true, blake3: false };
    best("file: SHA-256, SHA-512", || discard(digest::file(&file, sha512, None)))?;
    let all = Also { sha512: true, blake3: true };
    best("file: SHA-256, SHA-512, BLAKE3", || discard(digest::file(&file, all, None)))?;
    let digests = digest::file(&file, all, None)?;
    let expected =
        Expected { sha256: Some(digests.sha256), sha512: None, size: Some(digests.size) };
    let policy = CryptoPolicy::now();
    let proof = Proof::OpenPgp {
        signature: &signature,
        keyring: &keyring,
        policy,
        demand: Demand::default(),
    };
    best("file: digest and signature", || {
        Verified::file(file.try_clone()?, &expected, proof)?;
        Ok(())
    })?;
    best("reader: signature alone", || {
        omg_verify::openpgp::detached(
            File::open(path)?,
            &signature,
            &keyring,
            &policy,
            Demand::default(),
        )?;
        Ok(())
    })
}
