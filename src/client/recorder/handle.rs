//! What callers hold.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use prost::Message as _;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{
    client::{
        Client,
        spool::{Refused, Spool},
    },
    codec::proto::v1::{Event, Receipt},
};

use super::{
    driver::Driver,
    error::RecorderError,
    options::{Policy, RecorderOptions},
    room::{Room, Taken},
};

/// What became of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The server has answered: recorded, a duplicate, or not recorded because its category is switched off.
    Answered(Receipt),
    /// The event is on this machine's disk and will be sent when the server is back.
    Spooled,
}

/// What a spool holds; all zero without one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpoolState {
    /// Events that wait to be sent.
    pub waiting: u64,
    /// Events that the server refused.
    pub refused: u64,
}

pub(super) type Answer = Result<Outcome, RecorderError>;

/// An event on its way from a caller to the driver.
pub(super) struct Handed {
    pub(super) tenant: String,
    pub(super) event: Bytes,
    pub(super) reply: oneshot::Sender<Answer>,
    pub(super) room: Taken,
}

pub(super) enum Command {
    Record(Handed),
    Flush { failures: Option<u32>, reply: oneshot::Sender<Result<SpoolState, RecorderError>> },
    Refused { limit: u32, reply: oneshot::Sender<Result<Vec<Refused>, RecorderError>> },
    Close { deadline: Instant, reply: oneshot::Sender<SpoolState> },
}

/// Records events over one stream, in order, through broken connections. Cheap to clone: clones share the stream and
/// its bounds. Its task ends when it is closed or the last clone is dropped; what has no answer then is spooled, if there
/// is a spool.
#[derive(Clone, Debug)]
pub struct Recorder {
    commands: mpsc::UnboundedSender<Command>,
    room: Room,
    fail_when_full: bool,
}

/// An event that was taken; a future of what becomes of it. Dropping it changes nothing for the event.
#[derive(Debug)]
#[must_use]
pub struct Pending {
    event_id: String,
    answer: oneshot::Receiver<Answer>,
}

impl Recorder {
    /// Starts the task. Connects with the first event. With [`Policy::Spool`], what an earlier process left in the
    /// spool is sent first.
    ///
    /// # Errors
    ///
    /// If the spool cannot be opened or another process has it.
    pub async fn start(client: Client, options: RecorderOptions) -> Result<Self, RecorderError> {
        let spool = match &options.policy {
            Policy::Spool(spool) => Some(Spool::open(spool).await.map_err(Arc::new)?),
            Policy::Block | Policy::Fail => None,
        };
        // Bounded by the room that each event holds until it is answered.
        let (commands, received) = mpsc::unbounded_channel();
        let room = Room::new(options.max_events, options.max_bytes);
        let fail_when_full = matches!(options.policy, Policy::Fail);
        // Ends when all handles are gone, so it need not be held.
        drop(tokio::spawn(Driver::new(client, options, received, room.clone(), spool).run()));
        Ok(Self { commands, room, fail_when_full })
    }

    /// Records one event and waits for what becomes of it.
    ///
    /// # Errors
    ///
    /// As [`Recorder::begin`] and [`Pending`].
    pub async fn record(&self, event: Event) -> Result<Outcome, RecorderError> {
        self.begin(event).await?.await
    }

    /// Hands an event over; returns when there was room for it in memory. Events handed over one after the other are
    /// recorded in that order within their tenant. If the event has no id, one is chosen here, before the first
    /// attempt. Dropping the future before it is done hands nothing over.
    ///
    /// # Errors
    ///
    /// [`RecorderError::Full`] with [`Policy::Fail`], or [`RecorderError::Closed`]; the event was not taken.
    pub async fn begin(&self, mut event: Event) -> Result<Pending, RecorderError> {
        Client::choose_ids(std::slice::from_mut(&mut event));
        let encoded = Bytes::from(event.encode_to_vec());
        let room = if self.fail_when_full {
            self.room.now(encoded.len())?
        } else {
            self.room.wait(encoded.len()).await?
        };
        let (reply, answer) = oneshot::channel();
        let pending = Pending { event_id: event.event_id, answer };
        let handed = Handed { tenant: event.tenant_id, event: encoded, reply, room };
        self.commands.send(Command::Record(handed)).map_err(|_| RecorderError::Closed)?;
        Ok(pending)
    }

    /// Waits until everything handed over before is answered and the spool, if there is one, is empty; or until that
    /// many attempts in a row have failed or the spool fails (`None`: for ever).
    ///
    /// # Errors
    ///
    /// The last failure, or [`RecorderError::Closed`].
    pub async fn flush(&self, failures: Option<u32>) -> Result<SpoolState, RecorderError> {
        self.ask(|reply| Command::Flush { failures, reply }).await?
    }

    /// Events that the server refused when they were sent from the spool, oldest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// If the spool cannot be read.
    pub async fn refused(&self, limit: u32) -> Result<Vec<Refused>, RecorderError> {
        self.ask(|reply| Command::Refused { limit, reply }).await?
    }

    /// Takes nothing more and waits until everything is answered or in the spool, at most `within`. After that,
    /// without a spool, what has no answer ends with [`RecorderError::Closed`]; with one, it is spooled.
    ///
    /// Returns what the spool still holds.
    ///
    /// # Errors
    ///
    /// [`RecorderError::Closed`] if it was closed before.
    pub async fn close(self, within: Duration) -> Result<SpoolState, RecorderError> {
        self.ask(|reply| Command::Close { deadline: Instant::now() + within, reply }).await
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, RecorderError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).map_err(|_| RecorderError::Closed)?;
        answer.await.map_err(|_| RecorderError::Closed)
    }
}

impl Pending {
    /// The event's id: the caller's, or the one that was chosen.
    pub fn event_id(&self) -> &str {
        &self.event_id
    }
}

impl Future for Pending {
    type Output = Result<Outcome, RecorderError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answer).poll(context).map(|answer| answer.unwrap_or(Err(RecorderError::Closed)))
    }
}
