//! omg
fn main() {}
