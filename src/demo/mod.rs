//! `vidne demo`: the whole job in a few seconds, on throw-away data and without a network.

mod narrate;
mod next;
mod sample;
mod scene;
mod server;
pub mod sftp_server;
mod story;

pub use story::run;
