//! Rows by binary COPY (PostgreSQL manual, "COPY", binary format).

use sqlx::PgConnection;

use super::{decide::Row, error::sqlx_error};
use crate::store::StoreError;

const COPY: &str = "\
    COPY events (sequence, recorded_time, occurred_time, tenant_key, event_type, fingerprint_version, event_id, \
    leaf_hash, fingerprint, payload, personal) FROM STDIN (FORMAT binary)";

/// Signature, no flags, no header extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

const COLUMNS: i16 = 11;

/// In place of the number of columns: the end.
const TRAILER: i16 = -1;

/// In place of a length: null.
const NULL: i32 = -1;

/// Sent as soon as so many bytes are there.
const CHUNK: usize = 256 * 1024;

/// Writes all rows.
pub(super) async fn copy(connection: &mut PgConnection, rows: &[Row]) -> Result<(), StoreError> {
    let mut sink = connection.copy_in_raw(COPY).await.map_err(sqlx_error)?;
    let mut buffer = HEADER.to_vec();
    for row in rows {
        encode(row, &mut buffer)?;
        if buffer.len() >= CHUNK {
            sink.send(buffer.as_slice()).await.map_err(sqlx_error)?;
            buffer.clear();
        }
    }
    buffer.extend(TRAILER.to_be_bytes());
    sink.send(buffer.as_slice()).await.map_err(sqlx_error)?;
    sink.finish().await.map_err(sqlx_error)?;
    Ok(())
}

fn encode(row: &Row, buffer: &mut Vec<u8>) -> Result<(), StoreError> {
    buffer.extend(COLUMNS.to_be_bytes());
    field(buffer, &row.sequence.to_be_bytes())?;
    field(buffer, &row.recorded_time.to_be_bytes())?;
    field(buffer, &row.occurred_time.to_be_bytes())?;
    field(buffer, &row.tenant_key.to_be_bytes())?;
    field(buffer, &row.event_type.to_be_bytes())?;
    field(buffer, &row.fingerprint_version.to_be_bytes())?;
    field(buffer, row.event_id.as_bytes())?;
    field(buffer, &row.leaf_hash)?;
    field(buffer, &row.fingerprint)?;
    field(buffer, &row.payload)?;
    match &row.personal {
        Some(personal) => field(buffer, personal)?,
        None => buffer.extend(NULL.to_be_bytes()),
    }
    Ok(())
}

fn field(buffer: &mut Vec<u8>, bytes: &[u8]) -> Result<(), StoreError> {
    let length = i32::try_from(bytes.len())
        .map_err(|_| StoreError::Database("a value of 2 GiB or more cannot be stored".into()))?;
    buffer.extend(length.to_be_bytes());
    buffer.extend_from_slice(bytes);
    Ok(())
}
