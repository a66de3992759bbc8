//! Tokens that clients keep for us: authenticated with the installation's key, opaque, and granting nothing.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

use super::ServiceError;
use crate::{
    codec::token::{self, Bookmark, QUERY_BYTES},
    vault::Vault,
};

/// Enough to make guessing hopeless; a token is on every message.
const MAC_BYTES: usize = 16;

/// Makes and checks tokens.
#[derive(Clone)]
pub struct Tokens {
    vault: Vault,
}

impl Tokens {
    /// With the installation's key.
    pub fn new(vault: Vault) -> Self {
        Self { vault }
    }

    /// A resume token.
    pub fn resume(&self, bookmark: &Bookmark) -> Vec<u8> {
        self.sign(token::encode_bookmark(bookmark))
    }

    /// Reads a resume token of the query with this digest.
    pub fn read_resume(&self, bytes: &[u8], query: &[u8; QUERY_BYTES]) -> Result<Bookmark, ServiceError> {
        let body = self.verify(bytes)?;
        let bookmark = token::decode_bookmark(body)
            .map_err(|_| ServiceError::Token("the resume token is of another version of vidne"))?;
        if bookmark.query != *query {
            return Err(ServiceError::Token(
                "the resume token is of another query; give the same tenant, filter and order with it",
            ));
        }
        Ok(bookmark)
    }

    /// A page token of a list.
    pub fn page(&self, list: &str, after: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.sign(token::encode_page(list, after)))
    }

    /// Reads a page token of this list; empty means from the beginning.
    pub fn read_page(&self, list: &str, text: &str) -> Result<Option<String>, ServiceError> {
        if text.is_empty() {
            return Ok(None);
        }
        let wrong = ServiceError::Token("the page token is damaged, or of another list or installation");
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(text) else { return Err(wrong) };
        let Ok(body) = self.verify(&bytes) else { return Err(wrong) };
        token::decode_page(list, body).map(Some).map_err(|_| wrong)
    }

    fn sign(&self, mut body: Vec<u8>) -> Vec<u8> {
        let mac = self.vault.token_mac(&body);
        body.extend_from_slice(&mac[..MAC_BYTES]);
        body
    }

    fn verify<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], ServiceError> {
        let damaged = ServiceError::Token(
            "the resume token is damaged or of another installation; begin without it, or after a sequence",
        );
        let Some((body, mac)) = bytes.split_last_chunk::<MAC_BYTES>() else { return Err(damaged) };
        let expected = self.vault.token_mac(body);
        if bool::from(expected[..MAC_BYTES].ct_eq(mac)) { Ok(body) } else { Err(damaged) }
    }
}
