//! The stored form of an event: the bytes that are hashed, kept and streamed out.
//!
//! `sequence` and `recorded_time` have the highest field numbers of `vidne.v1.Event` but for `personal`, so
//! that a store, which alone knows them, finishes the canonical encoding by appending.

use bytes::Bytes;
use prost::{Message, encoding};
use sha2::{Digest, Sha256};

use super::error::DecodeError;
use crate::domain::time::Timestamp;

const SEQUENCE: u32 = 30;
const RECORDED_TIME: u32 = 31;

/// Size of the salt that stands before the `personal` field in its column.
pub const SALT_BYTES: usize = 32;

/// The canonical payload: `content` with its place and time in the log.
pub fn finish(content: &[u8], sequence: u64, recorded: Timestamp) -> Vec<u8> {
    let time = prost_types::Timestamp { seconds: recorded.seconds(), nanos: recorded.subsec_nanos() };
    let mut payload = Vec::with_capacity(content.len() + 32);
    payload.extend_from_slice(content);
    encoding::uint64::encode(SEQUENCE, &sequence, &mut payload);
    encoding::message::encode(RECORDED_TIME, &time, &mut payload);
    payload
}

/// SHA-256(0x00 || payload), a leaf of the tenant's Merkle tree (RFC 9162, section 2.1.1).
pub fn leaf_hash(payload: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(payload).finalize().into()
}

/// SHA-256(column), the commitment to a personal column (salt and encoded field).
pub fn commitment(column: &[u8]) -> [u8; 32] {
    Sha256::digest(column).into()
}

/// Payload and personal column as one encoded event: the field without its salt is simply appended.
pub fn with_personal(payload: &Bytes, column: Option<&Bytes>) -> Bytes {
    match column.and_then(|column| column.get(SALT_BYTES..)) {
        Some(field) => [payload, field].concat().into(),
        None => payload.clone(),
    }
}

/// The place in its log of an encoded `vidne.v1.Event`, without decoding the rest of it.
pub fn sequence(event: &[u8]) -> Result<u64, DecodeError> {
    match Placed::decode(event)?.sequence {
        0 => Err(DecodeError::Missing("sequence")),
        sequence => Ok(sequence),
    }
}

/// The one field of an event that tells its place.
#[derive(Clone, PartialEq, Message)]
struct Placed {
    #[prost(uint64, tag = "30")]
    sequence: u64,
}

/// The encoded `personal` field of an event, tag and length included.
pub fn personal_field(personal: &super::proto::v1::Personal) -> Vec<u8> {
    super::proto::v1::Event { personal: Some(personal.clone()), ..Default::default() }.encode_to_vec()
}
