//! Downloads into a content-addressed store: parallel, resumable, from several mirrors.
