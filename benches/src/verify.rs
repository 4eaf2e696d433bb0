//! A large package: digest and signature, beside hashing it and beside gpgv and sqv.

use std::fs::{self, File};
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use omg_verify::digest::{Expected, Sha256};
use omg_verify::openpgp::{CryptoPolicy, Demand, Keyring};
use omg_verify::{Proof, Verified};

use crate::Outcome;
use crate::host::{done, has, timed};
use crate::keys::Keys;
use crate::report::Report;
use crate::sample::{Sample, show};

const SIZE: usize = 200_000_000;
const RUNS: usize = 9;

type Work<'a> = Box<dyn FnMut() -> Outcome + 'a>;

/// Runs every part.
pub(crate) fn run(report: &mut Report) -> Outcome {
    report.table(
        "Verifying a package of 200 MB: digest and signature",
        &["what", "measured", "goal", "reached"],
    );
    if !has(report, "gpg") {
        return Ok(());
    }
    let keys = Keys::new()?;
    let home = tempfile::tempdir()?;
    let path = home.path().join("package");
    fs::write(&path, noise())?;
    for (hash, algorithm) in [("SHA256", &ring::digest::SHA256), ("SHA512", &ring::digest::SHA512)]
    {
        signed_with(report, &keys, &path, hash, algorithm)?;
    }
    Ok(())
}

/// Bytes that can't be packed.
fn noise() -> Vec<u8> {
    let mut bytes = vec![0_u8; SIZE];
    for (at, chunk) in bytes.chunks_mut(8).enumerate() {
        let noise = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        chunk.copy_from_slice(noise.get(..chunk.len()).unwrap_or_default());
    }
    bytes
}

/// A signature over this hash. What signed metadata says of the package is its SHA-256 in any case.
fn signed_with(
    report: &mut Report,
    keys: &Keys,
    path: &Path,
    hash: &str,
    algorithm: &'static ring::digest::Algorithm,
) -> Outcome {
    let (signature_path, public) = (path.with_extension(hash), keys.public());
    keys.sign("--detach-sign", hash, path, &signature_path)?;
    let (signature, keyring) = (fs::read(&signature_path)?, Keyring::read(&public)?);
    let whole = fs::read(path)?;
    let expected = Expected::sha256(Sha256::of(&whole), Some(SIZE as u64));
    let proof = Proof::OpenPgp {
        signature: &signature,
        keyring: &keyring,
        policy: CryptoPolicy::now(),
        demand: Demand::default(),
    };
    let ring = "ring, bytes in memory";
    let openssl = format!("openssl dgst -{}", hash.to_lowercase());
    let verified = || -> Outcome {
        Verified::file(File::open(path)?, &expected, proof)?;
        Ok(())
    };
    let hashed = || -> Outcome {
        black_box(ring::digest::digest(algorithm, &whole));
        Ok(())
    };
    let mut works: Vec<(String, Work<'_>)> =
        vec![("omg".into(), Box::new(verified)), (ring.into(), Box::new(hashed))];
    if has(report, "openssl") {
        let digest = format!("-{}", hash.to_lowercase());
        works.push((
            openssl.clone(),
            Box::new(move || {
                done(Command::new("openssl").args(["dgst", &digest]).arg(path)).map(drop)
            }),
        ));
    }
    for tool in ["gpgv", "sqv"] {
        if has(report, tool) {
            let (signature, public) = (&signature_path, &public);
            works.push((
                tool.into(),
                Box::new(move || {
                    let mut command = Command::new(tool);
                    timed(command.arg("--keyring").arg(public).arg(signature).arg(path)).map(drop)
                }),
            ));
        }
    }
    let mut times = vec![Vec::new(); works.len()];
    for round in 0..=RUNS {
        for ((_, work), times) in works.iter_mut().zip(&mut times) {
            let start = Instant::now();
            work()?;
            if round > 0 {
                times.push(start.elapsed());
            }
        }
    }
    let names = works.into_iter().map(|(name, _)| name);
    let rows: Vec<(String, Duration)> =
        names.zip(times).map(|(name, times)| (name, Sample::new(times).median())).collect();
    compared(report, hash, &rows, &[ring, &openssl]);
    Ok(())
}

fn compared(report: &mut Report, hash: &str, rows: &[(String, Duration)], hashes: &[&str]) {
    let hashing = rows.iter().filter(|(name, _)| hashes.contains(&name.as_str()));
    let fastest = hashing.map(|(_, time)| *time).min().unwrap_or_default();
    for (name, time) in rows {
        let more = (time.as_secs_f64() / fastest.as_secs_f64() - 1.0) * 100.0;
        let ours = name == "omg";
        let what = match name.as_str() {
            "omg" => format!("OMG: SHA-256 of the file, and a signature over {hash}"),
            name if hashes.contains(&name) => format!("{hash} alone: {name}"),
            name => format!("the signature alone: {name}"),
        };
        let goal = if ours { "≤ fastest hash + 5 %" } else { "–" };
        report.figure(
            &what,
            &format!("{} ({more:+.1} %)", show(*time)),
            goal,
            !ours || more <= 5.0,
        );
    }
}
