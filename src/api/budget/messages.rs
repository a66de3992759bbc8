//! The messages of a stream of requests.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use axum::body::Bytes;
use http_body::Body as _;
use tonic::Status;

use super::{Held, Received, received::PREFIX};
use crate::api::foreign;

/// One whole message after the other. It travels with the request to whoever reads it.
#[derive(Clone, Default)]
pub struct Messages {
    body: Arc<Mutex<Option<Received>>>,
    held: Held,
}

impl Messages {
    /// The messages of a body, whose room is `held`.
    pub fn new(body: Received, held: Held) -> Self {
        Self { body: Arc::new(Mutex::new(Some(body))), held }
    }

    /// The next message; `None` after the last. What is larger than `limit` bytes is refused.
    pub async fn next(&mut self, limit: usize) -> Result<Option<Bytes>, Status> {
        let frame = poll_fn(|context| {
            let mut body = self.body.lock().unwrap_or_else(PoisonError::into_inner);
            match body.as_mut() {
                Some(body) => Pin::new(body).poll_frame(context),
                None => std::task::Poll::Ready(None),
            }
        });
        let data = match frame.await {
            None => return Ok(None),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => data,
                // Trailers: nothing comes behind them.
                Err(_) => return Ok(None),
            },
            Some(Err(error)) => {
                return Err(foreign::in_stream(Status::from_error(error.into()), limit));
            }
        };
        match message(data, limit) {
            Ok(message) => Ok(Some(message)),
            Err(refusal) => Err(foreign::in_stream(refusal, limit)),
        }
    }

    /// Gives the room of the message back that was read last.
    pub fn release(&self) {
        self.held.release();
    }
}

/// What is behind the prefix. Refusals are those that tonic makes.
fn message(mut data: Bytes, limit: usize) -> Result<Bytes, Status> {
    let Some(prefix) = data.first_chunk::<PREFIX>() else {
        return Err(Status::internal("no message"));
    };
    let [flags, size @ ..] = *prefix;
    if u32::from_be_bytes(size) as usize > limit {
        return Err(Status::out_of_range("too large"));
    }
    if flags != 0 {
        return Err(Status::internal("compressed"));
    }
    Ok(data.split_off(PREFIX))
}
