//! How long a plan takes: printed, not judged.

use std::time::{Duration, Instant};

use omg_engine::Planner;

use crate::crafted::install;
use crate::{era, oracle};

/// Runs of each.
const RUNS: usize = 30;

/// Median of some runs.
fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[RUNS / 2]
}

/// `cargo test --release -p omg-engine-alpm --test it -- --ignored --nocapture time`
#[test]
#[ignore = "a measurement"]
fn time_of_a_warm_plan() {
    let Some(era) = era::of_2022() else { return };
    let root = era.root(4, "");
    for at in era.closure(&(0..era.packages.len()).step_by(29).collect::<Vec<_>>()) {
        let entry = &era.packages[at].1;
        if !["python-numpy", "blas", "lapack", "cblas", "python"].contains(&entry.name.as_str()) {
            root.install(entry, true);
        }
    }
    let empty = era.root(4, "");
    for (what, root) in [("nothing", &empty), ("a whole system", &root)] {
        let change = install(&["python-numpy"]);
        let start = Instant::now();
        let mut planner = root.planner();
        let opened = start.elapsed();
        let Ok(plan) = planner.plan(&change) else { panic!("{:?}", planner.plan(&change)) };
        let ours = median(|| drop(planner.plan(&change).unwrap()));
        let theirs = median(|| drop(oracle::printed(root, &change).unwrap()));
        let installed = std::fs::read_dir(root.database().join("local")).unwrap().count() - 1;
        println!(
            "{what} installed ({installed} packages), {} changes: {ours:?} warm, {opened:?} to open, pacman -Sp {theirs:?}",
            plan.changes.len()
        );
    }
}
