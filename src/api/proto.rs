//! The generated servers of `proto/`.

#![allow(missing_docs, clippy::all, clippy::pedantic, rustdoc::all)]

include!(concat!(env!("OUT_DIR"), "/servers/vidne.v1.rs"));
