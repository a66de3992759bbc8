//! Integration tests: one binary, one folder per room.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod api;
mod bench;
mod chart;
mod cli;
mod client;
mod codec;
mod crash;
mod domain;
mod export;
mod faults;
mod image;
mod openssh;
mod python;
mod service;
mod sftp;
mod store;
mod support;
mod traced;
mod traces;
