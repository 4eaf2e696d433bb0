//! The append-only, hash-chained log of changes: writing, verifying, exporting.
