//! Raw records, kept as blocks of about 64 KiB, each compressed and checksummed by itself.
//!
//! Block: `u32` little-endian length of the raw text, the first 16 bytes of its BLAKE3 hash, then
//! one LZ4 block. Blocks are compressed on a thread of their own while the catalogue is read.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::Error;

/// Where a raw record is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct RecordRef {
    /// Number of the block.
    pub block: u32,
    /// First byte inside the unpacked block.
    pub offset: u32,
    /// Bytes.
    pub length: u32,
}

/// A block that was unpacked.
#[derive(Clone, Debug)]
pub struct RecordBlock {
    text: String,
}

impl RecordBlock {
    /// The record at `place`; `None` if the block has no such range. The caller picks the block.
    pub fn get(&self, place: RecordRef) -> Option<&str> {
        let start = place.offset as usize;
        self.text.get(start..start.checked_add(place.length as usize)?)
    }

    /// Bytes of the unpacked text.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }
}

/// A block is closed when it has at least this many bytes.
const BLOCK: usize = 64 * 1024;
/// One record never has more; a longer one is cut. Far above any real one (the largest of Debian
/// has some 40 KiB).
const MAX_RECORD: usize = 1024 * 1024;
const HEADER: usize = 4 + 16;

/// Decompresses a block and checks it.
pub fn unpack(block: &[u8]) -> Result<RecordBlock, Error> {
    let mismatch = Error::Checksum { what: "record block" };
    let Some((head, body)) = block.split_at_checked(HEADER) else { return Err(mismatch) };
    let Some((length, sum)) = head.split_first_chunk::<4>() else { return Err(mismatch) };
    let stated = u32::from_le_bytes(*length) as usize;
    let limit = BLOCK + MAX_RECORD;
    if stated > limit {
        return Err(Error::BlockSize { stated: stated as u64, limit: limit as u64 });
    }
    let raw = lz4_flex::block::decompress(body, stated).map_err(Error::Block)?;
    if raw.len() != stated || blake3::hash(&raw).as_bytes().get(..16) != Some(sum) {
        return Err(mismatch);
    }
    String::from_utf8(raw).map(|text| RecordBlock { text }).map_err(|_| mismatch)
}

fn pack(raw: &str) -> Vec<u8> {
    let mut block = vec![0; HEADER + lz4_flex::block::get_maximum_output_size(raw.len())];
    let packed = block
        .get_mut(HEADER..)
        .map_or(0, |room| lz4_flex::block::compress_into(raw.as_bytes(), room).unwrap_or(0));
    block.truncate(HEADER + packed);
    if let Some((head, _)) = block.split_first_chunk_mut::<4>() {
        *head = (raw.len() as u32).to_le_bytes();
    }
    if let (Some(place), Some(sum)) =
        (block.get_mut(4..HEADER), blake3::hash(raw.as_bytes()).as_bytes().get(..16))
    {
        place.copy_from_slice(sum);
    }
    block.shrink_to_fit();
    block
}

/// Collects records and compresses full blocks elsewhere.
pub(crate) struct Packer {
    current: String,
    /// Blocks handed over so far.
    sent: u32,
    worker: Worker,
}

enum Worker {
    Thread {
        full: SyncSender<String>,
        empty: Receiver<String>,
        handle: JoinHandle<Vec<Vec<u8>>>,
    },
    /// No thread could be started: compress on the spot.
    Here(Vec<Vec<u8>>),
}

impl Packer {
    pub(crate) fn new() -> Self {
        let (full, blocks) = sync_channel::<String>(8);
        let (returned, empty) = sync_channel::<String>(16);
        let run = move || {
            let mut packed = Vec::new();
            for mut raw in blocks {
                packed.push(pack(&raw));
                raw.clear();
                // The receiver may be gone or have enough buffers; then this one is freed.
                let _ = returned.try_send(raw);
            }
            packed
        };
        let worker = match std::thread::Builder::new().name("omg-records".into()).spawn(run) {
            Ok(handle) => Worker::Thread { full, empty, handle },
            Err(_) => Worker::Here(Vec::new()),
        };
        Self { current: String::with_capacity(BLOCK * 2), sent: 0, worker }
    }

    /// One that holds nothing and starts no thread.
    pub(crate) fn idle() -> Self {
        Self { current: String::new(), sent: 0, worker: Worker::Here(Vec::new()) }
    }

    /// Adds a record; the answer says whether it had to be cut.
    pub(crate) fn add(&mut self, record: &str) -> Result<(RecordRef, bool), Error> {
        let mut end = record.len().min(MAX_RECORD);
        while !record.is_char_boundary(end) {
            end -= 1;
        }
        let kept = record.get(..end).unwrap_or("");
        let place = RecordRef {
            block: self.sent,
            offset: self.current.len() as u32,
            length: kept.len() as u32,
        };
        self.current.push_str(kept);
        if self.current.len() >= BLOCK {
            self.flush()?;
        }
        Ok((place, end < record.len()))
    }

    fn flush(&mut self) -> Result<(), Error> {
        match &mut self.worker {
            Worker::Thread { full, empty, .. } => {
                let next = empty.try_recv().unwrap_or_else(|_| String::with_capacity(BLOCK * 2));
                full.send(std::mem::replace(&mut self.current, next))
                    .map_err(|_| Error::Compressor)?;
            }
            Worker::Here(packed) => {
                packed.push(pack(&self.current));
                self.current.clear();
            }
        }
        self.sent = self.sent.checked_add(1).ok_or(Error::TooLarge { what: "records" })?;
        Ok(())
    }

    /// Hands over the last block; the blocks can be collected from what this returns.
    pub(crate) fn close(mut self) -> Result<Packing, Error> {
        if !self.current.is_empty() {
            self.flush()?;
        }
        Ok(match self.worker {
            Worker::Thread { full, handle, .. } => {
                drop(full);
                Packing::Running(handle)
            }
            Worker::Here(packed) => Packing::Done(packed),
        })
    }
}

/// Blocks that may still be on their way.
pub(crate) enum Packing {
    Running(JoinHandle<Vec<Vec<u8>>>),
    Done(Vec<Vec<u8>>),
}

impl Packing {
    pub(crate) fn collect(self) -> Result<Vec<Vec<u8>>, Error> {
        match self {
            Self::Running(handle) => handle.join().map_err(|_| Error::Compressor),
            Self::Done(packed) => Ok(packed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(records: &[String]) -> (Vec<RecordRef>, Vec<Vec<u8>>) {
        let mut packer = Packer::new();
        let places = records.iter().map(|record| packer.add(record).unwrap().0).collect();
        (places, packer.close().unwrap().collect().unwrap())
    }

    #[test]
    fn records_come_back_from_their_blocks() {
        let records: Vec<String> =
            (0..4000).map(|n| format!("Package: p{n}\nSize: {}\n", n * 7)).collect();
        let (places, blocks) = packed(&records);
        assert!(blocks.len() > 1);
        for (record, place) in records.iter().zip(places) {
            let block = unpack(&blocks[place.block as usize]).unwrap();
            assert_eq!(block.get(place), Some(record.as_str()));
        }
    }

    #[test]
    fn every_flipped_byte_is_noticed() {
        let (places, blocks) = packed(&["Package: café\nVersion: 1\n".to_owned()]);
        for at in 0..blocks[0].len() {
            let mut block = blocks[0].clone();
            block[at] ^= 0x40;
            let answer =
                unpack(&block).ok().and_then(|block| block.get(places[0]).map(str::to_owned));
            assert!(answer.is_none_or(|text| text.contains("café")), "byte {at}");
        }
    }

    #[test]
    fn endless_records_are_cut_on_a_character() {
        let long = "é".repeat(MAX_RECORD);
        let mut packer = Packer::new();
        let (place, cut) = packer.add(&long).unwrap();
        assert!(cut && place.length as usize <= MAX_RECORD);
        let blocks = packer.close().unwrap().collect().unwrap();
        assert!(unpack(&blocks[0]).unwrap().get(place).is_some());
    }

    #[test]
    fn a_lying_length_is_refused_before_allocation() {
        let mut block = vec![0xff; 64];
        assert!(matches!(unpack(&block), Err(Error::BlockSize { .. })));
        block.truncate(3);
        assert!(unpack(&block).is_err());
    }
}
