//! Measures how fast vidne records and reads, beside what its database could do without it.
//!
//! `record` runs everything for one store after the other. `sample` makes the events, `course` says how long a case
//! goes on, `load` sends, `server` is the vidne that is measured. The limits: `sqlite` and `postgres` with `psql` write
//! the rows that vidne recorded once more, without vidne. `figures`, `goals` and `machine` are what comes out.
//!
//! `query` fills a log and reads it, by turns with the database alone. `follow` measures how soon events reach those
//! who follow a log.
//!
//! `memory` looks at the server's memory while `pusher` sends more than the database, held by `throttle`, takes.
//!
//! `export` has a server export to an `sshd`, and measures the `stages` of that alone.

mod course;
mod error;
mod export;
mod figures;
mod folder;
mod follow;
mod goals;
mod load;
mod machine;
mod memory;
mod postgres;
mod psql;
mod pusher;
mod query;
mod record;
mod rows;
mod sample;
mod server;
mod sqlite;
mod sshd;
mod stages;
mod stopwatch;
mod stores;
mod throttle;

pub use course::Budget;
pub use error::BenchError;
pub use export::{ExportOptions, ExportReport, Rate, export};
pub use figures::Figures;
pub use follow::{FollowOptions, follow};
pub use goals::{Goal, Measure};
pub use machine::Machine;
pub use memory::{MemoryOptions, MemoryReport, memory};
pub use query::{Page, QueryOptions, Read, Reading, StoreReading, query};
pub use record::{Options, Report, StoreReport, Target, run};
