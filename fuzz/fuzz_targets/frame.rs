//! Frames of a hostile peer: never a panic, never more than the stated limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omg_proto::frame::{self, Envelope, Hello};
use omg_proto::{Reply, Request};

fuzz_target!(|bytes: &[u8]| {
    let Ok(Some(payload)) = frame::next(bytes, frame::REQUEST_LIMIT) else { return };
    let Some(payload) = bytes.get(payload) else { panic!("a range outside the bytes") };
    let _greeting = Hello::decode(payload);
    let Ok(envelope) = Envelope::decode(payload) else { return };
    if let Ok(Request::Batch(queries)) = Request::decode(envelope.body) {
        assert!(queries.len() <= Request::BATCH_LIMIT);
    }
    let _reply = Reply::decode(envelope.body);
});
