//! Integration tests.

mod sftp;
mod support;
