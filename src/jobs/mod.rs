//! Supervised background work.

pub mod exports;
