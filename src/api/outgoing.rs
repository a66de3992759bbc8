//! Streams of answers, each message in a buffer of its own size.
//!
//! Not through tonic, whose buffer of a stream stays as large as the largest message was for as long as the stream
//! lives: a subscriber that has read a batch of 1 MiB would cost as much while it waits for the next event.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use bytes::{BufMut as _, BytesMut};
use futures::{Stream, StreamExt as _, stream};
use http::HeaderMap;
use http_body::Frame;
use prost::Message;
use tonic::{Code, Status};

/// What a message begins with: that it is not compressed, and its length.
const PREFIX: usize = 5;

/// What tonic is given in the place of the messages.
pub type Elsewhere<M> = stream::Empty<Result<M, Status>>;

type Messages = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;

/// The messages of an answer. They travel with it to [`framed`].
#[derive(Clone)]
struct Outgoing(Arc<Mutex<Option<Messages>>>);

/// An answer of these messages. The stream is at its end with the first error.
pub fn answer<M: Message + 'static>(
    messages: impl Stream<Item = Result<M, Status>> + Send + 'static,
) -> tonic::Response<Elsewhere<M>> {
    let messages: Messages = Box::pin(messages.map(|message| message.and_then(|message| frame(&message))));
    let mut answer = tonic::Response::new(stream::empty());
    answer.extensions_mut().insert(Outgoing(Arc::new(Mutex::new(Some(messages)))));
    answer
}

/// The same response, with its messages for a body if it has some.
pub fn framed(mut response: Response) -> Response {
    let Some(Outgoing(messages)) = response.extensions_mut().remove() else { return response };
    let messages = messages.lock().unwrap_or_else(PoisonError::into_inner).take();
    response.map(|_| Body::new(Framed { messages }))
}

fn frame(message: &impl Message) -> Result<Bytes, Status> {
    let bytes = message.encoded_len();
    let length = u32::try_from(bytes).map_err(|_| Status::internal("a message of more than 4 GiB"))?;
    let mut buffer = BytesMut::with_capacity(PREFIX + bytes);
    buffer.put_u8(0);
    buffer.put_u32(length);
    message.encode(&mut buffer).map_err(|error| Status::internal(error.to_string()))?;
    Ok(buffer.freeze())
}

struct Framed {
    /// `None` once the stream is at its end.
    messages: Option<Messages>,
}

impl http_body::Body for Framed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(messages) = self.messages.as_mut() else { return Poll::Ready(None) };
        let status = match ready!(messages.as_mut().poll_next(context)) {
            Some(Ok(message)) => return Poll::Ready(Some(Ok(Frame::data(message)))),
            Some(Err(status)) => status,
            None => Status::new(Code::Ok, ""),
        };
        // What the stream holds goes at once, not with the connection.
        self.messages = None;
        let mut trailers = HeaderMap::new();
        Poll::Ready(Some(status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.messages.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use crate::codec::proto::v1::CaughtUp;

    #[tokio::test]
    async fn messages_are_framed_one_by_one_and_the_status_ends_them() {
        let told =
            [Ok(CaughtUp { head_sequence: 300 }), Ok(CaughtUp::default()), Err(Status::aborted("enough"))];
        let (_, _, extensions) = answer(stream::iter(told)).into_parts();
        let mut response = Response::new(Body::empty());
        *response.extensions_mut() = extensions;
        let mut body = framed(response).into_body();
        let mut frames = Vec::new();
        while let Some(frame) =
            poll_fn(|context| http_body::Body::poll_frame(Pin::new(&mut body), context)).await
        {
            frames.push(frame.unwrap());
        }
        let [first, second, last] = frames.as_slice() else { panic!("{frames:?}") };
        assert_eq!(first.data_ref().unwrap().as_ref(), [0, 0, 0, 0, 3, 8, 0xac, 2]);
        assert_eq!(second.data_ref().unwrap().as_ref(), [0; 5]);
        let status = Status::from_header_map(last.trailers_ref().unwrap()).unwrap();
        assert_eq!((status.code(), status.message()), (Code::Aborted, "enough"));
    }

    #[test]
    fn a_response_without_messages_stays_as_it_is() {
        let response = framed(Response::new(Body::from("as it is")));
        assert_eq!(http_body::Body::size_hint(response.body()).exact(), Some(8));
    }
}
