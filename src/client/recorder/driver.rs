//! The one task that owns stream, book and spool.
//!
//! It never spins: each turn of [`Driver::run`] waits for a command, an answer or a point in time, and whatever
//! ends a wait changes what the next one waits for. A failure closes the stream and sets a pause; a timer that has
//! passed is acted upon by [`Driver::due`] or taken away by [`Driver::send`].

use std::sync::Arc;

use tokio::{
    sync::{mpsc, oneshot},
    time::{self, Instant},
};
use tonic::Status;

use crate::{
    client::{
        Client,
        backoff::Backoff,
        error::ClientError,
        spool::{Spool, SpoolError},
    },
    codec::proto::{internal::RawEventBatch, v1::RecordEventsResponse},
};

use super::{
    book::{Book, RequestLimits},
    error::RecorderError,
    handle::{Answer, Command, SpoolState},
    link::Link,
    options::RecorderOptions,
    room::{Room, Taken},
};

/// Where an event came from, and so who is told what became of it.
pub(super) enum From {
    /// From a caller, who holds the other end; and its room in memory.
    Caller(oneshot::Sender<Answer>, Taken),
    /// From this position of the spool.
    Spool(i64),
}

pub(super) struct Flusher {
    pub(super) failures: Option<u32>,
    /// Failures counted so far when it came.
    pub(super) since: u64,
    pub(super) reply: oneshot::Sender<Result<SpoolState, RecorderError>>,
}

pub(super) struct Driver {
    pub(super) client: Client,
    pub(super) options: RecorderOptions,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) room: Room,
    /// Either all from callers or, while `spooling`, all from the spool.
    pub(super) book: Book<From>,
    /// The place of the next event from a caller.
    pub(super) next_place: u64,
    pub(super) link: Option<Link>,
    pub(super) backoff: Backoff,
    /// No stream is opened before.
    pub(super) not_before: Option<Instant>,
    /// What waits is sent no later.
    pub(super) linger_until: Instant,
    pub(super) spool: Option<Spool>,
    /// The spool has events; new ones go behind them.
    pub(super) spooling: bool,
    /// The last position that is in the book.
    pub(super) loaded: i64,
    /// The spool is not read before: it failed.
    pub(super) spool_not_before: Option<Instant>,
    /// Why, until it is tried again.
    pub(super) spool_error: Option<Arc<SpoolError>>,
    /// Failures in a row, and all of them.
    pub(super) in_a_row: u32,
    pub(super) failures: u64,
    pub(super) last_error: Option<Arc<ClientError>>,
    pub(super) flushers: Vec<Flusher>,
    pub(super) closing: Option<(Instant, oneshot::Sender<SpoolState>)>,
    /// All handles are gone, or it was closed.
    pub(super) deaf: bool,
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Also if the task panics: nobody waits for room that never comes.
        self.room.close();
    }
}

impl Driver {
    pub(super) fn new(
        client: Client,
        options: RecorderOptions,
        commands: mpsc::UnboundedReceiver<Command>,
        room: Room,
        spool: Option<Spool>,
    ) -> Self {
        let limits = RequestLimits { events: options.request_events, bytes: options.request_bytes };
        let backoff = Backoff::new(client.options());
        let max_failures = if spool.is_some() { None } else { options.max_failures };
        Self {
            book: Book::new(limits, options.order, backoff.clone(), max_failures.unwrap_or(u32::MAX)),
            client,
            options,
            commands,
            room,
            next_place: 0,
            link: None,
            backoff,
            not_before: None,
            linger_until: Instant::now(),
            spooling: spool.as_ref().is_some_and(|spool| spool.waiting() > 0),
            spool,
            loaded: 0,
            spool_not_before: None,
            spool_error: None,
            in_a_row: 0,
            failures: 0,
            last_error: None,
            flushers: Vec::new(),
            closing: None,
            deaf: false,
        }
    }

    /// Runs until it is closed or all handles are gone.
    pub(super) async fn run(mut self) {
        loop {
            let now = Instant::now();
            self.load(now).await;
            self.send(now);
            self.tell_flushers();
            if self.is_over(now) {
                break;
            }
            let wake = self.wake(now);
            let answering = self.link.is_some();
            tokio::select! {
                command = self.commands.recv(), if !self.deaf => self.hear(command).await,
                answer = answer(self.link.as_mut()), if answering => self.answered(answer).await,
                () = sleep_until(wake), if wake.is_some() => self.due().await,
            }
        }
        self.end().await;
    }

    /// Opens a stream if there is something to send, and sends what may be sent.
    fn send(&mut self, now: Instant) {
        self.book.wake(now);
        if !self.may_send(now) || (self.lingers() && now < self.linger_until) {
            return;
        }
        self.not_before = None;
        while self.book.flights() < self.options.requests_in_flight.max(1)
            && let Some(events) = self.book.next_request(now)
        {
            let most = self.options.requests_in_flight;
            let client = &self.client;
            self.link.get_or_insert_with(|| Link::open(client, most)).send(RawEventBatch { events });
        }
    }

    fn may_send(&self, now: Instant) -> bool {
        self.book.is_ready()
            && self.book.flights() < self.options.requests_in_flight.max(1)
            && (self.link.is_some() || self.not_before.is_none_or(|instant| instant <= now))
    }

    fn lingers(&self) -> bool {
        !self.options.linger.is_zero()
            && !self.spooling
            && !self.deaf
            && self.flushers.is_empty()
            && !self.book.fills_a_request()
    }

    /// When something is due if nothing else happens.
    fn wake(&self, now: Instant) -> Option<Instant> {
        // Nothing is sent before the pause after a failure is over; with a stream there is no such pause.
        let open =
            self.not_before.filter(|instant| *instant > now && self.link.is_none() && self.book.is_ready());
        let linger = (self.may_send(now) && self.lingers()).then_some(self.linger_until);
        let silence = self.book.oldest_sent().map(|sent| sent + self.options.answer_timeout);
        let close = self.closing.as_ref().map(|(deadline, _)| *deadline);
        [open, linger, silence, close, self.book.next_wake(), self.spool_not_before]
            .into_iter()
            .flatten()
            .min()
    }

    /// A point in time has come. Pauses and the linger are looked at by the next turn, the rest here.
    async fn due(&mut self) {
        let silence = self.options.answer_timeout;
        if self.book.oldest_sent().is_some_and(|sent| sent + silence <= Instant::now()) {
            self.failed(self.client.silent(silence)).await;
        }
    }

    fn is_over(&mut self, now: Instant) -> bool {
        match &self.closing {
            // In the spool or answered, and nothing more to hear.
            Some((deadline, _)) => *deadline <= now || (self.deaf && (self.spooling || self.book.len() == 0)),
            None => self.deaf,
        }
    }

    /// The last words: what has no answer is spooled, or said to have none.
    async fn end(mut self) {
        self.link = None;
        self.commands.close();
        while let Ok(command) = self.commands.try_recv() {
            if let Command::Record(event) = command {
                self.take(vec![event]).await;
            }
        }
        if self.spool.is_some() && !self.spooling {
            self.move_to_spool().await;
        }
        // Callers whose events are dropped here hear `Closed`.
        drop(self.book.take_all());
        let state = self.state();
        if let Some(spool) = self.spool.take() {
            spool.close().await;
        }
        if let Some((_, reply)) = self.closing.take() {
            let _ = reply.send(state);
        }
    }

    pub(super) fn state(&self) -> SpoolState {
        self.spool.as_ref().map_or_else(SpoolState::default, |spool| SpoolState {
            waiting: spool.waiting(),
            refused: spool.refused_count(),
        })
    }
}

async fn answer(link: Option<&mut Link>) -> Option<Result<RecordEventsResponse, Status>> {
    match link {
        Some(link) => link.answer().await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
