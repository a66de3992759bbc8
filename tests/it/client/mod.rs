//! The Rust client against a server that misbehaves on cue, and against one that is killed.

mod fake;
mod idle;
mod killed;
mod model;
mod query;
mod record;
mod recorder;
mod restart;
mod spool;
