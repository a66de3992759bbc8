//! The client that other services and the command line use.

pub mod proto;
