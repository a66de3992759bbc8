//! Streams of events that go on after a broken connection.

use std::pin::Pin;

use bytes::Bytes;
use futures::{Stream, stream};
use tokio::time::{self, Instant};
use tonic::Streaming;

use crate::codec::proto::v1::{
    EndReason, QueryEventsRequest, QueryEventsResponse, query_events_request::Start,
    query_events_response::Kind,
};

use super::{Client, backoff::Backoff, error::ClientError, options::Resume};

/// One message of a stream.
#[derive(Debug)]
pub struct QueryMessage {
    /// What it says.
    pub item: QueryItem,
    /// A new query that starts with it gives exactly what comes after this message. Empty before the first message
    /// from the server.
    pub resume_token: Vec<u8>,
}

/// What a message says.
#[derive(Debug)]
pub enum QueryItem {
    /// Events in the order of the query: each an encoded `vidne.v1.Event`.
    Events(Vec<Bytes>),
    /// There is nothing to deliver at the moment.
    Progress {
        /// The position of the newest event.
        head_sequence: u64,
        /// How far the server has looked.
        scanned_sequence: u64,
    },
    /// All there was has been delivered; from now on events come as they are committed.
    CaughtUp {
        /// The position of the newest event.
        head_sequence: u64,
    },
    /// The last message.
    End(EndReason),
    /// The connection broke; the next message is waited for on a new one. Comes from this side.
    Reconnecting {
        /// What happened.
        error: ClientError,
        /// How long it is waited before the next attempt.
        pause: time::Duration,
    },
}

/// The messages of one query, over as many connections as it takes. Holds one message at a time.
#[derive(Debug)]
pub struct EventStream {
    client: Client,
    /// What to ask for on the next connection: goes on behind what was delivered.
    request: QueryEventsRequest,
    resume: Resume,
    open: Option<Box<Streaming<QueryEventsResponse>>>,
    not_before: Option<Instant>,
    backoff: Backoff,
    limited: bool,
    done: bool,
}

impl Client {
    /// Reads events. The call is made when the first message is asked for.
    pub fn query(&self, request: QueryEventsRequest, resume: Resume) -> EventStream {
        EventStream {
            client: self.clone(),
            limited: request.limit > 0,
            request,
            resume,
            open: None,
            not_before: None,
            backoff: Backoff::new(self.options()),
            done: false,
        }
    }
}

impl EventStream {
    /// The next message; `None` after [`QueryItem::End`] or an error. Dropping the future loses nothing.
    ///
    /// With [`Resume`], a broken connection is answered with [`QueryItem::Reconnecting`] and then with the events
    /// that follow the last one delivered, none left out and none twice. (`from_now` means from the first answer on.)
    pub async fn next(&mut self) -> Option<Result<QueryMessage, ClientError>> {
        while !self.done {
            match self.receive().await {
                Ok(Some(message)) => return Some(Ok(message)),
                Ok(None) => {}
                Err(error) => return Some(self.broken(error)),
            }
        }
        None
    }

    /// The same as a `Stream`.
    pub fn into_stream(self) -> Pin<Box<dyn Stream<Item = Result<QueryMessage, ClientError>> + Send>> {
        Box::pin(stream::unfold(
            self,
            |mut this| async move { this.next().await.map(|message| (message, this)) },
        ))
    }

    /// Where a new query goes on after what was delivered; `None` before the first message.
    pub fn resume_token(&self) -> Option<&[u8]> {
        match &self.request.start {
            Some(Start::ResumeToken(token)) => Some(token),
            _ => None,
        }
    }

    async fn receive(&mut self) -> Result<Option<QueryMessage>, ClientError> {
        if let Some(instant) = self.not_before {
            time::sleep_until(instant).await;
            self.not_before = None;
        }
        let silence = self.client.options().silence_timeout;
        if self.open.is_none() {
            let mut audit = self.client.audit();
            let call = match time::timeout(silence, audit.query_events(self.request.clone())).await {
                Err(_) => return Err(self.client.silent(silence)),
                Ok(call) => call.map_err(|status| self.client.error(status))?,
            };
            self.open = Some(Box::new(call.into_inner()));
        }
        let Some(open) = self.open.as_mut() else { return Ok(None) };
        let message = match time::timeout(silence, open.message()).await {
            Err(_) => return Err(self.client.silent(silence)),
            Ok(message) => message.map_err(|status| self.client.error(status))?,
        };
        // A complete stream says so; without that, its end is a broken connection.
        let message = message.ok_or_else(|| ClientError::Connection {
            endpoint: self.client.endpoint().to_owned(),
            status: tonic::Status::unavailable("the stream ended before it was complete"),
        })?;
        self.backoff.reset();
        self.accept(message)
    }

    fn accept(&mut self, message: QueryEventsResponse) -> Result<Option<QueryMessage>, ClientError> {
        let item = match message.kind {
            Some(Kind::Batch(batch)) => {
                self.count(batch.events.len())?;
                QueryItem::Events(batch.events)
            }
            Some(Kind::Progress(at)) => {
                QueryItem::Progress { head_sequence: at.head_sequence, scanned_sequence: at.scanned_sequence }
            }
            Some(Kind::CaughtUp(at)) => QueryItem::CaughtUp { head_sequence: at.head_sequence },
            Some(Kind::End(end)) => {
                self.done = true;
                QueryItem::End(end.reason())
            }
            // A kind that a later version added: its token counts all the same.
            None => {
                self.request.start = Some(Start::ResumeToken(message.resume_token));
                return Ok(None);
            }
        };
        self.request.start = Some(Start::ResumeToken(message.resume_token.clone()));
        Ok(Some(QueryMessage { item, resume_token: message.resume_token }))
    }

    /// `limit` counts per call: the next call may deliver only the rest.
    fn count(&mut self, events: usize) -> Result<(), ClientError> {
        if self.limited {
            let rest = self.request.limit.checked_sub(events as u64);
            self.request.limit = rest.ok_or(ClientError::Contract("more events than the limit"))?;
        }
        Ok(())
    }

    fn broken(&mut self, error: ClientError) -> Result<QueryMessage, ClientError> {
        self.open = None;
        let resume_token = self.resume_token().unwrap_or_default().to_vec();
        if self.limited && self.request.limit == 0 {
            // Everything was delivered; only the last word is missing.
            self.done = true;
            return Ok(QueryMessage { item: QueryItem::End(EndReason::Limit), resume_token });
        }
        let again = match self.resume {
            Resume::Never => false,
            Resume::Attempts(most) => self.backoff.failures() < most,
            Resume::Always => true,
        };
        if !again || !error.is_transient() {
            self.done = true;
            return Err(error);
        }
        let pause = self.backoff.after_failure(error.retry_after());
        self.not_before = Some(Instant::now() + pause);
        Ok(QueryMessage { item: QueryItem::Reconnecting { error, pause }, resume_token })
    }
}
