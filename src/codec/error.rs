//! What can be wrong with bytes that vidne itself wrote.

/// Stored bytes that do not decode. Messages hold no content.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not the expected message.
    #[error("not the expected protobuf message")]
    Protobuf(#[from] prost::DecodeError),
    /// A field that must be there is not.
    #[error("field {0} is missing")]
    Missing(&'static str),
    /// A field has a value that vidne never writes.
    #[error("field {0} has a value out of range")]
    OutOfRange(&'static str),
}
