//! Servers that tests run against.

pub mod processes;
pub mod proftpd;
pub mod sshd;
pub mod system_user;
