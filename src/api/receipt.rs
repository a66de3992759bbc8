//! Receipts on the wire, and counting them.

use super::status;
use crate::{
    codec::{
        proto::v1::{self, record_result},
        wire::timestamp,
    },
    domain::receipt::{Disposition, Receipt, Stamp},
    metrics::Metrics,
    service::record::Recorded,
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

/// Error details of all events of one request, so that the answer stays below what clients take.
const DETAILS_BYTES: usize = 2 * 1024 * 1024;

/// What became of each event of one request, counted.
pub fn record_results(results: Vec<Recorded>, metrics: &Metrics) -> Vec<v1::RecordResult> {
    let limit = DETAILS_BYTES / results.len().max(1);
    let to_proto = |result: Recorded| {
        count(metrics, &result);
        let kind = match result {
            Ok(receipt) => record_result::Kind::Receipt(receipt_to_proto(&receipt)),
            Err(error) => record_result::Kind::Error(status::result(error, limit)),
        };
        v1::RecordResult { kind: Some(kind) }
    };
    results.into_iter().map(to_proto).collect()
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
