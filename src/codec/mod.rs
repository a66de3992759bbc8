//! Domain event <-> canonical bytes and JSON; normalisation, fingerprint, leaf hash.

pub mod proto;
