//! Encodings of events.

mod fingerprint;
mod json;
mod stored;
mod wire;
