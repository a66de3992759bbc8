//! What tests share.

pub mod events;
