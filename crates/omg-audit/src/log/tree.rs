//! The writer's side of the Merkle tree of RFC 6962: the roots of the perfect trees that the records
//! so far make, which is all that appending takes.

use sha2::{Digest, Sha256};

use crate::{Bytes, Hash};

/// The digest that links a record to the one before: of a zero byte and its bytes. It is the
/// leaf's hash in the tree at the same time.
pub(super) fn leaf(bytes: &[u8]) -> Hash {
    Bytes(Sha256::new().chain_update([0]).chain_update(bytes).finalize().into())
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Bytes(
        Sha256::new()
            .chain_update([1])
            .chain_update(left.0)
            .chain_update(right.0)
            .finalize()
            .into(),
    )
}

/// Adds the leaf of record `size` to the peaks of a tree of `size` leaves. Peaks are ordered from
/// the largest, leftmost, to the smallest.
pub(super) fn push(peaks: &mut Vec<Hash>, size: u64, leaf: Hash) {
    let mut hash = leaf;
    for _ in 0..size.trailing_ones() {
        if let Some(left) = peaks.pop() {
            hash = node(&left, &hash);
        }
    }
    peaks.push(hash);
}

/// The root of the tree with these peaks.
pub(super) fn root(peaks: &[Hash]) -> Hash {
    let mut from_right = peaks.iter().rev();
    let Some(last) = from_right.next() else { return Bytes(Sha256::digest([]).into()) };
    from_right.fold(*last, |right, left| node(left, &right))
}
