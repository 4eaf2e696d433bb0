//! How long reading this machine's lists takes: `cargo run --release --example packages_speed`.
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::path::Path;
use std::time::Instant;

use omg_backend::PackageManager as _;
use omg_backend_dpkg::Dpkg;
use omg_core::{Available, Fault, Repository, RepositoryId, Sink};

/// Counts, and does nothing else.
#[derive(Default)]
struct Counts {
    repositories: u16,
    packages: usize,
    names: usize,
    warnings: usize,
}

impl Sink for Counts {
    fn repository(&mut self, _: &Repository) -> Result<RepositoryId, Fault> {
        self.repositories += 1;
        Ok(RepositoryId(self.repositories - 1))
    }

    fn package(&mut self, package: &Available<'_>) -> Result<(), Fault> {
        self.packages += 1;
        self.names += package.provides.len() + package.relations.len();
        Ok(())
    }

    fn warning(&mut self, _: String) {
        self.warnings += 1;
    }
}

/// Seconds that all threads of this process ran so far.
fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rounds: usize = std::env::args().nth(1).map_or(Ok(20), |text| text.parse())?;
    let dpkg = Dpkg::open(Path::new("/"))?;
    let (mut wall, mut busy) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let (start, before) = (Instant::now(), cpu());
        let counts = dpkg.packages(Counts::default()).await?;
        wall.push(start.elapsed().as_secs_f64() * 1000.0);
        busy.push((cpu() - before) * 1000.0);
        if round == 0 {
            println!(
                "{} packages, {} names, {} warnings; first {:.1} ms",
                counts.packages,
                counts.names,
                counts.warnings,
                wall.first().copied().unwrap_or_default()
            );
        }
    }
    wall.sort_by(f64::total_cmp);
    busy.sort_by(f64::total_cmp);
    for (what, times) in [("wall", wall), ("CPU", busy)] {
        let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
        println!("{what}: least {:.1} ms, median {:.1} ms", at(0), at(50));
    }
    Ok(())
}
