//! `QueryEvents` over the wire: the largest events, the smallest pages, and the end of a tenant.

use std::time::Duration;

use prost::Message as _;
use tokio::time::timeout;
use tonic::Streaming;
use vidne::codec::proto::v1::{
    self, EndReason, Event, QueryEventsRequest, QueryEventsResponse, QueryOrder, query_events_request::Start,
    query_events_response::Kind,
};

use super::{Server, event};

const SOON: Duration = Duration::from_secs(60);

async fn query(server: &Server, request: QueryEventsRequest) -> Streaming<QueryEventsResponse> {
    // What clients take that say nothing of it: messages of 4 MiB.
    server.audit().query_events(request).await.unwrap().into_inner()
}

async fn message(stream: &mut Streaming<QueryEventsResponse>) -> QueryEventsResponse {
    timeout(SOON, stream.message()).await.expect("nothing comes").unwrap().expect("the stream ended")
}

/// The events until the stream ends, why it does, and its last token.
async fn rest(stream: &mut Streaming<QueryEventsResponse>) -> (Vec<Event>, EndReason, Vec<u8>) {
    let mut events = Vec::new();
    let all = async {
        loop {
            let message = message(stream).await;
            match message.kind.unwrap() {
                Kind::Batch(batch) => {
                    events.extend(batch.events.into_iter().map(|e| Event::decode(e).unwrap()))
                }
                Kind::End(end) => return (end.reason(), message.resume_token),
                Kind::Progress(_) | Kind::CaughtUp(_) => {}
            }
        }
    };
    let (reason, token) = timeout(SOON, all).await.expect("the stream does not end");
    assert!(stream.message().await.unwrap().is_none(), "nothing after the end");
    (events, reason, token)
}

fn sequences(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.sequence).collect()
}

/// Almost as large as `limit` lets one be.
fn largest(limit: usize) -> Event {
    const CHANGES: usize = 16;
    // Beside the values there are field names, tags and what the server adds.
    let text = "x".repeat((limit - 2_048) / CHANGES / 2);
    let change = |n| v1::Change { field: format!("f{n}"), old_value: text.clone(), new_value: text.clone() };
    Event { changes: (0..CHANGES).map(change).collect(), ..event() }
}

#[tokio::test]
async fn g4_events_of_the_largest_size_and_pages_of_one_event_get_through_in_both_orders() {
    const COUNT: u64 = 5;
    for (event_bytes, batch_bytes) in [("64KiB", "128KiB"), ("1MiB", "2MiB"), ("1MiB", "4MiB")] {
        let server = Server::with(&[
            ("limits.event_bytes", event_bytes),
            ("limits.batch_bytes", batch_bytes),
            ("limits.value_bytes", "64KiB"),
        ])
        .await;
        let limit = if event_bytes == "1MiB" { 1 << 20 } else { 64 << 10 };
        for _ in 0..COUNT {
            server.record(largest(limit)).await.unwrap();
        }
        for order in [QueryOrder::Ascending, QueryOrder::Descending] {
            let whole = QueryEventsRequest { order: order.into(), ..QueryEventsRequest::default() };
            let (events, reason, _) = rest(&mut query(&server, whole.clone()).await).await;
            assert_eq!(reason, EndReason::Exhausted);
            for event in &events {
                let size = event.encoded_len();
                assert!(size <= limit && size > limit - 4_096, "{size} of {limit} bytes");
            }
            let mut pages = Vec::new();
            let mut start = None;
            loop {
                let page = QueryEventsRequest { limit: 1, start: start.take(), ..whole.clone() };
                let (events, reason, token) = rest(&mut query(&server, page).await).await;
                pages.extend(events);
                match reason {
                    EndReason::Limit => start = Some(Start::ResumeToken(token)),
                    _ => break,
                }
            }
            assert_eq!(pages, events);
            let mut expected: Vec<u64> = (1..=COUNT).collect();
            if order == QueryOrder::Descending {
                expected.reverse();
            }
            assert_eq!(sequences(&pages), expected);
        }
        // And live.
        let from_now =
            QueryEventsRequest { follow: true, start: Some(Start::FromNow(true)), ..Default::default() };
        let mut live = query(&server, from_now).await;
        assert!(matches!(message(&mut live).await.kind, Some(Kind::CaughtUp(_))));
        server.record(largest(limit)).await.unwrap();
        let Some(Kind::Batch(batch)) = message(&mut live).await.kind else { panic!("no event") };
        assert!(batch.events[0].len() > limit - 4_096);
    }
}

#[tokio::test]
async fn g4_a_tenant_that_is_closed_in_midstream_is_delivered_to_its_end() {
    let server = Server::with(&[("query.poll_interval", "50ms")]).await;
    let tenant_id = "closing".to_owned();
    let tenant = Some(v1::Tenant { tenant_id: tenant_id.clone(), ..Default::default() });
    server.tenants().create_tenant(v1::CreateTenantRequest { tenant }).await.unwrap();
    let request =
        QueryEventsRequest { tenant_id: tenant_id.clone(), follow: true, ..QueryEventsRequest::default() };
    let mut stream = query(&server, request.clone()).await;
    assert!(matches!(message(&mut stream).await.kind, Some(Kind::CaughtUp(_))));
    for _ in 0..3 {
        server.record(Event { tenant_id: tenant_id.clone(), ..event() }).await.unwrap();
    }
    let delete = v1::DeleteTenantRequest { tenant_id: tenant_id.clone() };
    server.tenants().delete_tenant(delete).await.unwrap();
    let (events, reason, token) = rest(&mut stream).await;
    assert_eq!((sequences(&events), reason), (vec![1, 2, 3], EndReason::TenantClosed));
    // Whoever comes later is told the same, also with the last token.
    for (start, expected) in [(None, vec![1, 2, 3]), (Some(Start::ResumeToken(token)), vec![])] {
        let (events, reason, _) =
            rest(&mut query(&server, QueryEventsRequest { start, ..request.clone() }).await).await;
        assert_eq!((sequences(&events), reason), (expected, EndReason::TenantClosed));
    }
}
