//! Whatever is done to a log is seen: by the next writer at its end, by the verifier anywhere.

use std::path::Path;

use omg_audit::verify::{Against, Report, Verdict, verify};
use omg_audit::{Log, Options, Phase, Record, default_pin};
use omg_core::Code;

use crate::world::{Contents, Dice, cases, entry, fault, fill, filled, place};

/// Records of the logs that are damaged in samples.
const THOUSANDS: usize = 3_000;

fn check(dir: &Path) -> Report {
    verify(dir, &Against::default()).unwrap()
}

fn check_with(dir: &Path, anchor: &str) -> Report {
    verify(dir, &Against { anchors: vec![anchor.to_owned()], ..Against::default() }).unwrap()
}

fn anchor(dir: &Path) -> String {
    omg_audit::Reader::open(dir).unwrap().checkpoint().unwrap().to_owned()
}

#[test]
fn any_bit() {
    let (_keep, dir) = filled(THOUSANDS);
    let whole = Contents::of(&dir);
    let mut dice = Dice(1);
    for _ in 0..cases(40) {
        let mut contents = whole.clone();
        let seq = dice.below(whole.len());
        let bytes = contents.records.get_mut(&seq).unwrap();
        let bit = dice.below(bytes.len() as u64 * 8);
        bytes[bit as usize / 8] ^= 1 << (bit % 8);
        let (_keep, dir) = contents.write(&dir);
        let report = check(&dir);
        assert_eq!(report.exit(), 1, "record {seq}, bit {bit}");
        // Seen at the record itself, at the next one that names it by its hash, or at the checkpoint.
        let first = report.first_bad().unwrap();
        assert!(first <= seq + 1, "record {seq}, bit {bit}: {report:?}");
        assert!(seq - first.min(seq) <= 128, "record {seq}, bit {bit}: {report:?}");
    }
}

#[test]
fn any_bit_of_one_record() {
    let (_keep, dir) = filled(12);
    let whole = Contents::of(&dir);
    let seq = whole.len() / 2;
    for bit in (0..whole.records[&seq].len() * 8).step_by(if cases(1) > 1 { 1 } else { 7 }) {
        let mut contents = whole.clone();
        contents.records.get_mut(&seq).unwrap()[bit / 8] ^= 1 << (bit % 8);
        let (_keep, dir) = contents.write(&dir);
        assert_eq!(check(&dir).exit(), 1, "bit {bit}");
    }
}

#[test]
fn dropped_swapped_duplicated() {
    let (_keep, dir) = filled(THOUSANDS);
    let whole = Contents::of(&dir);
    let last = whole.len() - 1;
    let mut dice = Dice(2);
    for case in 0..cases(24) {
        let seq = dice.below(last);
        let mut contents = whole.clone();
        let bytes = contents.records[&seq].clone();
        match case % 4 {
            // A gap.
            0 => {
                contents.records.remove(&seq);
            }
            // Dropped, and the later ones moved up.
            1 => {
                for at in seq..last {
                    let next = contents.records[&(at + 1)].clone();
                    contents.records.insert(at, next);
                }
                contents.records.remove(&last);
            }
            2 => {
                let next = contents.records.insert(seq + 1, bytes).unwrap();
                contents.records.insert(seq, next);
            }
            _ => {
                for at in (seq..=last).rev() {
                    let moved = contents.records[&at].clone();
                    contents.records.insert(at + 1, moved);
                }
            }
        }
        let (_keep, dir) = contents.write(&dir);
        let report = check(&dir);
        assert_eq!(
            (report.exit(), report.first_bad().is_some()),
            (1, true),
            "{case}: record {seq}"
        );
        assert!(report.first_bad().unwrap() <= seq + 1, "{case}: record {seq}: {report:?}");
    }
}

/// Cuts a log to its first records, with the checkpoint of that size as its end if there is one, as
/// somebody would who kept a copy of every checkpoint.
fn cut(whole: &Contents, size: u64) -> Contents {
    let mut contents = whole.clone();
    contents.records.retain(|seq, _| *seq < size);
    contents.checkpoints.retain(|of, _| *of <= size);
    if let Some(note) = whole.checkpoints.get(&size) {
        contents.state.insert("tail".into(), tail_with(note));
    }
    contents
}

/// The writer's note of the log's end with nothing but the checkpoint in it.
fn tail_with(note: &str) -> Vec<u8> {
    let mut bytes = vec![0xa1, 8, 0x79, (note.len() >> 8) as u8, note.len() as u8];
    bytes.extend(note.as_bytes());
    bytes
}

#[test]
fn truncated_at_every_boundary() {
    let (_keep, dir) = filled(260);
    let whole = Contents::of(&dir);
    let anchor = anchor(&dir);
    assert_eq!((check(&dir).exit(), check_with(&dir, &anchor).exit()), (0, 0));
    let mut undetected = Vec::new();
    for size in 0..whole.len() {
        let (_keep, dir) = cut(&whole, size).write(&dir);
        // Changes that were under way at that moment are reported too, so: not tampered.
        if check(&dir).verdict() != Verdict::Tampered {
            undetected.push(size);
        }
        assert_eq!(check_with(&dir, &anchor).exit(), 1, "cut to {size}");
    }
    // Without an anchor a log cut off at a checkpoint is a log that was never longer.
    let checkpoints: Vec<u64> =
        whole.checkpoints.keys().copied().filter(|at| *at < whole.len()).collect();
    assert_eq!(undetected, checkpoints);
    assert!(checkpoints.len() >= 2, "{checkpoints:?}");
}

#[test]
fn rewritten_and_signed_with_a_newer_key() {
    let (_keep, dir) = place();
    let every_time = Options { key_lifetime: std::time::Duration::ZERO, ..Options::default() };
    let log = Log::open(&dir, &Options::default()).unwrap();
    fill(&log, 40);
    Log::open(&dir, &every_time).unwrap().deny(entry("install", "vim", 0), &fault()).unwrap();
    // What the attacker finds is the newest key; the rest is as it was.
    let key = std::fs::read_to_string(dir.join("key")).unwrap();
    let seed: omg_audit::Hash = key.lines().nth(2).unwrap().parse().unwrap();
    let newest = ed25519_dalek::SigningKey::from_bytes(&seed.0);
    let whole = Contents::of(&dir);
    let rotated = whole
        .records
        .keys()
        .copied()
        .find(|seq| *seq > 0 && whole.record(*seq).phase == Phase::Rotate);
    let rotated = rotated.unwrap();

    // One old record is altered, all later ones are linked anew, and everything is signed anew.
    for keep_rotation in [true, false] {
        let mut contents = whole.clone();
        let (mut prev, mut leaves) = (omg_audit::Hash::default(), Vec::new());
        for seq in 0..whole.len() {
            let mut record = whole.record(seq);
            if seq == 5 {
                record.actor.uid = 4711;
            }
            record.prev = prev;
            if let Some(rotation) = &mut record.rotation
                && seq == rotated
                && !keep_rotation
            {
                let message = rotation.message(&record.log_id, seq, &prev);
                rotation.signature.0 = ed25519_dalek::Signer::sign(&newest, &message).to_bytes();
            }
            let bytes = record.to_bytes();
            prev = leaf(&bytes);
            leaves.push(bytes.clone());
            contents.records.insert(seq, bytes);
        }
        let origin = Record::origin(&whole.record(0).log_id);
        contents.checkpoints = whole
            .checkpoints
            .keys()
            .map(|size| (*size, sign(&origin, &leaves[..*size as usize], &newest)))
            .collect();
        contents.state.insert("tail".into(), tail_with(&sign(&origin, &leaves, &newest)));
        let (_keep, dir) = contents.write(&dir);
        let report = check(&dir);
        assert_eq!(report.exit(), 1, "{keep_rotation}: {report:?}");
    }
    // Only old checkpoints signed by the newer key, nothing else touched: what journald once accepted.
    let mut contents = whole.clone();
    let leaves: Vec<_> = whole.records.values().cloned().collect();
    let origin = Record::origin(&whole.record(0).log_id);
    let before: Vec<u64> =
        whole.checkpoints.keys().copied().filter(|size| *size <= rotated).collect();
    assert!(!before.is_empty());
    for size in before {
        contents.checkpoints.insert(size, sign(&origin, &leaves[..size as usize], &newest));
    }
    let (_keep, dir) = contents.write(&dir);
    let report = check(&dir);
    assert_eq!(report.exit(), 1, "{report:?}");
    assert!(report.findings[0].text.contains("key of its time"), "{report:?}");
}

fn leaf(bytes: &[u8]) -> omg_audit::Hash {
    use sha2::Digest as _;
    omg_audit::Bytes(sha2::Sha256::new().chain_update([0]).chain_update(bytes).finalize().into())
}

/// A checkpoint made by other code than the one under test: tree of `ct-merkle`.
fn sign(origin: &str, records: &[Vec<u8>], key: &ed25519_dalek::SigningKey) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    let mut tree = ct_merkle::mem_backed_tree::MemoryBackedTree::<sha2::Sha256, Leaf>::new();
    for bytes in records {
        tree.push(Leaf(bytes.clone()));
    }
    let base64 = base64::engine::general_purpose::STANDARD;
    let body = format!("{origin}\n{}\n{}\n", records.len(), base64.encode(tree.root().as_bytes()));
    let public = key.verifying_key();
    let digest = sha2::Sha256::new()
        .chain_update(origin)
        .chain_update([b'\n', 1])
        .chain_update(public.as_bytes())
        .finalize();
    let mut signature = digest[..4].to_vec();
    signature.extend(ed25519_dalek::Signer::sign(key, body.as_bytes()).to_bytes());
    format!("{body}\n\u{2014} {origin} {}\n", base64.encode(signature))
}

struct Leaf(Vec<u8>);

impl ct_merkle::HashableLeaf for Leaf {
    fn hash<H: sha2::digest::Update>(&self, hasher: &mut H) {
        hasher.update(&self.0);
    }
}

#[test]
fn another_machines_log() {
    let (_keep, mine) = filled(100);
    let (_keep, other) = filled(100);
    let contents = Contents::of(&other);
    let (_keep, replayed) = contents.write(&mine);
    let report = check(&replayed);
    assert_eq!((report.exit(), report.first_bad()), (1, Some(0)), "{report:?}");
    // An anchor of mine does not fit the other's log, nor the other way round.
    assert_eq!(check_with(&other, &anchor(&mine)).exit(), 1);
    // Nor does a writer go on with it.
    std::fs::copy(other.join("log.redb"), mine.join("log.redb")).unwrap();
    assert_eq!(Log::open(&mine, &Options::default()).unwrap_err().code(), Code::Tampered);
    std::fs::copy(other.join("key"), mine.join("key")).unwrap();
    assert_eq!(Log::open(&mine, &Options::default()).unwrap_err().code(), Code::Tampered);
}

#[test]
fn anchors_of_every_age() {
    let (_keep, dir) = place();
    let mut anchors = Vec::new();
    for number in 0..6 {
        let lifetime = std::time::Duration::from_secs(if number % 2 == 0 { 0 } else { 3600 });
        let log =
            Log::open(&dir, &Options { key_lifetime: lifetime, ..Options::default() }).unwrap();
        fill(&log, 20);
        // A witness's line under ours is none of our business.
        anchors.push(format!("{}\u{2014} witness.example AAAAAAAA\n", log.checkpoint().unwrap()));
    }
    let against = Against { anchors: anchors.clone(), ..Against::default() };
    let report = verify(&dir, &against).unwrap();
    assert_eq!((report.exit(), report.anchors), (0, 6), "{:?}", report.findings);
    assert!(report.epochs > 3);
    // One digit of its size or root is another.
    for (from, to) in [("\n", "\n1"), ("=\n\n", "A=\n\n")] {
        let forged = anchors[2].replacen(from, to, 1);
        match verify(&dir, &Against { anchors: vec![forged], ..Against::default() }) {
            Ok(report) => assert_eq!(report.exit(), 1),
            Err(e) => assert_eq!(e.code(), Code::Usage),
        }
    }
}

#[test]
fn what_is_not_looked_at_again_still_counts() {
    let (_keep, dir) = filled(300);
    let from = |from, dir: &Path| verify(dir, &Against { from, ..Against::default() }).unwrap();
    assert_eq!(from(200, &dir).exit(), 0);
    let mut contents = Contents::of(&dir);
    let bytes = contents.records.get_mut(&20).unwrap();
    let at = bytes.windows(7).position(|bytes| bytes == b"package").unwrap();
    bytes[at] = b'q';
    let (_keep, altered) = contents.write(&dir);
    let report = from(200, &altered);
    assert_eq!(report.exit(), 1);
    assert!(report.first_bad().unwrap() <= 20, "{report:?}");
}

#[test]
fn gone() {
    let (_keep, dir) = filled(10);
    std::fs::remove_file(dir.join("log.redb")).unwrap();
    let report = check(&dir);
    assert_eq!((report.exit(), report.first_bad()), (1, Some(0)));
    assert_eq!(Log::open(&dir, &Options::default()).unwrap_err().code(), Code::Tampered);
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(Log::open(&dir, &Options::default()).unwrap_err().code(), Code::Tampered);
    assert_eq!(check(&dir).exit(), 1);
    // Without the pin there was never a log, as far as anybody can tell.
    std::fs::remove_file(default_pin(&dir)).unwrap();
    assert!(Log::open(&dir, &Options::default()).is_ok());
}

#[test]
fn begun_anew() {
    let (_keep, dir) = filled(100);
    let anchor = anchor(&dir);
    let pin = std::fs::read(default_pin(&dir)).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    std::fs::remove_file(default_pin(&dir)).unwrap();
    let log = Log::open(&dir, &Options::default()).unwrap();
    fill(&log, 200);
    // With the pin replaced too only an anchor tells; with the pin kept it tells by itself.
    assert_eq!(check(&dir).exit(), 0);
    assert_eq!(check_with(&dir, &anchor).exit(), 1);
    std::fs::write(default_pin(&dir), pin).unwrap();
    assert_eq!(check(&dir).exit(), 1);
}

type Edit = fn(&mut Contents, u64);

#[test]
fn a_writer_refuses_an_altered_end() {
    let (_keep, dir) = filled(100);
    let whole = Contents::of(&dir);
    let last = whole.len() - 1;
    let edits: [Edit; 4] = [
        |contents, last| {
            contents.records.remove(&last);
        },
        |contents, last| {
            contents.records.get_mut(&(last - 3)).unwrap()[40] ^= 1;
        },
        |contents, last| {
            let again = contents.records[&last].clone();
            contents.records.insert(last + 1, again);
        },
        |contents, _| {
            contents.state.get_mut("tail").unwrap()[20] ^= 1;
        },
    ];
    for (at, edit) in edits.into_iter().enumerate() {
        let mut contents = whole.clone();
        edit(&mut contents, last);
        let (_keep, altered) = contents.write(&dir);
        std::fs::copy(dir.join("key"), altered.join("key")).unwrap();
        let error = Log::open(&altered, &Options::default()).unwrap_err();
        assert_eq!(error.code(), Code::Tampered, "{at}: {error}");
    }
    Log::open(&dir, &Options::default()).unwrap();
}
