//! The bytes inside resume and page tokens; `service::token` authenticates them.

use prost::Message;
use sha2::{Digest, Sha256};

use super::{error::DecodeError, filter::filter_to_proto, proto::internal};
use crate::domain::query::{Order, Query};

const VERSION: u32 = 1;
/// How much of a query's digest a token carries.
pub const QUERY_BYTES: usize = 16;

/// Where a stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bookmark {
    /// Which query, as [`query_digest`] tells.
    pub query: [u8; QUERY_BYTES],
    /// Every event up to here (from here, descending) is dealt with.
    pub position: u64,
    /// The head as it was pinned; `None` while following.
    pub pinned_head: Option<u64>,
}

/// What a token is bound to: tenant, filter and order, and the installation.
pub fn query_digest(query: &Query, installation: &[u8; 16]) -> [u8; QUERY_BYTES] {
    let order = match query.order {
        Order::Ascending => 0,
        Order::Descending => 1,
    };
    let tenant = query.tenant.as_str().as_bytes();
    let digest = Sha256::new()
        .chain_update(installation)
        .chain_update((tenant.len() as u64).to_be_bytes())
        .chain_update(tenant)
        .chain_update([order])
        .chain_update(filter_to_proto(&query.filter).encode_to_vec())
        .finalize();
    let mut short = [0; QUERY_BYTES];
    short.copy_from_slice(&digest[..QUERY_BYTES]);
    short
}

/// Encodes a bookmark.
pub fn encode_bookmark(bookmark: &Bookmark) -> Vec<u8> {
    let Bookmark { query, position, pinned_head } = *bookmark;
    internal::ResumeToken { version: VERSION, query: query.to_vec(), position, pinned_head }.encode_to_vec()
}

/// Reads a bookmark.
pub fn decode_bookmark(bytes: &[u8]) -> Result<Bookmark, DecodeError> {
    let internal::ResumeToken { version, query, position, pinned_head } =
        internal::ResumeToken::decode(bytes)?;
    if version != VERSION {
        return Err(DecodeError::OutOfRange("version"));
    }
    let query = query.try_into().map_err(|_| DecodeError::OutOfRange("query"))?;
    Ok(Bookmark { query, position, pinned_head })
}

/// Encodes where a list goes on: after the key `after` of the list `list`.
pub fn encode_page(list: &str, after: &str) -> Vec<u8> {
    internal::PageToken { version: VERSION, list: list.to_owned(), after: after.to_owned() }.encode_to_vec()
}

/// Reads where the list `list` goes on.
pub fn decode_page(list: &str, bytes: &[u8]) -> Result<String, DecodeError> {
    let internal::PageToken { version, list: of, after } = internal::PageToken::decode(bytes)?;
    if version != VERSION || of != list {
        return Err(DecodeError::OutOfRange("list"));
    }
    Ok(after)
}
