//! Domain event <-> canonical bytes and JSON; normalisation, fingerprint, leaf hash.

pub mod error;
pub mod job;
pub mod proto;
pub mod stored;
