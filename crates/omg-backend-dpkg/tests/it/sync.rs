//! Lists fetched from a mirror on loopback and put into place in roots made for one test, beside apt
//! and against a mirror that lies.

mod apt;
mod attacks;
mod crashes;
mod harness;
mod hostile;
mod wanted;
