//! The log as it is in the end, held against what clients were told.

use std::collections::BTreeMap;

use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tonic::transport::Channel;
use vidne::{
    client::proto::audit_service_client::AuditServiceClient,
    codec::proto::v1::{Disposition, Event, QueryEventsRequest, query_events_response::Kind},
};

use super::ledger::Ledger;

/// Reads the logs of `tenants` and holds every receipt against them; says what it came to.
///
/// # Panics
///
/// If a log has a hole, if an event with a receipt is not there once with the hash and the place of its receipt, or
/// if something is there that nobody sent or that nobody was told of although everybody asked until answered.
pub async fn check(channel: Channel, tenants: &[&str], ledger: &Ledger) -> String {
    let mut found = BTreeMap::new();
    for tenant in tenants {
        let (mut sequence, mut recorded) = (0, (0, 0));
        for payload in read(channel.clone(), tenant).await {
            let event = Event::decode(payload.as_slice()).unwrap();
            sequence += 1;
            assert_eq!(event.sequence, sequence, "a hole in the log of {tenant}");
            let time = event.recorded_time.map(|time| (time.seconds, time.nanos)).unwrap();
            assert!(recorded <= time, "time runs backwards in {tenant} at {sequence}");
            recorded = time;
            let key = (event.tenant_id.clone(), event.event_id.clone());
            assert_eq!(key.0, *tenant);
            let again = found.insert(key.clone(), (event, payload));
            assert!(again.is_none(), "{key:?} is there twice");
        }
    }
    let events = found.len();
    // Lost: the answer that said RECORDED, so that the first to come said DUPLICATE.
    let (mut receipts, mut duplicates, mut lost) = (0, 0, 0);
    for (key, entry) in ledger.entries() {
        let there = found.remove(&key);
        assert!(!entry.receipts.is_empty(), "{key:?} was never answered");
        let Some((event, payload)) = there else { panic!("{key:?} is lost: {:?}", entry.receipts) };
        assert_eq!(event.description, entry.description, "other content under {key:?}");
        let hash = Sha256::new().chain_update([0]).chain_update(&payload).finalize();
        let again = entry.receipts.iter().filter(|r| r.disposition() == Disposition::Duplicate).count();
        receipts += entry.receipts.len();
        duplicates += again;
        lost += usize::from(again == entry.receipts.len());
        for receipt in entry.receipts {
            assert_eq!(receipt.sequence, event.sequence, "{key:?}");
            assert_eq!(receipt.recorded_time, event.recorded_time, "{key:?}");
            assert_eq!(receipt.leaf_hash, hash.as_slice(), "{key:?} is not what was acknowledged");
        }
    }
    assert!(found.is_empty(), "nobody sent {:?}", found.keys().collect::<Vec<_>>());
    format!(
        "{events} events, {receipts} receipts, {duplicates} of them DUPLICATE, {lost} answers lost on the way"
    )
}

/// The stored bytes of a whole log, in order.
async fn read(channel: Channel, tenant: &str) -> Vec<Vec<u8>> {
    let mut client = AuditServiceClient::new(channel);
    let request = QueryEventsRequest { tenant_id: tenant.to_owned(), ..QueryEventsRequest::default() };
    let mut answers = client.query_events(request).await.unwrap().into_inner();
    let mut payloads = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        if let Some(Kind::Batch(batch)) = answer.kind {
            payloads.extend(batch.events.into_iter().map(Vec::from));
        }
    }
    payloads
}
