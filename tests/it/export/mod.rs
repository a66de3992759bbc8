//! Exports: formats, runs with everything going wrong once, owners that meet, destinations.

mod any_run;
mod bed;
mod declared;
mod destinations;
mod every_step;
mod faults;
mod formats;
#[cfg(feature = "gcs")]
mod gcs;
mod golden;
mod heartbeat;
mod jobs;
mod kept;
mod left_over;
mod owners;
mod proof;
mod runs;
#[cfg(feature = "s3")]
mod s3;
mod scheduled;
mod shaped;
