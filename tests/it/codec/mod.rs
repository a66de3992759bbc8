//! Encodings of events.

mod fingerprint;
mod json;
mod needles;
mod stored;
mod wire;
