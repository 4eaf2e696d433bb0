//! Digests and OpenPGP signatures: the only maker of [`Verified`].
//!
//! It reads open files, bytes and keyrings; it opens no socket, finds no file by itself but below the
//! directories that it is given, and changes nothing.
//!
//! * [`digest`]: SHA-256, SHA-512 and BLAKE3 of bytes, files and copies, in one read; [`digest::Expected`].
//! * [`openpgp`]: [`openpgp::Keyring`] (files, directories, `Signed-By`), [`openpgp::CryptoPolicy`] (which
//!   algorithms are believed until when), [`openpgp::clearsigned`] (`InRelease`), [`openpgp::detached`].
//! * [`pacman`]: [`pacman::SigLevel`], [`pacman::Keyring`] with its web of trust, [`pacman::verify`].
//! * [`Verified`]: what was checked. [`Verified::file`], [`Verified::copy`] and [`Verified::seal`] take an
//!   open file, what is [expected](digest::Expected) of it, and a [`Proof`]; [`Verified::clearsigned`]
//!   gives the text that was signed; [`Verified::staged`] puts the evidence of a plan's files together.
//! * [`verdict::Verdicts`]: good verdicts, kept so that [`Verified::file_known`] need not find them twice.
//!
//! ```no_run
//! use omg_verify::digest::{Expected, Sha256};
//! use omg_verify::openpgp::{CryptoPolicy, Demand, Keyring};
//! use omg_verify::{Proof, Verified};
//! use std::{fs, path::Path};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keyring = Keyring::read(Path::new("/usr/share/keyrings/debian-archive-keyring.gpg"))?;
//! let policy = CryptoPolicy::now();
//! let release =
//!     Verified::clearsigned(&fs::read("InRelease")?, &keyring, &policy, Demand::default())?;
//! println!("signed by {:?}", release.evidence().signers());
//!
//! let digest = Sha256::parse("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")?;
//! let expected = Expected::sha256(digest, Some(3));
//! let package = Verified::file(fs::File::open("abc.deb")?, &expected, Proof::Digest)?;
//! assert_eq!(package.evidence().size(), 3);
//! # Ok(())
//! # }
//! ```

pub mod digest;
mod error;
pub mod openpgp;
pub mod pacman;
pub mod verdict;
mod verified;

pub use error::Error;
pub use verified::{By, Evidence, Proof, Verified};
