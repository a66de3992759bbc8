//! Counts and summaries over the wire, in pieces.

use std::{collections::BTreeMap, time::Duration};

use tonic::Code;
use vidne::{
    client::{Client, ClientOptions},
    codec::proto::v1::{
        Actor, CountEventsRequest, Event, EventFilter, EventType, Outcome, SummarizeEventsRequest,
        SummarizeEventsResponse, SummaryGroups,
    },
};

use super::{Server, expect, fields};

const EVENTS: u64 = 60;
const DAY: i64 = 86_400;

async fn filled(given: &[(&'static str, &str)]) -> (Server, Client, Vec<Event>) {
    let server = Server::with(given).await;
    let types = [EventType::RecordRead, EventType::RecordEdited, EventType::RecordDeleted];
    let mut events = Vec::new();
    for i in 0..EVENTS {
        let seconds = 1_700_000_000 + (i * i * 977 % 40) as i64 * DAY;
        let actor = Actor { user_id: format!("u-{}", i % 7), ..Actor::default() };
        let event = Event {
            r#type: types[(i % 3) as usize].into(),
            outcome: if i % 5 == 0 { Outcome::Failure } else { Outcome::Success }.into(),
            occurred_time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            actor: Some(actor),
            ..Event::default()
        };
        assert_eq!(server.record(event.clone()).await.unwrap().sequence, i + 1);
        events.push(event);
    }
    let address = format!("http://{}", server.running.addresses.listen);
    let client = Client::connect(&address, ClientOptions::default()).unwrap();
    (server, client, events)
}

fn failures() -> EventFilter {
    EventFilter { outcomes: vec![Outcome::Failure.into()], ..EventFilter::default() }
}

fn groups(groups: Option<SummaryGroups>) -> (BTreeMap<String, u64>, u64) {
    let groups = groups.unwrap();
    (groups.groups.into_iter().map(|group| (group.value, group.count)).collect(), groups.other_count)
}

#[tokio::test]
async fn pieces_add_up_to_the_whole() {
    let (_server, client, events) =
        filled(&[("query.count_positions", "7"), ("query.chunk_events", "3")]).await;
    for filter in
        [None, Some(failures()), Some(EventFilter { sequence_from: 5, sequence_before: 52, ..failures() })]
    {
        let (from, before) = filter.as_ref().map_or((0, 0), |f| (f.sequence_from, f.sequence_before));
        let wanted = || {
            events.iter().zip(1..).filter(|(event, sequence)| {
                (filter.as_ref().is_none_or(|f| f.outcomes.is_empty() || f.outcomes.contains(&event.outcome)))
                    && *sequence >= from
                    && (before == 0 || *sequence < before)
            })
        };
        let request = CountEventsRequest { filter: filter.clone(), ..CountEventsRequest::default() };
        let one = client.count_events(request.clone()).await.unwrap().extent.unwrap();
        assert_eq!((one.head_sequence, one.scanned_sequence, one.complete), (EVENTS, from.max(1) + 6, false));
        let mut calls = 0;
        let count = client.count_all_events(request, |_| calls += 1).await.unwrap();
        assert_eq!(count.count, wanted().count() as u64);
        assert!(count.extent.unwrap().complete && calls > 5, "{calls} calls");

        let request = SummarizeEventsRequest { filter: filter.clone(), ..SummarizeEventsRequest::default() };
        let SummarizeEventsResponse { count, bucket_width, buckets, types, actors, outcomes, .. } =
            client.summarize_all_events(request, |_| ()).await.unwrap();
        assert_eq!(count, wanted().count() as u64);
        let width = bucket_width.unwrap().seconds;
        let mut by_time = BTreeMap::<i64, u64>::new();
        let mut by_type = BTreeMap::<String, u64>::new();
        let mut by_actor = BTreeMap::<String, u64>::new();
        let mut by_outcome = BTreeMap::<String, u64>::new();
        for (event, _) in wanted() {
            let seconds = event.occurred_time.unwrap().seconds;
            *by_time.entry(seconds - seconds % width).or_default() += 1;
            let name = event.r#type().as_str_name().trim_start_matches("EVENT_TYPE_").to_owned();
            *by_type.entry(name).or_default() += 1;
            *by_actor.entry(event.actor.clone().unwrap().user_id).or_default() += 1;
            let name = event.outcome().as_str_name().trim_start_matches("OUTCOME_").to_owned();
            *by_outcome.entry(name).or_default() += 1;
        }
        let found: BTreeMap<i64, u64> =
            buckets.iter().map(|bucket| (bucket.start_time.unwrap().seconds, bucket.count)).collect();
        assert_eq!(found, by_time);
        let span = found.last_key_value().unwrap().0 - found.first_key_value().unwrap().0;
        assert!((20..100).contains(&(span / width)), "{span} s in buckets of {width} s");
        assert_eq!(groups(types), (by_type, 0));
        assert_eq!(groups(actors), (by_actor, 0));
        assert_eq!(groups(outcomes), (by_outcome, 0));
    }
}

#[tokio::test]
async fn small_groups_are_counted_together() {
    let (_server, client, events) = filled(&[("query.count_positions", "13")]).await;
    let request = SummarizeEventsRequest { max_groups: 2, ..SummarizeEventsRequest::default() };
    let answer = client.summarize_all_events(request, |_| ()).await.unwrap();
    let (actors, others) = groups(answer.actors);
    assert_eq!((actors.len(), actors.values().sum::<u64>() + others), (2, events.len() as u64));
    let (outcomes, others) = groups(answer.outcomes);
    assert_eq!((outcomes["FAILURE"], outcomes["SUCCESS"], others), (12, 48, 0));
}

#[tokio::test]
async fn a_bucket_width_is_kept_to() {
    let (_server, client, _) = filled(&[("query.count_positions", "9")]).await;
    let bucket_width = Some(prost_types::Duration { seconds: 7 * DAY, nanos: 0 });
    let request = SummarizeEventsRequest { bucket_width, ..SummarizeEventsRequest::default() };
    let answer = client.summarize_all_events(request, |_| ()).await.unwrap();
    assert_eq!(answer.bucket_width, bucket_width);
    assert!(answer.buckets.iter().all(|bucket| bucket.start_time.unwrap().seconds % (7 * DAY) == 0));
    assert!(answer.buckets.is_sorted_by_key(|bucket| bucket.start_time.unwrap().seconds));
    assert_eq!(answer.buckets.iter().map(|bucket| bucket.count).sum::<u64>(), EVENTS);
}

#[tokio::test]
async fn wrong_requests_are_refused_with_every_wrong_field() {
    let server = Server::start().await;
    let nanos = prost_types::Duration { seconds: 1, nanos: 5 };
    let request = SummarizeEventsRequest {
        tenant_id: "NO TENANT".to_owned(),
        filter: Some(EventFilter { source_ips: vec!["x".to_owned()], ..EventFilter::default() }),
        time: 9,
        bucket_width: Some(nanos),
        max_groups: 1_001,
    };
    let refused = server.audit().summarize_events(request).await.unwrap_err();
    let details = expect(&refused, Code::InvalidArgument, "INVALID_FIELDS");
    assert_eq!(fields(&details), ["tenant_id", "filter.source_ips[0]", "time", "bucket_width", "max_groups"]);
    for seconds in [0, -1, 367 * DAY] {
        let bucket_width = Some(prost_types::Duration { seconds, nanos: 0 });
        let request = SummarizeEventsRequest { bucket_width, ..SummarizeEventsRequest::default() };
        let refused = server.audit().summarize_events(request).await.unwrap_err();
        assert_eq!(fields(&expect(&refused, Code::InvalidArgument, "INVALID_FIELDS")), ["bucket_width"]);
    }
    let nowhere = CountEventsRequest { tenant_id: "nowhere".to_owned(), ..CountEventsRequest::default() };
    let refused = server.audit().count_events(nowhere).await.unwrap_err();
    expect(&refused, Code::NotFound, "TENANT_NOT_FOUND");
}

#[tokio::test]
async fn the_callers_deadline_bounds_the_call_and_leaves_time_for_an_answer() {
    let (server, _, _) = filled(&[("query.chunk_events", "1"), ("query.count_time", "10s")]).await;
    // A minute leaves 45 s, more than the server's own; the answer is complete long before.
    let mut request =
        tonic::Request::new(CountEventsRequest { filter: Some(failures()), ..Default::default() });
    request.set_timeout(Duration::from_secs(60));
    let answer = server.audit().count_events(request).await.unwrap().into_inner();
    assert!(answer.extent.unwrap().complete && answer.count == 12);
}
