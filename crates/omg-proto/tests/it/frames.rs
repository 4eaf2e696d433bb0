//! Framing.

use omg_proto::Error;
use omg_proto::frame::{Envelope, Hello, MAGIC, PREFIX, REPLY_LIMIT, REQUEST_LIMIT, next};
use proptest::prelude::*;

use crate::heap::peak;

proptest! {
    #[test]
    fn envelopes_come_back(id: u64, body in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut out = vec![7];
        Envelope { id, body: &body }.write(&mut out, REQUEST_LIMIT).unwrap();
        let payload = next(&out[1..], REQUEST_LIMIT).unwrap().unwrap();
        prop_assert_eq!(payload.end, out.len() - 1);
        prop_assert_eq!(Envelope::decode(&out[1..][payload]).unwrap(), Envelope { id, body: &body });
        let header = Envelope::header(id, body.len(), REQUEST_LIMIT).unwrap();
        prop_assert_eq!(&header[..], &out[1..=header.len()]);
    }

    #[test]
    fn a_cut_frame_is_not_enough_yet(body in prop::collection::vec(any::<u8>(), 0..300), cut: prop::sample::Index) {
        let mut out = Vec::new();
        Envelope { id: 1, body: &body }.write(&mut out, REQUEST_LIMIT).unwrap();
        let cut = cut.index(out.len());
        prop_assert_eq!(next(&out[..cut], REQUEST_LIMIT).unwrap(), None);
    }

    #[test]
    fn greetings_come_back(build in "\\PC{0,40}", pid: u32) {
        let mut out = Vec::new();
        let hello = Hello::ours(&build, pid);
        hello.write(&mut out);
        prop_assert_eq!(Hello::decode(&out[PREFIX..]).unwrap(), hello);
    }

    #[test]
    fn no_bytes_panic_or_escape_their_range(bytes in prop::collection::vec(any::<u8>(), 0..200), limit: u32) {
        if let Ok(Some(payload)) = next(&bytes, limit) {
            prop_assert!(payload.end <= bytes.len() && payload.len() <= limit as usize);
        }
        let _ = Hello::decode(&bytes);
        let _ = Envelope::decode(&bytes);
    }
}

#[test]
fn a_length_over_the_limit_is_refused_before_room_is_made_for_it() {
    for length in [REQUEST_LIMIT + 1, u32::MAX] {
        let (result, bytes) = peak(|| next(&length.to_be_bytes(), REQUEST_LIMIT));
        assert!(matches!(result, Err(Error::FrameTooLarge { .. })));
        assert_eq!(bytes, 0);
    }
    assert_eq!(next(&REQUEST_LIMIT.to_be_bytes(), REQUEST_LIMIT).unwrap(), None);
}

#[test]
fn a_body_over_the_limit_is_not_written() {
    let body = vec![0; REQUEST_LIMIT as usize];
    let mut out = vec![1, 2, 3];
    assert!(Envelope { id: 1, body: &body }.write(&mut out, REQUEST_LIMIT).is_err());
    assert_eq!(out, [1, 2, 3]);
    assert!(Envelope::header(1, REPLY_LIMIT as usize, REPLY_LIMIT).is_err());
}

#[test]
fn strangers_and_other_versions_are_told_apart() {
    let decode = |hello: Hello<'_>| {
        let mut out = Vec::new();
        hello.write(&mut out);
        Hello::decode(&out[PREFIX..]).map(|_| ())
    };
    let ours = Hello::ours("0.1.0", 1);
    assert!(matches!(decode(Hello { magic: MAGIC + 1, ..ours }), Err(Error::NotOmg)));
    let other = Hello { protocol: ours.protocol + 1, ..ours };
    assert!(
        matches!(decode(other), Err(Error::Version { theirs, .. }) if theirs == ours.protocol + 1)
    );
}
