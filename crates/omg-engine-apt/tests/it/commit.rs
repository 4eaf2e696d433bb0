//! Changing roots, beside apt-get, against attackers, and cut off at every step.

mod engine;
mod first;
mod repository;
mod same;
mod system;
