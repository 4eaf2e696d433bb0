//! The columns that search reads, and a way from a byte of an arena to its entry.

use memchr::memmem::Finder;
use rkyv::Archived;

use super::score::Texts;
use crate::image::{ArchivedCore, ArchivedImage};

/// Bytes of an arena for which one entry number is kept: 64.
const SHIFT: usize = 6;

/// For every 64 bytes of the two big arenas, the entry that owns the first of them. Derived from
/// the image in a fraction of a millisecond, so it isn't stored.
pub(crate) struct Tables {
    names: Vec<u32>,
    descriptions: Vec<u32>,
    virtuals: Vec<u32>,
}

impl Tables {
    pub(crate) fn new(image: &ArchivedImage) -> Self {
        Self {
            names: blocks(&image.folded_name_at),
            descriptions: blocks(&image.folded_description_at),
            virtuals: blocks(&image.virtual_at),
        }
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        (self.names.len() + self.descriptions.len() + self.virtuals.len()) * 4
    }
}

fn blocks(bounds: &[Archived<u32>]) -> Vec<u32> {
    let total = bounds.last().map_or(0, |end| end.to_native() as usize);
    let mut blocks = Vec::with_capacity((total >> SHIFT) + 1);
    for (item, start) in bounds.iter().enumerate().skip(1) {
        // Blocks that begin before this item's start belong to the item before it.
        while blocks.len() << SHIFT < start.to_native() as usize {
            blocks.push(item as u32 - 1);
        }
    }
    blocks
}

/// An arena of lines with its bounds.
#[derive(Clone, Copy)]
pub(crate) struct Lines<'a> {
    pub(crate) text: &'a [u8],
    at: &'a [Archived<u32>],
    blocks: &'a [u32],
}

impl<'a> Lines<'a> {
    /// Line `item` without its newline.
    #[inline]
    pub(crate) fn get(&self, item: u32) -> &'a [u8] {
        let (start, end) = self.bounds(item);
        self.text.get(start..end.saturating_sub(1)).unwrap_or(&[])
    }

    /// First byte, and one past the newline.
    #[inline]
    pub(crate) fn bounds(&self, item: u32) -> (usize, usize) {
        let start = self.at.get(item as usize).map_or(0, |at| at.to_native() as usize);
        (start, self.at.get(item as usize + 1).map_or(start, |at| at.to_native() as usize))
    }

    /// The line that owns byte `position`.
    #[inline]
    pub(crate) fn owner(&self, position: usize) -> u32 {
        let mut item = self.blocks.get(position >> SHIFT).copied().unwrap_or(0);
        while self.at.get(item as usize + 1).is_some_and(|end| end.to_native() as usize <= position)
        {
            item += 1;
        }
        item
    }

    /// Calls `found` with each line that has the needle and the place where it has it, in order.
    /// Once `found` says true, the search goes on with the next line.
    #[inline]
    pub(crate) fn containing(
        &self,
        needle: &Finder<'_>,
        mut found: impl FnMut(u32, usize) -> bool,
    ) {
        let mut from = 0;
        while let Some(rest) = self.text.get(from..) {
            let Some(at) = needle.find(rest).map(|at| from + at) else { return };
            let line = self.owner(at);
            // A needle never holds a newline, so the hit lies inside the line and this moves on.
            from = if found(line, at) { self.bounds(line).1.max(at + 1) } else { at + 1 };
        }
    }
}

/// Everything that one search reads.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) names: Lines<'a>,
    pub(crate) descriptions: Lines<'a>,
    pub(crate) virtuals: Lines<'a>,
    pub(crate) masks: &'a [Archived<u64>],
    pub(crate) ranks: &'a [Archived<u16>],
    pub(crate) kinds: &'a [u8],
    cores: &'a [ArchivedCore],
    pub(crate) words: Lines<'a>,
    pub(crate) word_masks: &'a [Archived<u64>],
    posting_at: &'a [Archived<u32>],
    postings: &'a [Archived<u32>],
}

impl<'a> View<'a> {
    pub(crate) fn new(image: &'a ArchivedImage, tables: &'a Tables) -> Self {
        Self {
            names: Lines {
                text: image.folded_names.as_bytes(),
                at: &image.folded_name_at,
                blocks: &tables.names,
            },
            descriptions: Lines {
                text: image.folded_descriptions.as_bytes(),
                at: &image.folded_description_at,
                blocks: &tables.descriptions,
            },
            virtuals: Lines {
                text: image.virtual_names.as_bytes(),
                at: &image.virtual_at,
                blocks: &tables.virtuals,
            },
            masks: &image.masks,
            ranks: &image.ranks,
            kinds: &image.kinds,
            cores: &image.cores,
            // Nobody asks for the owner of a byte of these.
            words: Lines { text: image.words.as_bytes(), at: &image.word_at, blocks: &[] },
            word_masks: &image.word_masks,
            posting_at: &image.posting_at,
            postings: &image.postings,
        }
    }

    pub(crate) fn entries(&self) -> u32 {
        self.kinds.len() as u32
    }

    #[inline]
    pub(crate) fn mask(&self, entry: u32) -> u64 {
        self.masks.get(entry as usize).map_or(0, |mask| mask.to_native())
    }

    /// Entries whose name has this word of the vocabulary.
    pub(crate) fn posting(&self, word: u32) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        let start = self.posting_at.get(word as usize).map_or(0, |at| at.to_native() as usize);
        let end =
            self.posting_at.get(word as usize + 1).map_or(start, |at| at.to_native() as usize);
        self.postings.get(start..end).unwrap_or(&[]).iter().map(|entry| entry.to_native())
    }

    /// How many names have exactly this word.
    pub(crate) fn frequency(&self, word: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.word_masks.len() as u32);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.words.get(middle) < word { low = middle + 1 } else { high = middle }
        }
        if self.words.get(low) == word { self.posting(low).len() } else { 0 }
    }

    pub(crate) fn texts(&self, entry: u32) -> Texts<'a> {
        let core = self
            .cores
            .get(entry as usize)
            .map_or((0, 0), |core| (core.at as usize, core.len as usize));
        Texts {
            name: self.names.get(entry),
            core,
            mask: self.mask(entry),
            description: self.descriptions.get(entry),
        }
    }

    /// Entries whose folded name begins with `prefix`: a range, because they are sorted.
    pub(crate) fn prefixed(&self, prefix: &[u8]) -> std::ops::Range<u32> {
        let partition = |before: &dyn Fn(&[u8]) -> bool| {
            let (mut low, mut high) = (0, self.entries());
            while low < high {
                let middle = low + (high - low) / 2;
                if before(self.names.get(middle)) { low = middle + 1 } else { high = middle }
            }
            low
        };
        let start = partition(&|name| name < prefix);
        start..partition(&|name| name < prefix || name.starts_with(prefix))
    }
}
