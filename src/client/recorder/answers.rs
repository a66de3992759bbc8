//! What the driver does with answers.

use std::sync::Arc;

use tokio::{sync::oneshot, time::Instant};
use tonic::Status;

use crate::{
    client::{Client, error::ClientError},
    codec::proto::v1::{Receipt, RecordEventsResponse, RecordResult, record_result::Kind},
};

use super::{
    book::{Done, passes},
    driver::{Driver, From},
    error::RecorderError,
    handle::Outcome,
};

impl Driver {
    /// The stream has given an answer, or ended.
    pub(super) async fn answered(&mut self, answer: Option<Result<RecordEventsResponse, Status>>) {
        let response = match answer {
            Some(Ok(response)) => response,
            Some(Err(status)) => return self.failed(self.client.error(status)).await,
            None => return self.failed(ended_early(&self.client)).await,
        };
        let results: Vec<_> = response.results.into_iter().map(result).collect();
        let some_are_final = results.iter().any(|result| !result.as_ref().is_err_and(passes));
        let held_up = results.iter().find_map(|result| match result {
            Err(error) if passes(error) => Some(error.copy()),
            _ => None,
        });
        match self.book.answer(Instant::now(), results) {
            Ok(done) => {
                if some_are_final || held_up.is_none() {
                    self.backoff.reset();
                    self.in_a_row = 0;
                }
                self.settle(done).await;
            }
            Err(error) => return self.failed(error).await,
        }
        if let Some(error) = held_up {
            self.held_up(error, some_are_final).await;
        }
    }

    /// Tells callers what became of their events, and lets those of the spool go.
    pub(super) async fn settle(&mut self, done: Vec<Done<From>>) {
        let mut from_spool = Vec::new();
        for (item, result) in done {
            match item.from {
                From::Caller(reply, _room) => {
                    drop(reply.send(result.map(Outcome::Answered).map_err(|error| {
                        if passes(&error) {
                            RecorderError::Away(Arc::new(error))
                        } else {
                            RecorderError::Refused(error)
                        }
                    })));
                }
                From::Spool(position) => from_spool.push((position, result.err())),
            }
        }
        self.let_go(from_spool).await;
    }

    /// Tells those who wait for everything to be sent that it is, or that it fails.
    pub(super) fn tell_flushers(&mut self) {
        let empty = self.book.len() == 0 && !self.spooling;
        let state = self.state();
        let error = self.last_error.clone();
        let spool_error = self.spool_error.clone();
        let (in_a_row, failures) = (self.in_a_row, self.failures);
        self.flushers.retain_mut(|flusher| {
            let counted = u64::from(in_a_row).min(failures - flusher.since);
            let patient = flusher.failures.is_none_or(|most| counted < u64::from(most.max(1)));
            let answer = match &error {
                _ if empty => Ok(state),
                // Waiting does not mend a disk.
                _ if flusher.failures.is_some() && spool_error.is_some() => {
                    Err(spool_error.clone().map_or(RecorderError::Closed, RecorderError::Spool))
                }
                Some(error) if !patient => Err(RecorderError::Away(error.clone())),
                _ => return true,
            };
            let (gone, _) = oneshot::channel();
            drop(std::mem::replace(&mut flusher.reply, gone).send(answer));
            false
        });
    }
}

fn ended_early(client: &Client) -> ClientError {
    ClientError::Connection {
        endpoint: client.endpoint().to_owned(),
        status: Status::unavailable("the stream ended before all requests were answered"),
    }
}

fn result(result: RecordResult) -> Result<Receipt, ClientError> {
    match result.kind {
        Some(Kind::Receipt(receipt)) => Ok(receipt),
        Some(Kind::Error(status)) => Err(ClientError::from_result(status)),
        None => Err(ClientError::Contract("a result without a receipt or an error")),
    }
}
