//! gRPC: router, layers, wire <-> domain, errors -> `tonic::Status`.
//!
//! `router` puts it together: one file per service (`audit`, `tenant`, `export`, `subscription`), `layer` around all of them,
//! `budget` for the bytes of their requests, `outgoing` for streams of answers,
//! `health` and server reflection beside them. `status` is the one place where errors become answers.

mod audit;
mod budget;
mod caller;
mod catalogue;
mod consume;
mod export;
mod export_preview;
mod foreign;
pub mod health;
pub mod incoming;
mod layer;
mod methods;
mod outgoing;
mod page;
pub mod proto;
mod query;
mod receipt;
mod record_stream;
mod router;
mod run;
pub mod status;
mod subscription;
mod summary;
mod tenant;

pub use router::{Api, Bounds, ServeError, serve, serve_health};
