//! Domain event <-> canonical bytes and JSON; normalisation, fingerprint, leaf hash.

pub mod detail;
pub mod error;
pub mod filter;
pub mod fingerprint;
pub mod job;
pub mod json;
pub mod json_input;
pub mod json_write;
pub mod needles;
pub mod plain;
pub mod proto;
pub mod stored;
pub mod token;
pub mod wire;
pub mod wire_input;
