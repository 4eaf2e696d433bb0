//! Row 28: what is left of downloads that failed.

use std::time::{Duration, Instant};

use omg_fetch::testing::Fault;

use crate::child::{alone, is_alone};
use crate::support::{World, noise, wanted};

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn resident_kib() -> u64 {
    status_kib("VmRSS:")
}

fn status_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn row_28_bad_downloads_leave_nothing_open() {
    if !is_alone() {
        alone("ends::row_28_bad_downloads_leave_nothing_open", &[], &[]);
        return;
    }
    let rounds = std::env::var("OMG_TEST_BAD_DOWNLOADS").ok().and_then(|it| it.parse().ok());
    let rounds = rounds.unwrap_or(1000_usize).div_ceil(200);
    let world = World::new();
    for (part, fault) in [
        ("-0", Fault::Flipped),
        ("-1", Fault::Cut(100)),
        ("-2", Fault::Short(10)),
        ("-3", Fault::EndlessChunks(1 << 20)),
        ("-4", Fault::Redirect(b"/x%0a".to_vec())),
        ("-5", Fault::Length("1001".into())),
        ("-6", Fault::Status(500)),
        ("-7", Fault::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n".to_vec())),
        ("-8", Fault::Moved("http://169.254.169.254".into())),
        ("-9", Fault::Body(noise("other", 1000))),
    ] {
        world.mirror.fault(part, fault);
    }
    let bad = || -> Vec<_> {
        let file = |at| {
            let name = format!("{at}-{}", at % 10);
            world.put(&name, &noise(&name, 1000));
            wanted(&name, &noise(&name, 1000), &[world.mirror.url(&name)])
        };
        (0..200).map(file).collect()
    };
    let mut before = None;
    for _ in 0..=rounds {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let fetcher = world.fetcher();
        let results = runtime.block_on(world.fetch_with(&fetcher, bad()));
        assert!(results.iter().all(Result::is_err));
        drop((fetcher, runtime));
        // What was cut off must not get on from round to round.
        world.store.clear().unwrap();
        world.mirror.forget();
        world.notes.lock().unwrap().clear();
        world.events.lock().unwrap().clear();
        let began = Instant::now();
        while world.mirror.open() > 0 && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(5));
        }
        // The first round fills what is filled once.
        before.get_or_insert_with(|| (open_files(), resident_kib()));
    }
    let (files, kib) = before.unwrap();
    assert_eq!(open_files(), files);
    assert!(resident_kib() < kib + 8192, "{} KiB from {kib} KiB", resident_kib());
}

#[test]
fn row_03_endless_data_takes_no_memory() {
    if !is_alone() {
        alone("ends::row_03_endless_data_takes_no_memory", &[], &[]);
        return;
    }
    let world = World::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let file = world.file("a", 1000);
    runtime.block_on(world.one(file)).unwrap();
    let before = status_kib("VmHWM:");
    world.mirror.fault("", Fault::EndlessChunks(1 << 40));
    for at in 0..5 {
        let name = format!("f{at}");
        let mut file = world.file(&name, 1000);
        file.size = Some(20 << 20);
        assert!(runtime.block_on(world.one(file.clone())).is_err());
        file.size = None;
        assert!(runtime.block_on(world.fetch_with(&small(&world), vec![file]))[0].is_err());
    }
    let peak = status_kib("VmHWM:");
    assert!(peak < before + (16 << 10), "{peak} KiB from {before} KiB");
}

fn small(world: &World) -> omg_fetch::Fetcher {
    let mut options = crate::support::options();
    options.caps.file = 10 << 20;
    world.fetcher_with(options)
}
