//! Consuming a named subscription, over as many connections as it takes.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use tokio::{sync::watch, time};
use tonic::Streaming;

use crate::codec::{
    proto::v1::{
        ConsumeAcknowledge, ConsumeRequest, ConsumeResponse, ConsumeStart, consume_request::Kind as Request,
        consume_response::Kind,
    },
    stored::sequence,
};

use super::{Client, again::Again, error::ClientError, options::Resume};

/// The reasons for which another attempt helps although the code alone does not say so.
const BUSY: &str = "SUBSCRIPTION_BUSY";
const STALLED: &str = "SUBSCRIPTION_STALLED";

/// One message of a consumer.
#[derive(Debug)]
pub struct ConsumerMessage {
    /// What it says.
    pub item: ConsumerItem,
    /// Every matching event up to here has been delivered: what to acknowledge once they are dealt with.
    pub position: u64,
}

/// What a message says.
#[derive(Debug)]
pub enum ConsumerItem {
    /// The subscription is this consumer's; said once per connection.
    Started {
        /// It goes on after this position.
        acknowledged_sequence: u64,
        /// How long it is held if this process vanishes.
        lease: Duration,
    },
    /// Events in order: each an encoded `vidne.v1.Event`. Events that were delivered and not acknowledged before
    /// the connection broke come again.
    Events(Vec<Bytes>),
    /// There is nothing to deliver at the moment.
    Progress {
        /// The position of the newest event.
        head_sequence: u64,
    },
    /// All there was has been delivered.
    CaughtUp {
        /// The position of the newest event.
        head_sequence: u64,
    },
    /// Everything up to here is acknowledged for good.
    Acknowledged(u64),
    /// The connection broke, or another consumer holds the subscription; it is tried again. Comes from this side.
    Reconnecting {
        /// What happened.
        error: ClientError,
        /// How long it is waited before the next attempt.
        pause: Duration,
    },
}

/// A consumer of a subscription. Dropping it gives the subscription back; what was acknowledged last may then be
/// delivered again: [`Consumer::finish`] waits until it is kept.
#[derive(Debug)]
pub struct Consumer {
    client: Client,
    start: ConsumeStart,
    again: Again,
    open: Option<Connection>,
    /// Everything up to here is dealt with, says whoever uses this.
    acknowledged: u64,
    /// That much of it is kept by the server, as far as it has told.
    kept: u64,
    done: bool,
}

/// One connection.
#[derive(Debug)]
struct Connection {
    /// The acknowledgement to send next; only the newest counts.
    acknowledge: watch::Sender<u64>,
    messages: Box<Streaming<ConsumeResponse>>,
    /// Delivered on this connection; a server takes no acknowledgement beyond it.
    delivered: u64,
}

impl Client {
    /// Consumes a subscription: events in order and at least once. The call is made when the first message is
    /// asked for. With [`Resume`], a connection that broke is made again, and a subscription that another
    /// consumer holds is waited for: that makes this consumer its stand-in.
    pub fn consume(&self, start: ConsumeStart, resume: Resume) -> Consumer {
        Consumer {
            client: self.clone(),
            start,
            again: Again::new(resume, self),
            open: None,
            acknowledged: 0,
            kept: 0,
            done: false,
        }
    }
}

impl Consumer {
    /// The next message; `None` after an error. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<ConsumerMessage, ClientError>> {
        while !self.done {
            match self.receive().await {
                Ok(Some(message)) => return Some(Ok(message)),
                Ok(None) => {}
                Err(error) => return Some(self.broken(error)),
            }
        }
        None
    }

    /// Everything up to and including `position` is dealt with: the position of a message, or the sequence of an
    /// event in it. Does not wait; [`ConsumerItem::Acknowledged`] tells when it is kept. A position that is lower
    /// than one before changes nothing.
    pub fn acknowledge(&mut self, position: u64) {
        self.acknowledged = self.acknowledged.max(position);
        self.pass_on();
    }

    /// Tells the server that what was delivered is being worked on. A server takes the subscription from a
    /// consumer that acknowledges nothing for long (`subscriptions.stall_timeout`, by default ten minutes); one
    /// that needs longer for a message says this meanwhile.
    pub fn still_working(&mut self) {
        if let Some(open) = &self.open {
            // The same position again.
            open.acknowledge.send_modify(|_| {});
        }
    }

    /// Sends what was acknowledged, waits until it is kept, and gives the subscription back. Answers the position
    /// that is kept.
    ///
    /// # Errors
    ///
    /// If the connection broke before it was kept: it is then delivered again.
    pub async fn finish(mut self) -> Result<u64, ClientError> {
        while self.open.is_some() && self.kept < self.acknowledged {
            self.receive().await?;
        }
        if self.kept < self.acknowledged {
            return Err(ClientError::Contract(
                "the connection was lost before the last acknowledgement was kept",
            ));
        }
        let Some(Connection { acknowledge, mut messages, .. }) = self.open.take() else {
            return Ok(self.kept);
        };
        // The end of the requests; the server answers it with the end of its own once all is given back.
        drop(acknowledge);
        let limit = self.client.options().request_timeout;
        let rest = async { while let Ok(Some(_)) = messages.message().await {} };
        // Everything that matters is kept; the rest is a courtesy to the next consumer.
        let _ = time::timeout(limit, rest).await;
        Ok(self.kept)
    }

    async fn receive(&mut self) -> Result<Option<ConsumerMessage>, ClientError> {
        self.again.pause().await;
        if self.open.is_none() {
            self.open = Some(self.connect().await?);
        }
        let Some(open) = self.open.as_mut() else { return Ok(None) };
        let message = self.again.message(&self.client, &mut open.messages).await?;
        self.accept(message)
    }

    async fn connect(&self) -> Result<Connection, ClientError> {
        let (acknowledge, positions) = watch::channel(0);
        let first = ConsumeRequest { kind: Some(Request::Start(self.start.clone())) };
        let call = async { self.client.subscriptions().consume(requests(first, positions)).await };
        let limit = self.client.options().request_timeout;
        let answer = time::timeout(limit, call).await.map_err(|_| self.client.silent(limit))?;
        let messages = Box::new(answer.map_err(|status| self.client.error(status))?.into_inner());
        Ok(Connection { acknowledge, messages, delivered: 0 })
    }

    fn accept(&mut self, message: ConsumeResponse) -> Result<Option<ConsumerMessage>, ClientError> {
        let position = message.position;
        if let Some(open) = self.open.as_mut() {
            open.delivered = open.delivered.max(position);
        }
        let item = match message.kind {
            Some(Kind::Started(started)) => {
                self.kept = self.kept.max(started.acknowledged_sequence);
                let lease = started.lease.and_then(|lease| lease.try_into().ok()).unwrap_or_default();
                ConsumerItem::Started { acknowledged_sequence: started.acknowledged_sequence, lease }
            }
            Some(Kind::Batch(batch)) => match self.not_dealt_with(batch.events)? {
                events if events.is_empty() => {
                    self.pass_on();
                    return Ok(None);
                }
                events => ConsumerItem::Events(events),
            },
            Some(Kind::Progress(at)) => ConsumerItem::Progress { head_sequence: at.head_sequence },
            Some(Kind::CaughtUp(at)) => ConsumerItem::CaughtUp { head_sequence: at.head_sequence },
            Some(Kind::Acknowledged(kept)) => {
                self.kept = self.kept.max(kept.position);
                ConsumerItem::Acknowledged(kept.position)
            }
            // A kind that a later version added.
            None => return Ok(None),
        };
        self.pass_on();
        Ok(Some(ConsumerMessage { item, position }))
    }

    /// Without the events that were acknowledged before the connection broke, too late to be kept.
    fn not_dealt_with(&self, mut events: Vec<Bytes>) -> Result<Vec<Bytes>, ClientError> {
        let dealt_with = |event: &Bytes| sequence(event).map(|sequence| sequence <= self.acknowledged);
        let mut count = 0;
        for event in &events {
            let done = dealt_with(event).map_err(|_| ClientError::Contract("an event without its place"))?;
            if !done {
                break;
            }
            count += 1;
        }
        Ok(events.split_off(count))
    }

    /// Sends as much of what is acknowledged as this connection has delivered.
    fn pass_on(&mut self) {
        let Some(open) = &self.open else { return };
        let position = self.acknowledged.min(open.delivered);
        if position > self.kept {
            open.acknowledge.send_if_modified(|sent| {
                let higher = position > *sent;
                *sent = position.max(*sent);
                higher
            });
        }
    }

    fn broken(&mut self, error: ClientError) -> Result<ConsumerMessage, ClientError> {
        self.open = None;
        let passes = error.is_transient() || matches!(error.reason().as_deref(), Some(BUSY | STALLED));
        let Some(pause) = self.again.after(&error, passes) else {
            self.done = true;
            return Err(error);
        };
        Ok(ConsumerMessage { item: ConsumerItem::Reconnecting { error, pause }, position: self.acknowledged })
    }
}

/// The first request, then the newest acknowledgement whenever there is one, until the sender is dropped.
fn requests(
    first: ConsumeRequest,
    positions: watch::Receiver<u64>,
) -> impl Stream<Item = ConsumeRequest> + Send {
    stream::unfold((Some(first), positions), |(first, mut positions)| async move {
        if let Some(first) = first {
            return Some((first, (None, positions)));
        }
        positions.changed().await.ok()?;
        let position = *positions.borrow_and_update();
        let request = ConsumeRequest { kind: Some(Request::Acknowledge(ConsumeAcknowledge { position })) };
        Some((request, (None, positions)))
    })
}
