//! Recording at high volume: a handle over the `RecordEvents` stream that batches, reconnects and resends.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use vidne::{
//!     client::{Client, ClientOptions, Outcome, Recorder, RecorderOptions},
//!     codec::proto::v1::{Event, EventType},
//! };
//!
//! let client = Client::connect("http://127.0.0.1:50051", ClientOptions::default())?;
//! let recorder = Recorder::start(client, RecorderOptions::default()).await?;
//! // Waits for room in memory only; the event's place in the order is taken.
//! let pending = recorder.begin(Event { r#type: EventType::RecordRead.into(), ..Event::default() }).await?;
//! match pending.await? {
//!     Outcome::Answered(receipt) => println!("recorded as {}", receipt.sequence),
//!     Outcome::Spooled => println!("on disk here, and sent when the server is back"),
//! }
//! recorder.close(Duration::from_secs(10)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | `handle` | what callers hold |
//! | `options`, `error` | bounds and policies; what can go wrong |
//! | `room` | the bound on memory |
//! | `book` | which event waits, is under way, or goes again: pure |
//! | `link` | one stream |
//! | `driver` | the one task that moves events between all of them |
//! | `commands`, `answers` | what the driver does with them |
//! | `failure` | what the driver does when something fails |
//! | `shelter` | what the driver does with the spool |

mod answers;
mod book;
mod commands;
mod driver;
mod error;
mod failure;
mod handle;
mod link;
mod options;
mod room;
mod shelter;

pub use error::RecorderError;
pub use handle::{Outcome, Pending, Recorder, SpoolState};
pub use options::{Order, Policy, RecorderOptions};
