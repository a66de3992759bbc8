//! Integration tests: one binary, one folder per room.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod codec;
mod domain;
mod support;
