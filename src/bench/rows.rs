//! The rows that vidne wrote, to be written again without it.

use uuid::Uuid;

/// The columns of `events`, in their order.
pub(super) const COLUMNS: &str = "sequence, recorded_time, occurred_time, tenant_key, event_type, \
     fingerprint_version, event_id, leaf_hash, fingerprint, payload, personal";
/// How many they are.
pub(super) const WIDTH: usize = 11;

/// One row, by [`COLUMNS`].
pub(super) type Row =
    (i64, i64, i64, i32, i16, i16, Uuid, Vec<u8>, Option<Vec<u8>>, Vec<u8>, Option<Vec<u8>>);

/// Binds the values of a row. Written out for any database, since sqlx can only do it for one at a time.
macro_rules! bind_row {
    ($query:expr, $row:expr) => {
        $query
            .bind($row.0)
            .bind($row.1)
            .bind($row.2)
            .bind($row.3)
            .bind($row.4)
            .bind($row.5)
            .bind($row.6)
            .bind($row.7.as_slice())
            .bind($row.8.as_deref())
            .bind($row.9.as_slice())
            .bind($row.10.as_deref())
    };
}

pub(super) use bind_row;
