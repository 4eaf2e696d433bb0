//! omg-bin
