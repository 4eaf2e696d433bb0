//! What this crate says of real systems, compared with what dpkg and apt say.

mod available;
mod files;
mod installed;
mod oracle;
mod roots;
mod version;
