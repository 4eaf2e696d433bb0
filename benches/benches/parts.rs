//! Criterion times of the parts that the figures are made of.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use omg_proto::{Query, Request};

fn codec(c: &mut Criterion) {
    let request = Request::One(Query::Search { query: "vim", limit: Some(20) });
    let bytes = request.encode();
    c.bench_function("request encode", |b| b.iter(|| request.encode()));
    c.bench_function("request decode, borrowed", |b| b.iter(|| Request::decode(&bytes)));
}

fn status(c: &mut Criterion) {
    let Ok(text) = std::fs::read_to_string("/var/lib/dpkg/status") else { return };
    let mut group = c.benchmark_group("dpkg status");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("scan", |b| b.iter(|| omg_backend_dpkg::deb822::scan(&text).count()));
    group.bench_function("index", |b| b.iter(|| omg_backend_dpkg::status::rows(&text)));
    group.bench_function("memchr newline count", |b| {
        b.iter(|| memchr::memchr_iter(b'\n', text.as_bytes()).count());
    });
    group.finish();
}

fn versions(c: &mut Criterion) {
    c.bench_function("version compare", |b| {
        b.iter(|| {
            omg_backend_dpkg::version::compare("2:9.0.1378-2+deb12u2", "2:9.0.1378-2+deb12u10")
        });
    });
}

criterion_group!(parts, codec, status, versions);
criterion_main!(parts);
