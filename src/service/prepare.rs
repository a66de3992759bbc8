//! From a valid event to the bytes that a store writes.

use bytes::Bytes;

use super::ServiceError;
use crate::{
    codec::{fingerprint, stored, wire},
    domain::{catalogue::Category, event::Event, limits::Limits, shrink::cut_free_texts},
    store::contract::NewEvent,
    vault::{Vault, VaultError},
};

/// Room for sequence and recorded time, which the store appends.
const STAMP_BYTES: usize = 32;
/// Caps that are tried, in turn, on every free text of an event that is too large.
const CAPS: [usize; 5] = [4_096, 1_024, 256, 64, 16];

/// Encodes `event`; cuts its free texts evenly if it is too large, and refuses it only if that is not enough.
/// `normalised` is what the client sent, by the fingerprint's rule; `switch` is the category that must be on.
pub fn prepare(
    mut event: Event,
    normalised: &[u8],
    switch: Option<Category>,
    limits: &Limits,
    vault: &Vault,
) -> Result<NewEvent, ServiceError> {
    let personal = personal_column(&event)?;
    event.personal_commitment = personal.as_deref().map(stored::commitment);
    let apart = personal.as_ref().map_or(0, Bytes::len) + STAMP_BYTES;
    let limit = limits.event_bytes;
    let mut content = wire::encode_content(&event);
    for cap in CAPS {
        if content.len() + apart <= limit {
            break;
        }
        cut_free_texts(&mut event, cap);
        content = wire::encode_content(&event);
    }
    let actual = content.len() + apart;
    if actual > limit {
        return Err(ServiceError::EventTooLarge { actual, limit });
    }
    Ok(NewEvent {
        tenant: event.tenant,
        id: event.id,
        event_type: event.event_type,
        occurred: event.occurred,
        switch,
        content: content.into(),
        fingerprint: vault.fingerprint(normalised),
        fingerprint_version: fingerprint::VERSION,
        personal,
    })
}

/// A random salt and the encoded `personal` field.
fn personal_column(event: &Event) -> Result<Option<Bytes>, VaultError> {
    let Some(personal) = &event.personal else { return Ok(None) };
    let mut column = vec![0; stored::SALT_BYTES];
    getrandom::fill(&mut column).map_err(|_| VaultError::Random)?;
    column.extend(stored::personal_field(&wire::personal(personal)));
    Ok(Some(column.into()))
}
