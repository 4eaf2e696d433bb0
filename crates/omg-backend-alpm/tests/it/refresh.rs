//! Databases fetched from a mirror on loopback and put into place in roots made for one test, beside
//! pacman and against a mirror that lies.

mod attacks;
mod harness;
mod pacman;
mod wanted;
