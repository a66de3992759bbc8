//! The generated messages of `proto/`.

#![allow(missing_docs, clippy::all, clippy::pedantic, rustdoc::all)]

/// Package `vidne.v1`: the public contract.
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/messages/vidne.v1.rs"));
}

/// Package `vidne.internal.v1`: what only vidne reads.
pub mod internal {
    include!(concat!(env!("OUT_DIR"), "/messages/vidne.internal.v1.rs"));
}

/// The encoded `FileDescriptorSet` of everything above, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/vidne.bin"));
