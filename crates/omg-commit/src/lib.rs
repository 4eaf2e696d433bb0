//! What a committing engine does around the native library: copies, checks, locks, records.
