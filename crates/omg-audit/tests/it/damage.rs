//! Row 52: damage of the file itself, and bytes that are no record.

use std::path::Path;

use omg_audit::verify::{Against, Checkpoint, PublicKey, verify};
use omg_audit::{Reader, Record};
use omg_core::Code;
use proptest::prelude::*;

use crate::child;
use crate::world::{Contents, Dice, cases, filled};

fn all(reader: &Reader) -> Result<Vec<Record>, omg_audit::Error> {
    reader.records(0)?.collect()
}

/// Every byte of the file that a case hits: the records are read as they were, or not at all.
#[test]
fn a_flipped_byte_of_the_file_is_an_error_or_nothing() {
    let (_keep, dir) = filled(200);
    let file = dir.join("log.redb");
    let whole = std::fs::read(&file).unwrap();
    let expected = all(&Reader::open(&dir).unwrap()).unwrap();
    let (mut dice, mut refused) = (Dice(3), 0);
    for case in 0..cases(150) {
        // The first page says what the others are.
        let end = if case % 4 == 0 { 512 } else { whole.len() as u64 };
        let at = dice.below(end) as usize;
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << dice.below(8);
        std::fs::write(&file, &damaged).unwrap();
        match Reader::open(&dir).and_then(|reader| all(&reader)) {
            Ok(records) => {
                // An older, whole state of the database is what a crash leaves too; the verifier knows.
                if records != expected {
                    assert_eq!(verify(&dir, &Against::default()).unwrap().exit(), 1, "byte {at}");
                }
            }
            Err(e) => {
                assert_eq!(e.code(), Code::Tampered, "byte {at}: {e}");
                assert_eq!(verify(&dir, &Against::default()).unwrap().exit(), 1, "byte {at}");
                refused += 1;
            }
        }
    }
    assert!(refused > 5, "damage was never seen");
    assert_eq!(std::fs::read(&file).unwrap().len(), whole.len(), "a reader wrote");
}

/// The child's side: reads a damaged log, and fails if it notices nothing.
pub(crate) fn read(dir: &Path) {
    Reader::open(dir).and_then(|reader| all(&reader)).unwrap_err();
}

#[test]
fn without_the_check_damage_would_be_read() {
    let (_keep, dir) = filled(200);
    let file = dir.join("log.redb");
    let mut bytes = std::fs::read(&file).unwrap();
    // A letter in the middle of a record: still a record, only another.
    let record = Contents::of(&dir).records[&150].clone();
    let name = record.windows(7).position(|bytes| bytes == b"package").unwrap();
    for at in 0..bytes.len() - record.len() {
        if bytes[at..].starts_with(&record) {
            bytes[at + name] = b'q';
        }
    }
    std::fs::write(&file, &bytes).unwrap();
    for (weaken, noticed) in [("52", false), ("", true)] {
        let (_, status) = child::run("damaged", &dir, &[("OMG_WEAKEN", weaken)]);
        assert_eq!(status.success(), noticed, "{weaken}");
    }
}

#[test]
fn cut_off_files() {
    let (_keep, dir) = filled(50);
    let file = dir.join("log.redb");
    let whole = std::fs::read(&file).unwrap();
    for length in (1..whole.len()).step_by(whole.len() / cases(40)) {
        std::fs::write(&file, &whole[..length]).unwrap();
        let report = verify(&dir, &Against::default()).unwrap();
        assert_eq!(report.exit(), 1, "{length} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(2_000) as u32))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(record) = Record::from_bytes(&bytes) {
            prop_assert_eq!(record.to_bytes(), bytes);
        }
    }

    #[test]
    fn no_damaged_record_panics(at in any::<usize>(), with in any::<u8>(), cut in any::<usize>()) {
        let mut bytes = sample();
        let at = at % bytes.len();
        bytes[at] = with;
        let _ = Record::from_bytes(&bytes[..cut % (bytes.len() + 1)]);
        if let Ok(record) = Record::from_bytes(&bytes) {
            prop_assert_eq!(record.to_bytes(), bytes);
        }
    }

    #[test]
    fn no_text_is_a_checkpoint_that_panics(text in any::<String>()) {
        let _ = Checkpoint::parse(&text);
        let _ = PublicKey::parse(&text);
        let _ = Checkpoint::parse(&format!("origin\n1\n{text}\n\n\u{2014} origin {text}\n"));
    }

    #[test]
    fn no_file_is_a_log_that_panics(bytes in proptest::collection::vec(any::<u8>(), 1..9000)) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("log.redb"), bytes).unwrap();
        prop_assert!(Reader::open(dir.path()).is_err());
    }
}

fn sample() -> Vec<u8> {
    use std::sync::OnceLock;
    static SAMPLE: OnceLock<Vec<u8>> = OnceLock::new();
    SAMPLE
        .get_or_init(|| {
            let (_keep, dir) = filled(4);
            Contents::of(&dir).records[&1].clone()
        })
        .clone()
}

/// Maps within maps within maps: a decoder that calls itself for each would end the process.
#[test]
fn nesting_is_no_danger() {
    for byte in [0x81, 0xa1, 0xd8] {
        let mut bytes = vec![0xa1, 0x18, 0x63];
        bytes.extend(vec![byte; 1 << 20]);
        Record::from_bytes(&bytes).unwrap_err();
    }
    // A list that says it has more items than there is memory.
    let mut bytes = Contents::of(&filled(2).1).records[&0].clone();
    let words = bytes.windows(2).position(|pair| pair == [12, 0x80]).unwrap();
    bytes.splice(words + 1..words + 2, [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    Record::from_bytes(&bytes).unwrap_err();
}
