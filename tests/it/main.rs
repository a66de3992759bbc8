//! Integration tests: one binary, one folder per room.

mod codec;
mod domain;
mod support;
