//! What an engine and the daemon say to each other: whatever it is, it is refused or makes sense.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omg_engine::wire;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((_, Ok(plan))) = wire::decode_answer(bytes) {
        assert!(plan.changes.iter().all(|change| !change.name.is_empty()));
        let _digest = plan.digest();
    }
    let _ask = wire::Ask::decode(bytes);
    let _hello = wire::Hello::decode(bytes);
});
