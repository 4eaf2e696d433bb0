//! What this crate says of real systems, compared with what dpkg and apt say.

mod installed;
mod oracle;
mod version;
