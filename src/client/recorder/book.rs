//! Which event waits, is under way, or goes again. Pure: no clock, no connection.
//!
//! Each tenant has a lane. What waits in a lane is sent in order; what comes back unanswered goes to its front again.

mod lane;

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    mem,
};

use bytes::Bytes;
use prost::length_delimiter_len;
use tokio::time::Instant;

use crate::{
    client::{backoff::Backoff, error::ClientError},
    codec::proto::v1::Receipt,
};

pub(super) use lane::{Item, RequestLimits};

use super::options::Order;
use lane::{Flight, Lane};

/// An event with its answer.
pub(super) type Done<F> = (Item<F>, Result<Receipt, ClientError>);

#[derive(Debug)]
pub(super) struct Book<F> {
    lanes: HashMap<String, Lane<F>>,
    /// Tenants that may send, in turn.
    ready: VecDeque<String>,
    flights: VecDeque<Flight<F>>,
    waiting: usize,
    under_way: usize,
    limits: RequestLimits,
    /// Events of the next request; halved to find an event that spoils a request, doubled with each answer.
    careful: usize,
    /// Lanes that wait after a failure.
    paused: usize,
    order: Order,
    backoff: Backoff,
    max_failures: u32,
}

impl<F> Book<F> {
    /// `backoff` is how a tenant waits whose events failed for the moment; an event that has failed more than
    /// `max_failures` times in a row is done with.
    pub(super) fn new(limits: RequestLimits, order: Order, backoff: Backoff, max_failures: u32) -> Self {
        let limits = RequestLimits { events: limits.events.max(1), bytes: limits.bytes.max(1) };
        Self {
            lanes: HashMap::new(),
            ready: VecDeque::new(),
            flights: VecDeque::new(),
            waiting: 0,
            under_way: 0,
            careful: limits.events,
            paused: 0,
            limits,
            order,
            backoff,
            max_failures,
        }
    }

    /// Events that have no answer.
    pub(super) fn len(&self) -> usize {
        self.waiting + self.under_way
    }

    /// Events that are not under way.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Requests without an answer.
    pub(super) fn flights(&self) -> usize {
        self.flights.len()
    }

    /// Whether there is anything to send now.
    pub(super) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether what waits fills a request.
    pub(super) fn fills_a_request(&self) -> bool {
        self.waiting >= self.careful.min(self.limits.events)
    }

    /// When the oldest request without an answer was sent.
    pub(super) fn oldest_sent(&self) -> Option<Instant> {
        self.flights.front().map(|flight| flight.sent)
    }

    /// When the next tenant that waits after a failure may send again.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        // Looked at in each turn, and nearly always none.
        if self.paused == 0 {
            return None;
        }
        self.lanes.values().filter_map(|lane| lane.not_before).min()
    }

    /// Takes a new event, behind all others of its tenant.
    pub(super) fn add(&mut self, item: Item<F>) {
        let tenant = item.tenant.clone();
        self.lane(&tenant).waiting.push_back(item);
        self.waiting += 1;
        self.enlist(&tenant);
    }

    /// Lets tenants send whose pause is over.
    pub(super) fn wake(&mut self, now: Instant) {
        if self.paused == 0 {
            return;
        }
        let over = |lane: &Lane<F>| lane.not_before.is_some_and(|instant| instant <= now);
        let woken: Vec<String> =
            self.lanes.iter().filter(|(_, lane)| over(lane)).map(|(name, _)| name.clone()).collect();
        for tenant in woken {
            self.lane(&tenant).not_before = None;
            self.paused -= 1;
            self.enlist(&tenant);
        }
    }

    /// The events of the next request, which is under way from now on; `None` if there is none to send.
    pub(super) fn next_request(&mut self, now: Instant) -> Option<Vec<Bytes>> {
        let most = self.careful.min(self.limits.events);
        let mut items: Vec<Item<F>> = Vec::new();
        let mut bytes = 0;
        let mut full = false;
        while !full && let Some(tenant) = self.ready.pop_front() {
            let Some(lane) = self.lanes.get_mut(&tenant) else { continue };
            lane.ready = false;
            while let Some(item) = lane.waiting.front() {
                let size = element_size(&item.event);
                // An event larger than a request stands alone, for the server to refuse.
                full = items.len() >= most || (bytes + size > self.limits.bytes && !items.is_empty());
                if full {
                    break;
                }
                bytes += size;
                lane.under_way += 1;
                items.extend(lane.waiting.pop_front());
            }
            let more = !lane.waiting.is_empty();
            let may = self.order == Order::Pipelined || lane.under_way == 0;
            if more && may {
                lane.ready = true;
                self.ready.push_front(tenant);
            }
        }
        if items.is_empty() {
            return None;
        }
        self.waiting -= items.len();
        self.under_way += items.len();
        let events = items.iter().map(|item| item.event.clone()).collect();
        self.flights.push_back(Flight { items, sent: now });
        Some(events)
    }

    /// The answer to the oldest request: the events that are done. The others, which failed for the moment, go again
    /// before everything else of their tenant, after a pause. An answer that is not one result per event is given back.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        results: Vec<Result<Receipt, ClientError>>,
    ) -> Result<Vec<Done<F>>, ClientError> {
        let Some(flight) = self.flights.pop_front() else {
            return Err(ClientError::Contract("an answer without a request"));
        };
        if flight.items.len() != results.len() {
            self.flights.push_front(flight);
            return Err(ClientError::Contract("not one result per event"));
        }
        self.careful = self.careful.saturating_mul(2).min(self.limits.events);
        self.under_way -= flight.items.len();
        let mut done = Vec::with_capacity(results.len());
        let mut again: HashMap<String, Vec<(Item<F>, ClientError)>> = HashMap::new();
        let mut touched: Vec<String> = Vec::new();
        for (item, result) in flight.items.into_iter().zip(results) {
            self.lane(&item.tenant).under_way -= 1;
            if touched.last() != Some(&item.tenant) {
                touched.push(item.tenant.clone());
            }
            match result {
                Err(error) if passes(&error) => {
                    again.entry(item.tenant.clone()).or_default().push((item, error));
                }
                result => done.push((item, result)),
            }
        }
        for tenant in touched {
            match again.remove(&tenant) {
                Some(failed) => self.pause(now, &tenant, failed, &mut done),
                None => self.lane(&tenant).backoff.reset(),
            }
            self.enlist(&tenant);
        }
        Ok(done)
    }

    /// The stream is gone: everything under way waits again, at the front and in its order.
    pub(super) fn broken(&mut self) {
        while let Some(flight) = self.flights.pop_back() {
            self.put_back(flight.items);
        }
    }

    /// The oldest request was refused as a whole, and nothing behind it was looked at. Takes smaller requests from
    /// now on; if it was one event, that is returned and is to be refused. Then [`Book::broken`] applies.
    pub(super) fn blame_oldest(
        &mut self,
        limit_events: Option<usize>,
        limit_bytes: Option<usize>,
    ) -> Option<Item<F>> {
        let mut flight = self.flights.pop_front()?;
        if flight.items.len() == 1 {
            let item = flight.items.pop()?;
            self.under_way -= 1;
            self.lane(&item.tenant).under_way -= 1;
            self.enlist(&item.tenant.clone());
            return Some(item);
        }
        let sent_events = flight.items.len();
        let sent_bytes: usize = flight.items.iter().map(|item| element_size(&item.event)).sum();
        match (limit_events, limit_bytes) {
            (Some(events), _) if (1..sent_events).contains(&events) => self.limits.events = events,
            (_, Some(bytes)) if (1..sent_bytes).contains(&bytes) => self.limits.bytes = bytes,
            // Not said, or not believable: halves find the event that is to blame.
            _ => self.careful = (sent_events / 2).max(1),
        }
        self.careful = self.careful.min(self.limits.events);
        self.flights.push_front(flight);
        None
    }

    /// Takes everything out, in the order of [`Item::place`].
    pub(super) fn take_all(&mut self) -> Vec<Item<F>> {
        self.broken();
        let lanes = mem::take(&mut self.lanes).into_values();
        let mut items: Vec<_> = lanes.flat_map(|lane| lane.waiting).collect();
        items.sort_unstable_by_key(|item| item.place);
        self.ready.clear();
        self.waiting = 0;
        self.paused = 0;
        items
    }

    fn pause(
        &mut self,
        now: Instant,
        tenant: &str,
        failed: Vec<(Item<F>, ClientError)>,
        done: &mut Vec<Done<F>>,
    ) {
        let max_failures = self.max_failures;
        let lane = self.lane(tenant);
        if lane.backoff.failures() >= max_failures {
            lane.backoff.reset();
            done.extend(failed.into_iter().map(|(item, error)| (item, Err(error))));
            return;
        }
        let asked = failed.iter().filter_map(|(_, error)| error.retry_after()).max();
        let until = now + lane.backoff.after_failure(asked);
        let paused_before = lane.not_before.replace(until).is_some();
        let was_ready = mem::take(&mut lane.ready);
        let count = failed.len();
        for (item, _) in failed.into_iter().rev() {
            lane.return_to_place(item);
        }
        self.waiting += count;
        self.paused += usize::from(!paused_before);
        if was_ready {
            self.ready.retain(|ready| ready != tenant);
        }
    }

    fn put_back(&mut self, items: Vec<Item<F>>) {
        self.under_way -= items.len();
        self.waiting += items.len();
        for item in items.into_iter().rev() {
            let tenant = item.tenant.clone();
            let lane = self.lane(&tenant);
            lane.under_way -= 1;
            lane.return_to_place(item);
            self.enlist(&tenant);
        }
    }

    fn lane(&mut self, tenant: &str) -> &mut Lane<F> {
        let backoff = &self.backoff;
        self.lanes.entry(tenant.to_owned()).or_insert_with(|| Lane {
            waiting: VecDeque::new(),
            under_way: 0,
            ready: false,
            backoff: backoff.clone(),
            not_before: None,
        })
    }

    /// Lets a tenant send if it may, and forgets it if it has nothing.
    fn enlist(&mut self, tenant: &str) {
        let Entry::Occupied(mut entry) = self.lanes.entry(tenant.to_owned()) else { return };
        let lane = entry.get_mut();
        let free = self.order == Order::Pipelined || lane.under_way == 0;
        if lane.waiting.is_empty() {
            if lane.under_way == 0 && !lane.ready {
                entry.remove();
            }
        } else if free && !lane.ready && lane.not_before.is_none() {
            lane.ready = true;
            self.ready.push_back(tenant.to_owned());
        }
    }
}

/// Whether the same again may work.
pub(super) fn passes(error: &ClientError) -> bool {
    error.is_transient() || error.code() == Some(tonic::Code::Aborted)
}

/// Bytes of an event in a request: tag, length and content.
fn element_size(event: &Bytes) -> usize {
    1 + length_delimiter_len(event.len()) + event.len()
}

#[cfg(test)]
mod tests;
