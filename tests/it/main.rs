//! Integration tests: one binary, one folder per room.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod codec;
mod crash;
mod domain;
mod python;
mod service;
mod sftp;
mod support;
