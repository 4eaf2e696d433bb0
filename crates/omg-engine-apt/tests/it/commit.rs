//! Changing roots, beside apt-get, against attackers, and cut off at every step.

mod cut;
mod engine;
mod first;
mod real;
mod refuse;
mod repository;
mod same;
mod scripts;
mod system;
