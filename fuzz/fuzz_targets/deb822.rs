//! Status files and lists: never a panic, and every record lies inside the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omg_backend_dpkg::{deb822, relation, status, version};

fuzz_target!(|bytes: &[u8]| {
    let text = deb822::clean(bytes.to_vec());
    for row in status::rows(&text).rows {
        assert!(text.get(row.record.clone()).is_some());
    }
    for stanza in deb822::stanzas(&text).flatten() {
        for item in stanza.get("Depends").into_iter().flat_map(relation::items) {
            let _names: Vec<&str> = relation::names(item).collect();
        }
        if let (Some(a), Some(b)) = (stanza.get("Version"), stanza.get("Package")) {
            assert_eq!(version::compare(a, b), version::compare(b, a).reverse());
        }
    }
});
