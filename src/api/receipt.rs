//! Receipts on the wire, and counting them.

use crate::{
    codec::{proto::v1, wire::timestamp},
    domain::receipt::{Disposition, Receipt, Stamp},
    metrics::Metrics,
};

/// A receipt as clients get it.
pub fn receipt_to_proto(receipt: &Receipt) -> v1::Receipt {
    let Receipt { event_id, tenant, disposition } = receipt;
    let (number, stamp) = match disposition {
        Disposition::Recorded(stamp) => (v1::Disposition::Recorded, Some(stamp)),
        Disposition::Duplicate(stamp) => (v1::Disposition::Duplicate, Some(stamp)),
        Disposition::NotRecorded => (v1::Disposition::NotRecorded, None),
    };
    let mut wire = v1::Receipt {
        event_id: event_id.to_string(),
        tenant_id: tenant.to_string(),
        disposition: number.into(),
        ..Default::default()
    };
    if let Some(Stamp { sequence, recorded, leaf_hash }) = stamp {
        wire.sequence = *sequence;
        wire.recorded_time = Some(timestamp(*recorded));
        wire.leaf_hash = leaf_hash.to_vec();
    }
    wire
}

/// Counts what became of an event that a client sent.
pub fn count<E>(metrics: &Metrics, result: &Result<Receipt, E>) {
    let disposition = match result {
        Ok(receipt) => match receipt.disposition {
            Disposition::Recorded(_) => "recorded",
            Disposition::Duplicate(_) => "duplicate",
            Disposition::NotRecorded => "not_recorded",
        },
        Err(_) => "refused",
    };
    metrics.events(disposition, 1);
}
