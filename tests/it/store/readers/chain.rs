//! One reader: calls that go on with the tokens of the calls before.

use std::{sync::Arc, time::Duration};

use futures::{Stream, StreamExt};
use tokio::time::{Instant, sleep, timeout_at};
use vidne::{
    codec::wire::decode_recorded,
    domain::query::{EndReason, Message, Order, Query, Start},
    service::{ServiceError, query::Item},
    store::{Store, StoreError},
};

use super::{
    model::{Claim, Story},
    plan::{Begin, Call, Cut, LOGS, ReaderPlan},
    replica::Replica,
};
use crate::{faults::watchdog::Watchdog, store::sample::tenant};

/// A reader and what it has.
pub struct Chain {
    plan: ReaderPlan,
    /// Outside the servers, and never disturbed for long: tells where the log ends.
    store: Arc<dyn Store>,
    replicas: Arc<Vec<Replica>>,
    story: Story,
    /// Each token with what the reader had when it got it.
    bookmarks: Vec<Bookmark>,
}

struct Bookmark {
    token: Vec<u8>,
    received: usize,
    claims: usize,
    /// Where the head was that the token pins, at least and at most.
    pinned: Option<(u64, u64)>,
}

/// How a call ended.
enum Ended {
    /// The reader or the server cut it, or its limit was reached.
    Cut,
    /// There will be nothing more.
    Done(EndReason),
}

impl Chain {
    pub fn new(plan: ReaderPlan, store: Arc<dyn Store>, replicas: Arc<Vec<Replica>>) -> Self {
        Self { plan, store, replicas, story: Story::default(), bookmarks: Vec::new() }
    }

    /// Makes the calls of the plan, then as many as it takes until there is nothing more.
    pub async fn run(mut self, name: String, watchdog: Watchdog) -> Result<Story, String> {
        let ascending = self.plan.order == Order::Ascending;
        let planned = std::mem::take(&mut self.plan.calls);
        let rest =
            Call { replica: 0, follow: self.plan.follows, limit: 0, cut: Cut::Never, pause: 0, back: 0 };
        for (number, call) in planned.into_iter().chain(std::iter::repeat(rest)).enumerate() {
            let call = Call { follow: call.follow && ascending, ..call };
            watchdog
                .doing(&name, format!("call {number}, {call:?}, after {} events", self.story.received.len()));
            if let Ended::Done(reason) = self.call(call).await.map_err(|wrong| format!("{name}: {wrong}"))? {
                self.story.ended = Some((reason, call.follow));
                // Of a call that does not follow it may be the end of what it pinned only.
                if !self.plan.follows || !ascending || call.follow {
                    break;
                }
            }
        }
        watchdog.done(&name);
        Ok(self.story)
    }

    async fn call(&mut self, call: Call) -> Result<Ended, String> {
        let at_least = self.head().await?;
        let mut query = Query {
            tenant: tenant(LOGS[self.plan.log]),
            filter: self.plan.wanted.filter(),
            order: self.plan.order,
            limit: call.limit,
            follow: call.follow,
            start: Start::Beginning,
            show_personal: self.plan.personal,
        };
        let pinned = self.go_back(call.back, &mut query);
        if let (Start::After(position), Order::Ascending) = (&mut query.start, query.order) {
            // Beyond the head is refused.
            *position = at_least.min(*position);
            self.story.began_at = (*position, *position);
        }
        let first = self.bookmarks.is_empty() && query.start == Start::Now;
        let replica = &self.replicas[call.replica % self.replicas.len()];
        let stream = replica.up().await.queries.query(query).await;
        let mut stream = match stream {
            Ok(stream) => Box::pin(stream),
            Err(error) => return passing(&error).map(|()| Ended::Cut),
        };
        let now = (at_least, self.head().await?);
        if first {
            self.story.began_at = now;
        }
        // Of a token that pins nothing the head is pinned anew.
        let pinned = if call.follow { None } else { Some(pinned.unwrap_or(now)) };
        self.story.pinned = pinned;
        self.read(&mut stream, call, pinned).await
    }

    /// Where to go on: at a token that it has got, or where its plan begins.
    fn go_back(&mut self, messages: usize, query: &mut Query) -> Option<(u64, u64)> {
        let kept = self.bookmarks.len().saturating_sub(messages).max(1);
        self.bookmarks.truncate(kept);
        let Some(Bookmark { token, received, claims, pinned }) = self.bookmarks.last() else {
            query.start = match (self.plan.start, self.plan.order) {
                (Begin::After(position), _) => Start::After(position),
                (Begin::Now, Order::Ascending) => Start::Now,
                (Begin::Now, Order::Descending) | (Begin::Beginning, _) => Start::Beginning,
            };
            return None;
        };
        query.start = Start::Token(token.clone());
        self.story.received.truncate(*received);
        self.story.claims.truncate(*claims);
        *pinned
    }

    async fn read(
        &mut self,
        stream: &mut (impl Stream<Item = Result<Item, ServiceError>> + Unpin),
        call: Call,
        pinned: Option<(u64, u64)>,
    ) -> Result<Ended, String> {
        let (messages, deadline) = match call.cut {
            Cut::After(messages) => (messages, None),
            Cut::Within(milliseconds) => {
                (usize::MAX, Some(Instant::now() + Duration::from_millis(milliseconds)))
            }
            Cut::Never => (usize::MAX, None),
        };
        let (mut delivered, mut caught_up) = (0, false);
        for _ in 0..messages {
            let next = match deadline {
                Some(deadline) => match timeout_at(deadline, stream.next()).await {
                    Ok(next) => next,
                    Err(_) => return Ok(Ended::Cut),
                },
                None => stream.next().await,
            };
            let (message, token) = match next {
                Some(Ok(item)) => item,
                Some(Err(error)) => return passing(&error).map(|()| Ended::Cut),
                None => return Err("the stream ended without saying why".to_owned()),
            };
            let had = self.story.received.len();
            match &message {
                Message::Batch(events) if events.is_empty() => return Err("an empty batch".to_owned()),
                Message::Batch(events) => {
                    for bytes in events {
                        let event = decode_recorded(bytes).map_err(|error| error.to_string())?;
                        self.story.received.push((event.sequence, event.event.personal.is_some()));
                    }
                    delivered += events.len() as u64;
                }
                Message::Progress { scanned, .. } => {
                    self.story.claims.push(Claim { position: *scanned, had })
                }
                Message::CaughtUp { head } if call.follow && !caught_up => {
                    caught_up = true;
                    self.story.claims.push(Claim { position: *head, had });
                }
                Message::CaughtUp { .. } => return Err("said again that it has caught up".to_owned()),
                Message::End(_) => {}
            }
            if call.limit != 0 && delivered > call.limit {
                return Err(format!("{delivered} events, more than {call:?} asked for"));
            }
            let (received, claims) = (self.story.received.len(), self.story.claims.len());
            self.bookmarks.push(Bookmark { token, received, claims, pinned });
            if let Message::End(reason) = message {
                if stream.next().await.is_some() {
                    return Err("something comes after the end".to_owned());
                }
                return match reason {
                    EndReason::Limit if delivered == call.limit => Ok(Ended::Cut),
                    EndReason::Limit => Err(format!("{delivered} events are not the limit of {call:?}")),
                    reason => {
                        self.story.exhausted.extend(pinned.map(|pinned| (pinned, received)));
                        Ok(Ended::Done(reason))
                    }
                };
            }
            sleep(Duration::from_millis(call.pause)).await;
        }
        Ok(Ended::Cut)
    }

    async fn head(&self) -> Result<u64, String> {
        for _ in 0..1_000 {
            match self.store.head(&tenant(LOGS[self.plan.log])).await {
                Ok(head) => return Ok(head.sequence),
                // The connections of this one are ended, too.
                Err(StoreError::Unavailable(_) | StoreError::Busy(_)) => {
                    sleep(Duration::from_millis(2)).await
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        Err("the head cannot be read".to_owned())
    }
}

/// What a reader may meet and goes on after.
fn passing(error: &ServiceError) -> Result<(), String> {
    match error {
        ServiceError::ShuttingDown
        | ServiceError::StoreAway
        | ServiceError::Store(StoreError::Unavailable(_) | StoreError::Busy(_)) => Ok(()),
        other => Err(format!("the stream says {other:?}")),
    }
}
