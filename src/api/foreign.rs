//! Answers that tonic itself makes get the details that every answer of vidne has.

use axum::{body::Body, response::Response};
use tonic::{Code, Status};

use super::status::{Answer, encode, plain};
use crate::codec::proto::v1::ErrorReason as R;

/// Where gRPC carries the details of a status.
const DETAILS: &str = "grpc-status-details-bin";

/// Puts an answer of our own in the place of a refusal without details. tonic refuses before a use case is
/// reached, so the refusal is in the headers; `known` tells whether there is such a method.
pub fn complete(response: Response, known: bool, request_bytes: usize) -> Response {
    if response.headers().contains_key(DETAILS) {
        return response;
    }
    let code = Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code());
    match answer(code, known, request_bytes) {
        Some(answer) => http_response(answer),
        None => response,
    }
}

/// The same for a refusal in the middle of a stream of requests.
pub fn in_stream(refusal: Status, request_bytes: usize) -> Status {
    match answer(refusal.code(), true, request_bytes) {
        Some(answer) if refusal.details().is_empty() => encode(answer),
        _ => refusal,
    }
}

/// An answer as HTTP.
pub fn http_response(answer: Answer) -> Response {
    encode(answer).into_http::<Body>()
}

fn answer(code: Code, known: bool, request_bytes: usize) -> Option<Answer> {
    match code {
        Code::Ok => None,
        Code::Unimplemented if known => Some(plain(
            Code::Unimplemented,
            R::MalformedRequest,
            "compressed requests are not read; send them uncompressed",
        )),
        Code::Unimplemented => {
            Some(plain(Code::Unimplemented, R::UnknownMethod, "there is no such method in this version"))
        }
        // tonic's answers to messages over the limit, before and after decompression.
        Code::OutOfRange | Code::ResourceExhausted => Some(
            plain(
                Code::InvalidArgument,
                R::RequestTooLarge,
                format!("the request is larger than {request_bytes} bytes; send fewer events at a time"),
            )
            .with("limit_bytes", request_bytes),
        ),
        // tonic's answers to bytes that are not the message.
        Code::Internal | Code::Unknown | Code::InvalidArgument | Code::DataLoss => Some(plain(
            Code::InvalidArgument,
            R::MalformedRequest,
            "the request could not be decoded; is it of this method and of this version of the contract?",
        )),
        // The client is gone, or its own deadline has passed.
        Code::Cancelled | Code::DeadlineExceeded => None,
        // tonic makes none of these by itself.
        Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Unavailable
        | Code::Unauthenticated => None,
    }
}
