//! Records, mtrees and relations of Arch: never a panic, and a version order that can be turned round.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omg_backend_alpm::relation::Relation;
use omg_backend_alpm::{details, mtree, version};

fuzz_target!(|bytes: &[u8]| {
    let _mtree = mtree::parse(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = details::read(text);
    for item in read.depends.iter().chain(&read.provides).chain(&read.suggests) {
        let relation = Relation::parse(item);
        let _fits = relation.satisfied_by(read.name, read.version, read.provides.iter().copied());
    }
    let (a, b) = text.split_at(text.floor_char_boundary(text.len() / 2));
    assert_eq!(version::compare(a, b), version::compare(b, a).reverse());
});
