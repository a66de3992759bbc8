//! One query's stream: reads the log in bounded steps up to its head. `follow` goes on from there.

use std::sync::Arc;

use bytes::Bytes;
use tokio::{sync::watch, time::Instant};

use super::{
    Item, Queries,
    density::Density,
    range::{Bounds, rest},
    tail::{Status, Tail},
};
use crate::{
    codec::{
        stored::with_personal,
        token::{Bookmark, QUERY_BYTES, query_digest},
        wire::decode_stored,
    },
    domain::{
        query::{EndReason, Message, Order, Query, Start},
        violation::Violations,
    },
    service::ServiceError,
    store::contract::{Payload, ScanPage, ScanRequest},
};

/// What an event costs in a batch beside its own bytes: tag and length.
const FRAME_BYTES: usize = 6;

pub(super) struct Reader {
    pub(super) queries: Queries,
    pub(super) query: Query,
    digest: [u8; QUERY_BYTES],
    /// Everything up to here, in the query's order, is dealt with.
    pub(super) position: u64,
    /// The last position to look for in the store; pinned unless the query follows.
    pub(super) head: u64,
    /// Where the filter's sequences and recorded times lie in the log.
    pub(super) bounds: Bounds,
    /// The newest event known of.
    pub(super) newest: u64,
    pub(super) delivered: u64,
    pub(super) caught_up: bool,
    pub(super) ended: bool,
    /// What the last step in the store found.
    density: Density,
    /// Shared with all who follow the log; from the moment on when this one has reached the head.
    pub(super) tail: Option<(Arc<Tail>, watch::Receiver<Status>)>,
    pub(super) last_said: Instant,
}

impl Reader {
    pub(super) async fn start(queries: Queries, query: Query) -> Result<Self, ServiceError> {
        check(&query)?;
        let digest = query_digest(&query, &queries.installation);
        let head = queries.store.head(&query.tenant).await?.sequence;
        let bounds = Bounds::find(&*queries.store, &query.tenant, &query.filter, head).await?;
        let mut reader = Self {
            position: beginning(query.order, head),
            head,
            bounds,
            newest: head,
            delivered: 0,
            caught_up: false,
            ended: false,
            density: Density::default(),
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
            Start::After(sequence) => self.position = after(self.query.order, *sequence, self.head)?,
            Start::Now => self.position = self.head,
            Start::Token(bytes) => {
                let bookmark = self.queries.tokens.read_resume(bytes, &self.digest)?;
                if bookmark.position > self.head.saturating_add(1) {
                    return Err(ServiceError::Token(
                        "the resume token is ahead of the log: the log was restored from an older backup",
                    ));
                }
                self.position = bookmark.position;
                if let (false, Some(pinned)) = (self.query.follow, bookmark.pinned_head) {
                    self.head = self.head.min(pinned);
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
            let Some((from, through)) = rest(self.query.order, self.position, self.head, self.bounds) else {
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

    /// Whether the next message begins in the store: neither at the end nor at the tail.
    pub(super) fn has_more_in_store(&self) -> bool {
        let limited = self.query.limit != 0 && self.delivered >= self.query.limit;
        !self.ended
            && !limited
            && self.tail.is_none()
            && rest(self.query.order, self.position, self.head, self.bounds).is_some()
    }

    /// Reads one step and keeps what matches; moves the position.
    async fn step(&mut self, from: u64, through: u64) -> Result<Vec<Bytes>, ServiceError> {
        let options = &self.queries.options;
        let filter = &self.query.filter;
        // Decided by the store: the bytes go on as they are, undecoded.
        let plain = filter.asks_columns_only();
        let wanted = self.wanted();
        let max_events = if plain { options.chunk_events.min(wanted) } else { options.chunk_events };
        let max_bytes = self.batch_room();
        let request = ScanRequest {
            tenant: &self.query.tenant,
            order: self.query.order,
            from,
            through,
            filter,
            max_events,
            max_bytes,
            with_personal: self.query.show_personal || filter.needs_personal(),
            full_after: self.density.full_after(max_events, max_bytes),
        };
        let page = self.queries.store.scan_payloads(request).await?;
        self.density.learn(page.scanned.abs_diff(from) + 1, &page);
        let ScanPage { events, scanned } = page;
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

    fn matches(&self, event: &Payload) -> Result<bool, ServiceError> {
        let decoded = decode_stored(&event.payload, event.personal.as_ref())?;
        Ok(self.query.filter.matches(&decoded))
    }

    /// Events that may still be delivered.
    pub(super) fn wanted(&self) -> usize {
        match self.query.limit {
            0 => usize::MAX,
            limit => usize::try_from(limit - self.delivered).unwrap_or(usize::MAX),
        }
    }

    /// Bytes of payload after which a batch is full, so that the event that fills it still fits.
    pub(super) fn batch_room(&self) -> usize {
        let options = &self.queries.options;
        let slack = options.event_bytes + options.chunk_events * FRAME_BYTES;
        options.batch_bytes.saturating_sub(slack).max(1)
    }

    pub(super) fn overdue(&self) -> Option<Message<Bytes>> {
        (self.last_said.elapsed() >= self.queries.options.progress_interval).then(|| self.progress())
    }

    pub(super) fn progress(&self) -> Message<Bytes> {
        Message::Progress { head: self.newest, scanned: self.position }
    }

    fn end(&mut self, reason: EndReason) -> Item {
        self.ended = true;
        self.say(Message::End(reason))
    }

    fn say(&mut self, message: Message<Bytes>) -> Item {
        self.last_said = Instant::now();
        let pinned_head = (!self.query.follow).then_some(self.head);
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

/// Where a query begins that goes on after `sequence` of a log that ends at `head`.
fn after(order: Order, sequence: u64, head: u64) -> Result<u64, Violations> {
    match order {
        // Whatever is recorded up to there would be left out silently.
        Order::Ascending if sequence > head => {
            let message = format!("beyond the newest event, which is {head}; say from_now to begin there");
            Err(Violations::one("after_sequence", message))
        }
        Order::Ascending => Ok(sequence),
        Order::Descending => Ok(sequence.min(beginning(order, head))),
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
