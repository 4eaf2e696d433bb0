//! Confines a build: bubblewrap, Landlock, seccomp and limits.
