//! The generated clients of `proto/`.

#![allow(missing_docs, clippy::all, clippy::pedantic, rustdoc::all)]

include!(concat!(env!("OUT_DIR"), "/clients/vidne.v1.rs"));
