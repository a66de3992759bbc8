//! The body of a request that takes a message in only when there is room for the whole of it.
//!
//! Whoever decodes gets whole messages, so half a message never holds more than the room that it has been given:
//! what does not come in time is dropped, and the room with it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body, Bytes};
use bytes::BytesMut;
use futures::future::BoxFuture;
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use tonic::Code;

use super::{Budget, Held, Taken};
use crate::{
    api::status::{Answer, encode, plain},
    codec::proto::v1::ErrorReason,
};

/// A gRPC message begins with one byte of flags and four of length.
pub(super) const PREFIX: usize = 5;

/// What is asked of a request.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The client sends many messages: they wait for room. One message is refused if there is none.
    pub streaming: bool,
    /// The largest message. A larger one is handed on for whoever decodes to refuse.
    pub message_bytes: usize,
    /// How long one message may take to arrive once there is room for it.
    pub timeout: Duration,
}

/// A request's body.
pub struct Received {
    inner: Body,
    budget: Budget,
    rule: Rule,
    held: Held,
    state: State,
    /// What has arrived and has not been looked at: never more than one frame of HTTP/2.
    chunk: Bytes,
    /// What there is of a message that did not arrive at once.
    partial: BytesMut,
}

enum State {
    /// Before a message, or within its prefix.
    Prefix,
    /// Its size is known; it waits for room.
    Waiting(usize, BoxFuture<'static, Option<Taken>>),
    /// There is room for all of its bytes.
    Message(usize, Option<Pin<Box<Sleep>>>),
    /// Handed on as it comes.
    Foreign,
    /// Nothing more is read.
    Ended,
}

/// What is handed on; `None` at the end.
type Handed = Option<Result<Frame<Bytes>, axum::Error>>;

impl Received {
    /// The body of a request to which `rule` applies. The room of its message is in `held`.
    pub fn new(inner: Body, budget: Budget, rule: Rule, held: Held) -> Self {
        let (chunk, partial) = (Bytes::new(), BytesMut::new());
        Self { inner, budget, rule, held, state: State::Prefix, chunk, partial }
    }

    /// The size of the next message with its prefix, once the prefix is here.
    fn announced(&mut self) -> Option<usize> {
        let prefix = if self.partial.is_empty() && self.chunk.len() >= PREFIX {
            &self.chunk[..PREFIX]
        } else {
            let missing = PREFIX.saturating_sub(self.partial.len()).min(self.chunk.len());
            self.partial.extend_from_slice(&self.chunk.split_to(missing));
            &self.partial[..]
        };
        let size: [u8; 4] = prefix.get(1..PREFIX)?.try_into().ok()?;
        Some(PREFIX + u32::from_be_bytes(size) as usize)
    }

    /// The message, once all of it is here.
    fn whole(&mut self, size: usize) -> Option<Bytes> {
        if self.partial.is_empty() && self.chunk.len() >= size {
            return Some(self.chunk.split_to(size));
        }
        // All of it at once: there is room for it, and growing would take half as much again.
        self.partial.reserve(size - self.partial.len());
        let missing = (size - self.partial.len()).min(self.chunk.len());
        self.partial.extend_from_slice(&self.chunk.split_to(missing));
        (self.partial.len() == size).then(|| std::mem::take(&mut self.partial).freeze())
    }

    /// Gets the next chunk; `Some` if there is something else to be handed on.
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Handed>> {
        let between = matches!(self.state, State::Prefix) && self.partial.is_empty();
        Poll::Ready(match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    self.chunk = data;
                    None
                }
                Err(trailers) if between => Some(Some(Ok(trailers))),
                Err(_) => Some(Some(self.cut())),
            },
            Some(Err(error)) => Some(Some(Err(error))),
            None if between => Some(None),
            None => Some(Some(self.cut())),
        })
    }

    fn cut(&mut self) -> Result<Frame<Bytes>, axum::Error> {
        let text = "the request ended in the middle of a message; nothing of that message was recorded";
        self.end(plain(Code::InvalidArgument, ErrorReason::MalformedRequest, text))
    }

    fn late(&mut self) -> Result<Frame<Bytes>, axum::Error> {
        let limit = self.rule.timeout;
        let text = format!(
            "a message did not arrive within {limit:?} (server.message_timeout); nothing of it was recorded"
        );
        self.end(plain(Code::DeadlineExceeded, ErrorReason::DeadlineExceeded, text))
    }

    /// Reads no more, and says why; what has arrived of a message is gone.
    fn end(&mut self, answer: Answer) -> Result<Frame<Bytes>, axum::Error> {
        self.state = State::Ended;
        self.chunk = Bytes::new();
        self.partial = BytesMut::new();
        self.inner = Body::empty();
        self.held.release();
        Err(axum::Error::new(encode(answer)))
    }

    /// Finds room for a message; `Some` if there is none for it now.
    fn admit(&mut self, size: usize) -> Option<Answer> {
        if self.rule.streaming {
            self.state = State::Waiting(size, Box::pin(self.budget.clone().take(size)));
            return None;
        }
        match self.budget.try_take(size) {
            Some(taken) => {
                self.held.keep(taken);
                self.state = State::Message(size, None);
                None
            }
            None => Some(self.budget.refusal()),
        }
    }
}

impl http_body::Body for Received {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Handed> {
        let this = &mut *self;
        loop {
            match &mut this.state {
                State::Ended => return Poll::Ready(None),
                State::Foreign if this.chunk.is_empty() => {
                    return Pin::new(&mut this.inner).poll_frame(context);
                }
                State::Foreign => {
                    return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.chunk)))));
                }
                State::Prefix => {
                    if this.rule.streaming {
                        // Whoever asks for the next message has handled the one before.
                        this.held.release();
                    }
                    match this.announced() {
                        Some(size) if size - PREFIX > this.rule.message_bytes => {
                            this.state = State::Foreign;
                            if !this.partial.is_empty() {
                                let prefix = std::mem::take(&mut this.partial).freeze();
                                return Poll::Ready(Some(Ok(Frame::data(prefix))));
                            }
                        }
                        Some(size) => {
                            if let Some(refusal) = this.admit(size) {
                                return Poll::Ready(Some(this.end(refusal)));
                            }
                        }
                        None => {
                            if let Some(other) = ready!(this.poll_chunk(context)) {
                                return Poll::Ready(other);
                            }
                        }
                    }
                }
                State::Waiting(size, room) => {
                    let size = *size;
                    if let Some(taken) = ready!(room.as_mut().poll(context)) {
                        this.held.keep(taken);
                    }
                    this.state = State::Message(size, None);
                }
                State::Message(size, deadline) => {
                    let size = *size;
                    if let Some(deadline) = deadline
                        && deadline.as_mut().poll(context).is_ready()
                    {
                        return Poll::Ready(Some(this.late()));
                    }
                    if let Some(message) = this.whole(size) {
                        this.state = State::Prefix;
                        return Poll::Ready(Some(Ok(Frame::data(message))));
                    }
                    if let State::Message(_, deadline @ None) = &mut this.state {
                        *deadline = Some(Box::pin(sleep(this.rule.timeout)));
                        // Once more, so that the deadline wakes this up.
                        continue;
                    }
                    if let Some(other) = ready!(this.poll_chunk(context)) {
                        return Poll::Ready(other);
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self.state {
            State::Ended => true,
            State::Prefix | State::Foreign => {
                self.chunk.is_empty() && self.partial.is_empty() && self.inner.is_end_stream()
            }
            State::Waiting(..) | State::Message(..) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
