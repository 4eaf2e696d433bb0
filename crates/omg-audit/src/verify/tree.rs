//! The Merkle tree of RFC 6962: folding leaves into a root, and proofs.

use sha2::{Digest, Sha256};

use crate::{Bytes, Hash};

/// The hash of a record's bytes: its leaf in the tree, and what the next record names it by.
pub(super) fn leaf(bytes: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update([0x00]);
    hash.update(bytes);
    Bytes(hash.finalize().into())
}

fn parent(left: Hash, right: Hash) -> Hash {
    let mut pair = [1; 65];
    pair.iter_mut()
        .skip(1)
        .zip(left.0.into_iter().chain(right.0))
        .for_each(|(to, from)| *to = from);
    Bytes(Sha256::digest(pair).into())
}

/// A tree that only grows, as its perfect subtrees: each with the number of its leaves.
#[derive(Clone, Debug, Default)]
pub(super) struct Range {
    subtrees: Vec<(u64, Hash)>,
}

impl Range {
    pub(super) fn push(&mut self, leaf: Hash) {
        let (mut leaves, mut hash) = (1, leaf);
        while let Some(&(of_left, left)) = self.subtrees.last() {
            if of_left != leaves {
                break;
            }
            self.subtrees.pop();
            hash = parent(left, hash);
            leaves *= 2;
        }
        self.subtrees.push((leaves, hash));
    }

    pub(super) fn root(&self) -> Hash {
        let mut root = None;
        for &(_, left) in self.subtrees.iter().rev() {
            root = Some(root.map_or(left, |right| parent(left, right)));
        }
        root.unwrap_or_else(|| Bytes(Sha256::digest(b"").into()))
    }
}

/// Why a proof proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the proof proves nothing: {0}")]
pub struct NotProven(&'static str);

/// The hashes that lead from a leaf, or from an earlier root, to a root.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Proof(pub Vec<Hash>);

impl Proof {
    /// Proof that the leaf of this number is in the tree of all these (RFC 6962, 2.1.1). None if there is no
    /// such leaf.
    pub fn of_inclusion(leaves: &[Hash], index: usize) -> Option<Self> {
        leaves.get(index)?;
        let mut path = Vec::new();
        let (mut leaves, mut index) = (leaves, index);
        while leaves.len() > 1 {
            let (left, right) = halves(leaves);
            if index < left.len() {
                path.push(root(right));
                leaves = left;
            } else {
                path.push(root(left));
                index -= left.len();
                leaves = right;
            }
        }
        path.reverse();
        Some(Self(path))
    }

    /// Proof that the tree of the first `old` leaves is the beginning of the tree of all these (2.1.2). None
    /// if there are fewer, or `old` is 0.
    pub fn of_consistency(leaves: &[Hash], old: usize) -> Option<Self> {
        if old == 0 || old > leaves.len() {
            return None;
        }
        let (mut leaves, mut old, mut whole) = (leaves, old, true);
        let mut path = Vec::new();
        while old < leaves.len() {
            let (left, right) = halves(leaves);
            if old <= left.len() {
                path.push(root(right));
                leaves = left;
            } else {
                path.push(root(left));
                old -= left.len();
                leaves = right;
                whole = false;
            }
        }
        if !whole {
            path.push(root(leaves));
        }
        path.reverse();
        Some(Self(path))
    }

    /// Is the leaf the one of this number in the tree of `size` leaves with this root? (RFC 9162, 2.1.3.2)
    ///
    /// # Errors
    /// If that is not proven.
    pub fn includes(
        &self,
        leaf: &Hash,
        index: u64,
        size: u64,
        expected: &Hash,
    ) -> Result<(), NotProven> {
        if index >= size {
            return Err(NotProven("there is no such leaf"));
        }
        let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
        for step in &self.0 {
            if last == 0 {
                return Err(NotProven("too long"));
            }
            if at & 1 == 1 || at == last {
                hash = parent(*step, hash);
                while at & 1 == 0 && at != 0 {
                    at >>= 1;
                    last >>= 1;
                }
            } else {
                hash = parent(hash, *step);
            }
            at >>= 1;
            last >>= 1;
        }
        match (last == 0, hash == *expected) {
            (false, _) => Err(NotProven("too short")),
            (true, false) => Err(NotProven("another root")),
            (true, true) => Ok(()),
        }
    }

    /// Is the tree of `old` leaves with the root `before` the beginning of the tree of `new` leaves with the
    /// root `after`? (RFC 9162, 2.1.4.2)
    ///
    /// # Errors
    /// If that is not proven.
    pub fn extends(
        &self,
        old: u64,
        before: &Hash,
        new: u64,
        after: &Hash,
    ) -> Result<(), NotProven> {
        // Any tree begins with the empty one; a proof of that proves nothing.
        if old == 0 {
            return Err(NotProven("the earlier tree is empty"));
        }
        if old == new {
            return match (self.0.is_empty(), before == after) {
                (true, true) => Ok(()),
                (true, false) => Err(NotProven("another root")),
                (false, _) => Err(NotProven("too long")),
            };
        }
        if old > new {
            return Err(NotProven("the later tree is the smaller one"));
        }
        let mut steps = self.0.iter();
        let first = if old.is_power_of_two() { Some(before) } else { steps.next() };
        let first = *first.ok_or(NotProven("too short"))?;
        let shift = (old - 1).trailing_ones();
        let (mut at, mut last) = ((old - 1) >> shift, (new - 1) >> shift);
        let (mut from, mut to) = (first, first);
        for step in steps {
            if last == 0 {
                return Err(NotProven("too long"));
            }
            if at & 1 == 1 || at == last {
                from = parent(*step, from);
                to = parent(*step, to);
                while at & 1 == 0 && at != 0 {
                    at >>= 1;
                    last >>= 1;
                }
            } else {
                to = parent(to, *step);
            }
            at >>= 1;
            last >>= 1;
        }
        if last != 0 {
            return Err(NotProven("too short"));
        }
        if from == *before && to == *after { Ok(()) } else { Err(NotProven("another root")) }
    }
}

/// The leaves to the left and to the right of the root: left are as many as the largest power of two
/// below their number.
fn halves(leaves: &[Hash]) -> (&[Hash], &[Hash]) {
    leaves.split_at((leaves.len().next_power_of_two() / 2).min(leaves.len()))
}

fn root(leaves: &[Hash]) -> Hash {
    let mut range = Range::default();
    for leaf in leaves {
        range.push(*leaf);
    }
    range.root()
}
