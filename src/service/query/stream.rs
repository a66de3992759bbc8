//! One query's stream: reads the log in bounded steps, then waits for more if it follows.

use std::sync::Arc;

use bytes::Bytes;
use tokio::{sync::watch, time::Instant};

use super::{
    Item, Queries,
    range::rest,
    tail::{Recent, State, Status, Tail, TailEvent},
};
use crate::{
    codec::{
        stored::with_personal,
        token::{Bookmark, QUERY_BYTES, query_digest},
        wire::decode_stored,
    },
    domain::{
        filter::EventFilter,
        query::{EndReason, Message, Order, Query, Start},
        violation::Violations,
    },
    service::ServiceError,
    store::contract::{ScanPage, ScanRequest, StoredEvent},
};

/// What an event costs in a batch beside its own bytes: tag and length.
const FRAME_BYTES: usize = 6;

pub(super) struct Reader {
    queries: Queries,
    query: Query,
    digest: [u8; QUERY_BYTES],
    /// Everything up to here, in the query's order, is dealt with.
    position: u64,
    /// The last position to look for in the store; pinned unless the query follows.
    head: u64,
    /// The newest event known of.
    newest: u64,
    delivered: u64,
    caught_up: bool,
    ended: bool,
    /// Shared with all who follow the log; from the moment on when this one has reached the head.
    tail: Option<(Arc<Tail>, watch::Receiver<Status>)>,
    last_said: Instant,
}

impl Reader {
    pub(super) async fn start(queries: Queries, query: Query) -> Result<Self, ServiceError> {
        check(&query)?;
        let digest = query_digest(&query, &queries.installation);
        let head = queries.store.head(&query.tenant).await?.sequence;
        let mut reader = Self {
            position: beginning(query.order, head),
            head,
            newest: head,
            delivered: 0,
            caught_up: false,
            ended: false,
            tail: None,
            last_said: Instant::now(),
            digest,
            query,
            queries,
        };
        reader.take_start()?;
        Ok(reader)
    }

    fn take_start(&mut self) -> Result<(), ServiceError> {
        match &self.query.start {
            Start::Beginning => {}
            Start::After(sequence) => self.position = *sequence,
            Start::Now => self.position = self.head,
            Start::Token(bytes) => {
                let bookmark = self.queries.tokens.read_resume(bytes, &self.digest)?;
                if bookmark.position > self.head.saturating_add(1) {
                    return Err(ServiceError::Token(
                        "the resume token is ahead of the log: the log was restored from an older backup",
                    ));
                }
                self.position = bookmark.position;
                if !self.query.follow && bookmark.pinned_head != 0 {
                    self.head = self.head.min(bookmark.pinned_head);
                }
            }
        }
        Ok(())
    }

    /// The next message; `None` after the last one.
    pub(super) async fn next(&mut self) -> Result<Option<Item>, ServiceError> {
        if self.ended {
            return Ok(None);
        }
        loop {
            if self.queries.shutdown.is_cancelled() {
                return Err(ServiceError::ShuttingDown);
            }
            if self.query.limit != 0 && self.delivered >= self.query.limit {
                return Ok(Some(self.end(EndReason::Limit)));
            }
            let Some((from, through)) = rest(self.query.order, self.position, self.head, &self.query.filter)
            else {
                match self.at_head().await? {
                    Some(message) => return Ok(Some(self.say(message))),
                    None => continue,
                }
            };
            let batch = self.step(from, through).await?;
            if !batch.is_empty() {
                return Ok(Some(self.say(Message::Batch(batch))));
            }
            if let Some(progress) = self.overdue() {
                return Ok(Some(self.say(progress)));
            }
        }
    }

    /// Reads one step and keeps what matches; moves the position.
    async fn step(&mut self, from: u64, through: u64) -> Result<Vec<Bytes>, ServiceError> {
        let options = &self.queries.options;
        let filter = &self.query.filter;
        let plain = *filter == EventFilter::default();
        let wanted = self.wanted();
        let request = ScanRequest {
            tenant: &self.query.tenant,
            order: self.query.order,
            from,
            through,
            filter,
            max_events: if plain { options.chunk_events.min(wanted) } else { options.chunk_events },
            max_bytes: self.batch_room(),
            with_personal: self.query.show_personal || filter.needs_personal(),
        };
        let ScanPage { events, scanned } = self.queries.store.scan(request).await?;
        let mut batch = Vec::with_capacity(if plain { events.len() } else { 0 });
        self.position = scanned;
        for event in events {
            if !plain && !self.matches(&event)? {
                continue;
            }
            let personal = event.personal.as_ref().filter(|_| self.query.show_personal);
            batch.push(with_personal(&event.payload, personal));
            if batch.len() == wanted {
                self.position = event.sequence;
                break;
            }
        }
        self.delivered += batch.len() as u64;
        Ok(batch)
    }

    fn matches(&self, event: &StoredEvent) -> Result<bool, ServiceError> {
        let decoded = decode_stored(&event.payload, event.personal.as_ref())?;
        Ok(self.query.filter.matches(&decoded))
    }

    /// Everything up to the head that is known is dealt with: ends, or goes on with the tail.
    async fn at_head(&mut self) -> Result<Option<Message<Bytes>>, ServiceError> {
        if !self.query.follow || self.is_past_the_filter() {
            self.ended = true;
            return Ok(Some(Message::End(EndReason::Exhausted)));
        }
        // What is left out up to here, the filter's bounds leave out.
        self.position = self.position.max(self.head);
        let (tail, mut told) = match self.tail.take() {
            Some(tail) => tail,
            None => {
                let tail = self.queries.tails.attach(&self.query.tenant);
                let told = tail.subscribe();
                (tail, told)
            }
        };
        let said = self.at_tail(&tail, &mut told).await;
        self.tail = Some((tail, told));
        said
    }

    /// Whether no event after the position can match.
    fn is_past_the_filter(&self) -> bool {
        let before = self.query.filter.sequence_before;
        before != 0 && self.position.saturating_add(1) >= before
    }

    /// Takes what is new from the tail; tells that it has caught up; or waits.
    async fn at_tail(
        &mut self,
        tail: &Tail,
        told: &mut watch::Receiver<Status>,
    ) -> Result<Option<Message<Bytes>>, ServiceError> {
        let status = *told.borrow_and_update();
        self.newest = self.newest.max(status.last);
        match tail.read(self.position, self.queries.options.chunk_events, self.batch_room()) {
            Recent::Events(events) => {
                let batch = self.pick(&events)?;
                self.head = self.position;
                return Ok((!batch.is_empty()).then_some(Message::Batch(batch)).or_else(|| self.overdue()));
            }
            Recent::Older => {
                // Fallen behind the window, or not come to it yet: the store has the rest.
                self.head = status.last;
                return Ok(None);
            }
            Recent::Nothing => {}
        }
        match status.state {
            State::Away => return Err(ServiceError::StoreAway),
            State::Following | State::Closed if !self.caught_up => {
                self.caught_up = true;
                return Ok(Some(Message::CaughtUp { head: self.newest }));
            }
            State::Closed => {
                self.ended = true;
                return Ok(Some(Message::End(EndReason::TenantClosed)));
            }
            State::Following | State::Starting => {}
        }
        let quiet = self.last_said + self.queries.options.progress_interval;
        tokio::select! {
            () = self.queries.shutdown.cancelled() => Err(ServiceError::ShuttingDown),
            changed = told.changed() => match changed {
                Ok(()) => Ok(None),
                Err(_) if self.queries.shutdown.is_cancelled() => Err(ServiceError::ShuttingDown),
                // Its task has panicked; a new call begins a new one.
                Err(_) => Err(ServiceError::StoreAway),
            },
            () = tokio::time::sleep_until(quiet) => Ok(Some(self.progress())),
        }
    }

    /// Keeps what matches of new events; moves the position.
    fn pick(&mut self, events: &[Arc<TailEvent>]) -> Result<Vec<Bytes>, ServiceError> {
        let plain = self.query.filter == EventFilter::default();
        let wanted = self.wanted();
        let mut batch = Vec::new();
        for event in events {
            if plain || event.matches(&self.query.filter)? {
                let personal = event.stored.personal.as_ref().filter(|_| self.query.show_personal);
                batch.push(with_personal(&event.stored.payload, personal));
            }
            self.position = event.stored.sequence;
            if batch.len() == wanted {
                break;
            }
        }
        self.delivered += batch.len() as u64;
        Ok(batch)
    }

    /// Events that may still be delivered.
    fn wanted(&self) -> usize {
        match self.query.limit {
            0 => usize::MAX,
            limit => usize::try_from(limit - self.delivered).unwrap_or(usize::MAX),
        }
    }

    /// Bytes of payload after which a batch is full, so that the event that fills it still fits.
    fn batch_room(&self) -> usize {
        let options = &self.queries.options;
        let slack = options.event_bytes + options.chunk_events * FRAME_BYTES;
        options.batch_bytes.saturating_sub(slack).max(1)
    }

    fn overdue(&self) -> Option<Message<Bytes>> {
        (self.last_said.elapsed() >= self.queries.options.progress_interval).then(|| self.progress())
    }

    fn progress(&self) -> Message<Bytes> {
        Message::Progress { head: self.newest, scanned: self.position }
    }

    fn end(&mut self, reason: EndReason) -> Item {
        self.ended = true;
        self.say(Message::End(reason))
    }

    fn say(&mut self, message: Message<Bytes>) -> Item {
        self.last_said = Instant::now();
        let pinned_head = if self.query.follow { 0 } else { self.head };
        let bookmark = Bookmark { query: self.digest, position: self.position, pinned_head };
        (message, self.queries.tokens.resume(&bookmark))
    }
}

fn beginning(order: Order, head: u64) -> u64 {
    match order {
        Order::Ascending => 0,
        Order::Descending => head.saturating_add(1),
    }
}

fn check(query: &Query) -> Result<(), Violations> {
    let mut wrong = Violations::new();
    if query.order == Order::Descending {
        if query.follow {
            wrong.add("follow", "needs ascending order; new events come last");
        }
        if query.start == Start::Now {
            wrong.add("from_now", "needs ascending order; descending begins at the head by itself");
        }
    }
    wrong.into_result(())
}
