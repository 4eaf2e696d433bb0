//! All lists that belong to the sources, decompressed and cut into records with every core.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::compression::{self, Border, Piece};
use super::record::Record;
use crate::deb822;
use crate::error::Error;

/// A list that is in the lists directory.
#[derive(Debug)]
pub(crate) struct ListFile {
    /// The file, with its compression suffix.
    pub(crate) path: PathBuf,
    /// Bytes on disk.
    pub(crate) size: u64,
}

/// Finds a list under the name that apt would take: plain first, then each compression.
pub(crate) fn find(lists: &Path, stem: &str) -> Option<ListFile> {
    compression::SUFFIXES.iter().find_map(|suffix| {
        let path = lists.join(format!("{stem}{suffix}"));
        let data = std::fs::metadata(&path).ok()?;
        data.is_file().then(|| ListFile { size: data.len(), path })
    })
}

/// The text of one list, in pieces that end between records.
#[derive(Debug, Default)]
pub(crate) struct ListText {
    pieces: Vec<String>,
}

impl ListText {
    /// The pieces in order.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().map(String::as_str)
    }
}

/// Decompresses all files, several at a time. A file that can't be read to its end gives an error
/// in its place and nothing else.
pub(crate) fn read_all(files: &[&Path]) -> Vec<Result<ListText, Error>> {
    enum News {
        Piece(usize, Piece),
        End(usize, Result<(), Error>),
    }
    let threads = cores().min(files.len());
    let next = AtomicUsize::new(0);
    let mut texts: Vec<Result<ListText, Error>> =
        files.iter().map(|_| Ok(ListText::default())).collect();
    thread::scope(|scope| {
        // A few pieces of slack: the receiver checks their encoding while the next are unpacked.
        let (sender, receiver) = mpsc::sync_channel(4);
        for _ in 0..threads {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some((number, path)) = {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    files.get(number).map(|path| (number, path))
                } {
                    let pass = |piece| sender.send(News::Piece(number, piece)).is_ok();
                    let result = compression::read(path, Border::EmptyLine, pass);
                    if sender.send(News::End(number, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for news in receiver {
            match news {
                News::Piece(number, Piece::Text(bytes)) => {
                    let text = deb822::clean(bytes);
                    if let Some(Ok(list)) = texts.get_mut(number) {
                        list.pieces.push(text);
                    }
                }
                News::Piece(number, Piece::Again) => {
                    if let Some(Ok(list)) = texts.get_mut(number) {
                        list.pieces.clear();
                    }
                }
                News::End(_, Ok(())) => {}
                News::End(number, Err(error)) => {
                    if let Some(text) = texts.get_mut(number) {
                        *text = Err(error);
                    }
                }
            }
        }
    });
    texts
}

/// Threads that are worth starting.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(8)
}

/// A record that could not be read.
#[derive(Debug)]
pub(crate) struct Skipped {
    pub(crate) list: u16,
    /// Line in the decompressed list, from 1.
    pub(crate) line: usize,
    pub(crate) reason: &'static str,
}

/// At most this many skipped records are named, per piece of text.
const MOST_NAMED: usize = 16;

/// Cuts lists into records, on every core. Records stand in the order of the lists.
pub(crate) fn records<'a>(lists: &[(u16, &'a ListText)]) -> (Vec<Record<'a>>, Vec<Skipped>) {
    let pieces: Vec<(u16, &ListText, usize)> = lists
        .iter()
        .flat_map(|&(number, list)| (0..list.pieces.len()).map(move |piece| (number, list, piece)))
        .collect();
    let share = pieces.len().div_ceil(cores()).max(1);
    let mut records = Vec::new();
    let mut skipped = Vec::new();
    thread::scope(|scope| {
        let workers: Vec<_> =
            pieces.chunks(share).map(|part| scope.spawn(move || scan(part))).collect();
        for worker in workers {
            if let Ok((mut found, mut bad)) = worker.join() {
                if records.is_empty() {
                    records = found;
                } else {
                    records.append(&mut found);
                }
                skipped.append(&mut bad);
            }
        }
    });
    (records, skipped)
}

fn scan<'a>(part: &[(u16, &'a ListText, usize)]) -> (Vec<Record<'a>>, Vec<Skipped>) {
    let bytes: usize =
        part.iter().filter_map(|(_, list, at)| list.pieces.get(*at)).map(String::len).sum();
    // Debian's records have 800 bytes on average.
    let mut records = Vec::with_capacity(bytes / 600);
    let mut skipped = Vec::new();
    for &(number, list, at) in part {
        let Some(text) = list.pieces.get(at) else { continue };
        let mut named = 0;
        for block in deb822::scan(text) {
            match Record::parse(block, number) {
                Ok(record) => records.push(record),
                Err(_) if block.text.lines().all(|line| line.starts_with('#')) => {}
                Err((offset, reason)) if named < MOST_NAMED => {
                    named += 1;
                    let before: usize =
                        list.pieces.iter().take(at).map(|piece| newlines(piece)).sum();
                    let here = text.get(..block.offset + offset).map_or(0, newlines);
                    skipped.push(Skipped { list: number, line: before + here + 1, reason });
                }
                Err(_) => {}
            }
        }
    }
    (records, skipped)
}

fn newlines(text: &str) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes()).count()
}
