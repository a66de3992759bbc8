//! The client that other services and the command line use: safe retries, batches, streams that resume.
//!
//! ```no_run
//! # async fn example() -> Result<(), vidne::client::ClientError> {
//! use vidne::{client::{Client, ClientOptions}, codec::proto::v1::{Event, EventType}};
//!
//! let client = Client::connect("http://127.0.0.1:50051", ClientOptions::default())?;
//! let receipt = client.record(Event { r#type: EventType::RecordRead.into(), ..Event::default() }).await?;
//! println!("recorded as {}", receipt.sequence);
//! # Ok(())
//! # }
//! ```

mod again;
mod backoff;
mod batch;
mod connection;
mod consume;
mod error;
mod exports;
mod options;
pub mod proto;
mod query;
mod read;
mod record;
mod recorder;
mod spool;
mod subscriptions;
mod summary;
mod tenants;

pub use backoff::Backoff;
pub use batch::{BATCH_BYTES, BATCH_EVENTS, Batcher};
pub use connection::Client;
pub use consume::{Consumer, ConsumerItem, ConsumerMessage};
pub use error::{ClientError, FieldViolation};
pub use exports::ExportRun;
pub use options::{ClientOptions, Resume};
pub use query::{EventStream, QueryItem, QueryMessage};
pub use read::Serving;
pub use recorder::{Order, Outcome, Pending, Policy, Recorder, RecorderError, RecorderOptions, SpoolState};
pub use spool::{Refused, SPOOL_FILE, Spool, SpoolError, SpoolOptions};
