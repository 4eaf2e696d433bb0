//! How long the dump takes to read: `dump_speed FILE [COPIES]`, with every package copied under new
//! names that often.
#![expect(clippy::print_stdout, reason = "it is what it is for")]

use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::time::Instant;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use omg_core::{Available, Fault, Repository, RepositoryId, Sink};

#[derive(Default)]
struct Count {
    packages: usize,
    bytes: usize,
    warnings: usize,
}

impl Sink for Count {
    fn repository(&mut self, _: &Repository) -> Result<RepositoryId, Fault> {
        Ok(RepositoryId(0))
    }

    fn package(&mut self, package: &Available<'_>) -> Result<(), Fault> {
        self.packages += 1;
        self.bytes += package.versions.iter().map(|offer| offer.record.len()).sum::<usize>();
        Ok(())
    }

    fn warning(&mut self, _: String) {
        self.warnings += 1;
    }
}

fn copies(path: &str, copies: usize) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut text = String::new();
    GzDecoder::new(File::open(path)?).read_to_string(&mut text)?;
    let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    for copy in 0..copies {
        encoder.write_all(if copy == 0 { b"[" } else { b"," })?;
        encoder.write_all(
            inner.replace("\"Name\": \"", &format!("\"Name\": \"x{copy}-")).as_bytes(),
        )?;
    }
    encoder.write_all(b"]")?;
    Ok(encoder.finish()?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: dump_speed FILE [COPIES]")?;
    let times = arguments.next().map_or(Ok(1), |times| times.parse())?;
    let packed = if times == 1 { fs::read(&path)? } else { copies(&path, times)? };
    for _ in 0..5 {
        let mut count = Count::default();
        let start = Instant::now();
        omg_aur::dump::emit(BufReader::new(&*packed), &path, "https://aur/", &mut count)
            .map_err(|fault| fault.to_string())?;
        println!(
            "{} packages, {} bytes of records, {} warnings: {:.1?}",
            count.packages,
            count.bytes,
            count.warnings,
            start.elapsed()
        );
    }
    Ok(())
}
