//! Digests, OpenPGP signatures, policy and grades: the only maker of Verified.
