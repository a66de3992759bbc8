//! Columns <-> the domain's types. Databases have no unsigned numbers; positions stay far below their limit.

use bytes::Bytes;
use sea_orm::QueryResult;

use super::{entity::heads, error::db_error};
use crate::{
    domain::{catalogue::EventType, id::TenantId, receipt::Stamp, time::Timestamp},
    store::{
        StoreError,
        contract::{Head, Payload, StoredEvent},
    },
};

/// A number for a column; what is too large becomes the largest, which no row has.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Damaged(format!("{number} where only 0 or more can be")))
}

pub(super) fn digest(bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Damaged(format!("a digest of {} bytes, not 32", bytes.len())))
}

pub(super) fn tenant_id(text: String) -> Result<TenantId, StoreError> {
    TenantId::parse(&text).ok_or_else(|| StoreError::Damaged("a tenant id of the wrong shape".to_owned()))
}

pub(super) fn head(row: &heads::Model) -> Result<Head, StoreError> {
    Ok(Head { sequence: unsigned(row.last_sequence)?, recorded: Timestamp::from_micros(row.last_recorded) })
}

pub(super) fn stamp(sequence: i64, recorded: i64, leaf_hash: &[u8]) -> Result<Stamp, StoreError> {
    Ok(Stamp {
        sequence: unsigned(sequence)?,
        recorded: Timestamp::from_micros(recorded),
        leaf_hash: digest(leaf_hash)?,
    })
}

/// A row of `Columns::All`.
pub(super) fn stored_event(row: &QueryResult, with_personal: bool) -> Result<StoredEvent, StoreError> {
    let Payload { sequence, payload, personal } = columns(row, with_personal.then_some(4))?;
    let recorded: i64 = row.try_get_by_index(2).map_err(db_error)?;
    let leaf_hash: Vec<u8> = row.try_get_by_index(3).map_err(db_error)?;
    let recorded = Timestamp::from_micros(recorded);
    Ok(StoredEvent { sequence, recorded, leaf_hash: digest(&leaf_hash)?, payload, personal })
}

/// A row of `Columns::Payload`.
pub(super) fn payload(row: &QueryResult, with_personal: bool) -> Result<Payload, StoreError> {
    columns(row, with_personal.then_some(2))
}

fn columns(row: &QueryResult, personal: Option<usize>) -> Result<Payload, StoreError> {
    let sequence: i64 = row.try_get_by_index(0).map_err(db_error)?;
    let payload: Vec<u8> = row.try_get_by_index(1).map_err(db_error)?;
    let personal: Option<Vec<u8>> = match personal {
        Some(column) => row.try_get_by_index(column).map_err(db_error)?,
        None => None,
    };
    Ok(Payload {
        sequence: unsigned(sequence)?,
        payload: payload.into(),
        personal: personal.map(Bytes::from),
    })
}

/// The number of a type, for its column; the catalogue's numbers are far below the limit.
pub(super) fn event_type(event_type: EventType) -> i16 {
    i16::try_from(event_type.info().number).unwrap_or(i16::MAX)
}
