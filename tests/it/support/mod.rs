//! What tests stand on: real servers, started for one test and gone after it.
//!
//! A server that a test needs and that is not there is a failure that names `tests/run`, never a skipped test.

pub mod cluster;
pub mod collectors;
pub mod effort;
pub mod events;
#[cfg(feature = "gcs")]
pub mod gcs;
pub mod mariadb;
#[cfg(feature = "s3")]
pub mod moto;
pub mod mysql;
pub mod postgres;
pub mod processes;
pub mod proftpd;
pub mod proxy;
pub mod random;
pub mod scripted;
pub mod server;
pub mod sshd;
pub mod system_user;

/// A variable that `tests/run` sets.
///
/// # Panics
///
/// If it is not set.
pub fn from_tests_run(name: &str) -> String {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => value,
        _ => panic!(
            "{name} is not set: run the tests with `tests/run`, which starts what they need and sets it"
        ),
    }
}
