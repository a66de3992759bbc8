//! Measures how fast vidne reads, beside what its database gives without it.
//!
//! `run` fills a log and measures one store after the other; `case` says what is asked, of vidne and of the database;
//! `reader` asks vidne, `limit` the database; `report` is what comes out.

mod case;
mod limit;
mod reader;
mod report;
mod run;

pub use report::{Page, Read, Reading, StoreReading};
pub use run::{QueryOptions, query};
