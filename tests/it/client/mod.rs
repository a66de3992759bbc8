//! The Rust client against a server that misbehaves on cue.

mod fake;
mod query;
mod record;
mod restart;
