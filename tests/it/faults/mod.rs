//! Fault runs (G1, G2, G3, G9): vidne, and apart from it its database, is killed with -9 at random moments under load.
//! Then every receipt that a client ever got is held against the log.
//!
//! `load` is the clients, `ledger` what they were told, `log` what is there in the end, `watchdog` says what hangs.
//! `vidne` and `postgres` are the runs: two rounds each by default, twenty with `VIDNE_TEST_LONG=1`. In `upgrade` servers
//! stop in good order instead, in `frozen` the database hangs.

mod frozen;
mod ledger;
mod load;
mod log;
mod postgres;
mod upgrade;
mod vidne;
pub mod watchdog;
