//! One query's stream past the log's head: what is new comes from the tail that all followers share.

use bytes::Bytes;
use tokio::sync::watch;

use super::{
    stream::Reader,
    tail::{Recent, Run, State, Status, Tail},
};
use crate::{
    codec::stored::with_personal,
    domain::{
        filter::EventFilter,
        query::{EndReason, Message},
    },
    service::ServiceError,
};

impl Reader {
    /// Everything up to the head that is known is dealt with: ends, or goes on with the tail.
    pub(super) async fn at_head(&mut self) -> Result<Option<Message<Bytes>>, ServiceError> {
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
        let before = self.bounds.before;
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
            Recent::Events(runs) => {
                let batch = self.pick(&runs)?;
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
    fn pick(&mut self, runs: &[Run]) -> Result<Vec<Bytes>, ServiceError> {
        let plain = self.query.filter == EventFilter::default();
        let wanted = self.wanted();
        let mut batch = Vec::new();
        for event in runs.iter().flat_map(Run::events) {
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
}
