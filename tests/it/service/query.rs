use std::time::Duration;

use futures::StreamExt;
use vidne::{
    domain::{
        catalogue::EventType,
        filter::EventFilter,
        id::{EventId, TenantId},
        query::{EndReason, Message, Order, Query, Start},
    },
    service::{
        ServiceError,
        query::{Key, QueryOptions},
    },
    store::StoreError,
};

use super::{Services, default_query, events, sequences};
use crate::support::events::bare;

/// `count` events; every third one is of type RECORD_READ.
async fn fill(services: &Services, count: u64) {
    for i in 1..=count {
        let event_type = if i % 3 == 0 { EventType::from_number(2).unwrap() } else { EventType::CUSTOM };
        assert_eq!(services.sequence(bare(event_type)).await, i);
    }
}

fn thirds() -> EventFilter {
    EventFilter { types: vec![EventType::from_number(2).unwrap()], ..EventFilter::default() }
}

fn small() -> QueryOptions {
    QueryOptions { chunk_events: 4, ..QueryOptions::default() }
}

#[tokio::test]
async fn both_orders_deliver_everything_and_then_end() {
    let services = Services::with(small());
    fill(&services, 10).await;
    let up = services.all(default_query()).await;
    assert_eq!(sequences(&up), (1..=10).collect::<Vec<_>>());
    assert_eq!(up.last().unwrap().0, Message::End(EndReason::Exhausted));
    let down = services.all(Query { order: Order::Descending, ..default_query() }).await;
    assert_eq!(sequences(&down), (1..=10).rev().collect::<Vec<_>>());
    assert_eq!(down.last().unwrap().0, Message::End(EndReason::Exhausted));
}

#[tokio::test]
async fn an_empty_log_ends_at_once() {
    let services = Services::new();
    for order in [Order::Ascending, Order::Descending] {
        let all = services.all(Query { order, ..default_query() }).await;
        assert!(matches!(all.as_slice(), [(Message::End(EndReason::Exhausted), _)]));
    }
}

#[tokio::test]
async fn a_limit_counts_matching_events_and_is_said() {
    let services = Services::with(small());
    fill(&services, 20).await;
    let all = services.all(Query { filter: thirds(), limit: 2, ..default_query() }).await;
    assert_eq!(sequences(&all), [3, 6]);
    assert_eq!(all.last().unwrap().0, Message::End(EndReason::Limit));
}

#[tokio::test]
async fn g4_every_message_can_be_resumed_without_gap_or_repetition_in_both_orders() {
    let services = Services::with(QueryOptions { chunk_events: 3, ..QueryOptions::default() });
    fill(&services, 20).await;
    for filter in [EventFilter::default(), thirds()] {
        for order in [Order::Ascending, Order::Descending] {
            for limit in [0, 1, 2, 5] {
                let query = Query { filter: filter.clone(), order, limit, ..default_query() };
                let whole = sequences(&services.all(Query { limit: 0, ..query.clone() }).await);
                let first = services.all(query.clone()).await;
                for (taken, (_, token)) in first.iter().enumerate() {
                    let before = sequences(&first[..=taken]);
                    let start = Start::Token(token.clone());
                    let after = services.all(Query { start, limit: 0, ..query.clone() }).await;
                    let chain = [before, sequences(&after)].concat();
                    assert_eq!(chain, whole, "{order:?} limit {limit} after message {taken}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_head_is_pinned_also_across_a_resume() {
    let services = Services::new();
    fill(&services, 6).await;
    let query = Query { limit: 2, ..default_query() };
    let (_, token) = services.all(query.clone()).await.pop().unwrap();
    services.sequence(bare(EventType::CUSTOM)).await;
    let rest = services.all(Query { start: Start::Token(token), limit: 0, ..query }).await;
    assert_eq!(sequences(&rest), [3, 4, 5, 6]);
}

#[tokio::test]
async fn a_query_can_start_after_a_position() {
    let services = Services::new();
    fill(&services, 6).await;
    let start = Start::After(4);
    assert_eq!(sequences(&services.all(Query { start: start.clone(), ..default_query() }).await), [5, 6]);
    let down = Query { start, order: Order::Descending, ..default_query() };
    assert_eq!(sequences(&services.all(down).await), [3, 2, 1]);
}

#[tokio::test]
async fn a_start_after_what_is_not_recorded_yet_is_refused_and_before_it_is_the_head() {
    let services = Services::new();
    fill(&services, 6).await;
    assert!(services.all(Query { start: Start::After(6), ..default_query() }).await.len() == 1);
    for follow in [false, true] {
        let refused = services.query(Query { start: Start::After(7), follow, ..default_query() }).await.err();
        let Some(ServiceError::Invalid(wrong)) = refused else { panic!("{refused:?}") };
        assert_eq!(wrong.iter().next().unwrap().field, "after_sequence");
    }
    let down = Query { start: Start::After(99), order: Order::Descending, limit: 2, ..default_query() };
    let first = services.all(down.clone()).await;
    assert_eq!(sequences(&first), [6, 5]);
    // Its token is one of this log, whatever it began with.
    let start = Start::Token(first[0].1.clone());
    assert_eq!(sequences(&services.all(Query { start, limit: 0, ..down.clone() }).await), [4, 3, 2, 1]);
    let empty = Services::new();
    let (_, token) = empty.all(down.clone()).await.pop().unwrap();
    assert_eq!(empty.all(Query { start: Start::Token(token), ..down }).await.len(), 1);
}

#[tokio::test]
async fn sequence_bounds_of_the_filter_hold() {
    let services = Services::new();
    fill(&services, 9).await;
    let filter = EventFilter { sequence_from: 3, sequence_before: 6, ..EventFilter::default() };
    assert_eq!(
        sequences(&services.all(Query { filter: filter.clone(), ..default_query() }).await),
        [3, 4, 5]
    );
    let down = Query { filter, order: Order::Descending, ..default_query() };
    assert_eq!(sequences(&services.all(down).await), [5, 4, 3]);
}

#[tokio::test]
async fn a_follower_catches_up_says_so_once_and_goes_on_live() {
    let services = Services::new();
    fill(&services, 3).await;
    let mut stream = services.query(Query { follow: true, ..default_query() }).await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    assert_eq!(sequences(&[first]), [1, 2, 3]);
    let (caught_up, _) = stream.next().await.unwrap().unwrap();
    assert_eq!(caught_up, Message::CaughtUp { head: 3 });
    for next in 4..7 {
        services.sequence(bare(EventType::CUSTOM)).await;
        let live = stream.next().await.unwrap().unwrap();
        assert_eq!(sequences(&[live]), [next]);
    }
}

#[tokio::test]
async fn a_follower_from_now_sees_only_what_comes() {
    let services = Services::new();
    fill(&services, 3).await;
    let query = Query { follow: true, start: Start::Now, ..default_query() };
    let mut stream = services.query(query).await.unwrap();
    let (caught_up, token) = stream.next().await.unwrap().unwrap();
    assert_eq!(caught_up, Message::CaughtUp { head: 3 });
    services.sequence(bare(EventType::CUSTOM)).await;
    assert_eq!(sequences(&[stream.next().await.unwrap().unwrap()]), [4]);
    let resumed = Query { follow: true, start: Start::Token(token), ..default_query() };
    let mut stream = services.query(resumed).await.unwrap();
    assert_eq!(sequences(&[stream.next().await.unwrap().unwrap()]), [4]);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_follower_hears_progress_with_a_fresh_token() {
    let services = Services::new();
    fill(&services, 2).await;
    let query = Query {
        follow: true,
        filter: EventFilter { text: "none".to_owned(), ..EventFilter::default() },
        ..default_query()
    };
    let mut stream = services.query(query).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().0, Message::CaughtUp { head: 2 });
    let before = tokio::time::Instant::now();
    assert_eq!(stream.next().await.unwrap().unwrap().0, Message::Progress { head: 2, scanned: 2 });
    assert_eq!(before.elapsed(), Duration::from_secs(10));
    // Events that do not match move the position all the same.
    services.sequence(bare(EventType::CUSTOM)).await;
    assert_eq!(stream.next().await.unwrap().unwrap().0, Message::Progress { head: 3, scanned: 3 });
}

#[tokio::test]
async fn shutdown_ends_a_follower_with_its_reason() {
    let services = Services::new();
    let mut stream = services.query(Query { follow: true, ..default_query() }).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().0, Message::CaughtUp { head: 0 });
    services.shutdown.cancel();
    assert!(matches!(stream.next().await, Some(Err(ServiceError::ShuttingDown))));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_before_the_stream_begins() {
    let services = Services::new();
    let down = Query { order: Order::Descending, ..default_query() };
    for query in [
        Query { follow: true, start: Start::Now, ..down.clone() },
        Query { start: Start::Token(vec![1, 2, 3]), ..down.clone() },
    ] {
        assert!(services.query(query).await.is_err());
    }
    let nowhere = Query { tenant: TenantId::parse("nowhere").unwrap(), ..default_query() };
    let refused = services.query(nowhere).await.err().unwrap();
    assert!(matches!(refused, ServiceError::Store(StoreError::TenantNotFound)));
}

#[tokio::test]
async fn g10_batches_are_bounded_in_bytes() {
    let options =
        QueryOptions { batch_bytes: 8_000, event_bytes: 2_000, chunk_events: 100, ..QueryOptions::default() };
    let services = Services::with(options);
    for _ in 0..20 {
        let mut input = bare(EventType::CUSTOM);
        input.description = "x".repeat(1_500);
        services.sequence(input).await;
    }
    let all = services.all(default_query()).await;
    assert_eq!(sequences(&all).len(), 20);
    for (message, _) in &all {
        if let Message::Batch(events) = message {
            assert!(events.iter().map(|e| e.len()).sum::<usize>() <= 8_000);
        }
    }
    assert!(all.len() > 3);
}

#[tokio::test]
async fn one_event_is_found_by_id_and_by_place() {
    let services = Services::new();
    fill(&services, 3).await;
    let tenant = TenantId::default_tenant();
    let all = events(&services.all(default_query()).await);
    let id = all[1].event.id;
    let by_id = services.queries.get(&tenant, Key::Id(id), false).await.unwrap();
    let by_place = services.queries.get(&tenant, Key::Sequence(2), false).await.unwrap();
    assert_eq!(by_id, by_place);
    let missing = services.queries.get(&tenant, Key::Id(EventId::now_v7()), false).await;
    assert!(matches!(missing, Err(ServiceError::EventNotFound)));
    let nowhere = services.queries.get(&TenantId::parse("nowhere").unwrap(), Key::Sequence(1), false).await;
    assert!(matches!(nowhere, Err(ServiceError::Store(StoreError::TenantNotFound))));
}
