//! What the driver does with the spool.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;
use tokio::{sync::oneshot, time::Instant};

use crate::{
    client::{
        error::ClientError,
        spool::{Settled, SpoolError},
    },
    codec::proto::v1::Event,
};

use super::{
    book::Item,
    driver::{Driver, From},
    error::RecorderError,
    handle::{Answer, Outcome},
};

/// The longest reason of a refusal that is kept.
const REASON_BYTES: usize = 1_000;

impl Driver {
    /// The server is away: all that waits in memory goes to the spool, in order.
    pub(super) async fn move_to_spool(&mut self) {
        let mut events = Vec::new();
        for item in self.book.take_all() {
            if let From::Caller(reply, _room) = item.from {
                events.push((item.event, reply));
            }
        }
        self.shelter(events).await;
    }

    /// Puts events into the spool and tells those who wait.
    pub(super) async fn shelter(&mut self, events: Vec<(Bytes, oneshot::Sender<Answer>)>) {
        let Some(spool) = &mut self.spool else { return };
        let (events, replies): (Vec<Bytes>, Vec<_>) = events.into_iter().unzip();
        let taken = spool.append(&events).await;
        let (count, error) = match taken {
            Ok(count) => (count, (count < events.len()).then(|| Arc::new(spool.full()))),
            Err(error) => {
                log(&error);
                // The events may be there all the same.
                drop(spool.count().await);
                (0, Some(Arc::new(error)))
            }
        };
        self.spooling |= spool.waiting() > 0;
        for (i, reply) in replies.into_iter().enumerate() {
            let answer = match &error {
                Some(error) if i >= count => Err(RecorderError::Spool(error.clone())),
                _ => Ok(Outcome::Spooled),
            };
            drop(reply.send(answer));
        }
    }

    /// Reads more of the spool into memory when there is little left of it; ends spooling when there is none.
    pub(super) async fn load(&mut self, now: Instant) {
        if !self.spooling || self.spool_not_before.is_some_and(|instant| now < instant) {
            return;
        }
        self.spool_not_before = None;
        self.spool_error = None;
        let Some(spool) = &mut self.spool else { return };
        let in_book = self.book.len();
        if in_book == 0 && spool.waiting() == 0 {
            self.spooling = false;
            self.loaded = 0;
            return;
        }
        if in_book > self.options.max_events / 2 || spool.waiting() <= in_book as u64 {
            return;
        }
        let room = self.options.max_events.max(1) - in_book;
        // Half a memory at a time, since the other half may still be there.
        match spool.next(self.loaded, room, self.options.max_bytes / 2 + 1).await {
            Ok(rows) if rows.is_empty() => {
                drop(spool.count().await);
                self.spool_failed(None, now);
            }
            Ok(rows) => {
                let mut damaged = Vec::new();
                for row in rows {
                    self.loaded = row.position;
                    match Event::decode(row.event.clone()) {
                        Ok(Event { tenant_id, .. }) => self.book.add(Item {
                            place: row.position.cast_unsigned(),
                            tenant: tenant_id,
                            event: row.event,
                            from: From::Spool(row.position),
                        }),
                        Err(_) => damaged.push((row.position, Some("it is damaged".to_owned()))),
                    }
                }
                self.remove(damaged).await;
            }
            Err(error) => self.spool_failed(Some(error), now),
        }
    }

    /// Events of the spool have an answer.
    pub(super) async fn let_go(&mut self, events: Vec<(i64, Option<ClientError>)>) {
        let reason = |(position, error): (i64, Option<ClientError>)| (position, error.as_ref().map(why));
        self.remove(events.into_iter().map(reason).collect()).await;
    }

    async fn remove(&mut self, events: Vec<(i64, Option<String>)>) {
        let Some(spool) = self.spool.as_mut().filter(|_| !events.is_empty()) else { return };
        let settled: Vec<Settled> =
            events.into_iter().map(|(position, refused)| Settled { position, refused }).collect();
        let refused = settled.iter().filter(|event| event.refused.is_some()).count();
        if refused > 0 {
            tracing::warn!(spool.refused = refused, "events of the spool were refused; they are kept in it");
        }
        if let Err(error) = spool.settle(&settled).await {
            self.spool_failed(Some(error), Instant::now());
        }
    }

    /// The spool does not do what it should. What of it is in memory is forgotten and read again after a pause: events
    /// that were sent already are answered as duplicates then.
    fn spool_failed(&mut self, error: Option<SpoolError>, now: Instant) {
        if let Some(error) = error {
            log(&error);
            self.spool_error = Some(Arc::new(error));
        }
        self.link = None;
        drop(self.book.take_all());
        self.loaded = 0;
        self.spool_not_before = Some(now + self.backoff.after_failure(None));
    }
}

/// The reason of a refusal, in one line.
fn why(error: &ClientError) -> String {
    let violations = error.violations();
    let mut text = if violations.is_empty() {
        error.to_string()
    } else {
        violations.iter().map(|v| format!("{}: {}", v.field, v.description)).collect::<Vec<_>>().join("; ")
    };
    if let Some(reason) = error.reason() {
        text = format!("{reason}: {text}");
    }
    text.truncate(text.floor_char_boundary(REASON_BYTES));
    text
}

fn log(error: &SpoolError) {
    tracing::error!(%error, "the spool failed");
}
