//! Streams of events that go on after a broken connection.

use std::pin::Pin;

use bytes::Bytes;
use futures::{Stream, stream};
use tokio::time;
use tonic::Streaming;

use crate::codec::proto::v1::{
    EndReason, QueryEventsRequest, QueryEventsResponse, query_events_request::Start,
    query_events_response::Kind,
};

use super::{Client, again::Again, error::ClientError, options::Resume};

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
    again: Again,
    open: Option<Box<Streaming<QueryEventsResponse>>>,
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
            again: Again::new(resume, self),
            open: None,
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
        self.again.pause().await;
        if self.open.is_none() {
            let silence = self.client.options().silence_timeout;
            let mut audit = self.client.audit();
            let call = match time::timeout(silence, audit.query_events(self.request.clone())).await {
                Err(_) => return Err(self.client.silent(silence)),
                Ok(call) => call.map_err(|status| self.client.error(status))?,
            };
            self.open = Some(Box::new(call.into_inner()));
        }
        let Some(open) = self.open.as_mut() else { return Ok(None) };
        let message = self.again.message(&self.client, open).await?;
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
        let Some(pause) = self.again.after(&error, error.is_transient()) else {
            self.done = true;
            return Err(error);
        };
        Ok(QueryMessage { item: QueryItem::Reconnecting { error, pause }, resume_token })
    }
}
