//! Streams through broken connections.

use prost::Message as _;
use tonic::Status;
use vidne::{
    client::{Client, ClientError, QueryItem, Resume},
    codec::proto::v1::{EndReason, Event, QueryEventsRequest, query_events_request::Start},
};

use super::fake::{Script, batch, end};

/// Sequences that arrive, how often it connected again, and how it ended.
async fn read(
    client: &Client,
    request: QueryEventsRequest,
    resume: Resume,
) -> (Vec<u64>, usize, Result<Option<EndReason>, ClientError>) {
    let mut stream = client.query(request, resume);
    let (mut sequences, mut reconnected, mut reason) = (Vec::new(), 0, None);
    while let Some(message) = stream.next().await {
        match message.map(|message| message.item) {
            Ok(QueryItem::Events(events)) => {
                sequences.extend(events.into_iter().map(|bytes| Event::decode(bytes).unwrap().sequence));
            }
            Ok(QueryItem::Reconnecting { .. }) => reconnected += 1,
            Ok(QueryItem::End(why)) => reason = Some(why),
            Ok(_) => {}
            Err(error) => return (sequences, reconnected, Err(error)),
        }
    }
    (sequences, reconnected, Ok(reason))
}

#[tokio::test]
async fn a_stream_goes_on_behind_its_last_event_without_gap_or_repetition() {
    let script = Script::default();
    script.query.lock().unwrap().extend([
        vec![batch(&[1, 2]), batch(&[3]), Err(Status::unavailable("shutting down"))],
        // Not even a first message.
        vec![Err(Status::unavailable("still down"))],
        // The connection ends without a last word.
        vec![batch(&[4])],
        vec![batch(&[5]), end(EndReason::Exhausted)],
    ]);
    let client = script.serve().await;
    let (sequences, reconnected, ended) = read(&client, QueryEventsRequest::default(), Resume::Always).await;
    assert_eq!(sequences, [1, 2, 3, 4, 5]);
    assert_eq!((reconnected, ended.unwrap()), (3, Some(EndReason::Exhausted)));
    let starts: Vec<_> = script.queries.lock().unwrap().iter().map(|query| query.start.clone()).collect();
    let token = |text: &str| Some(Start::ResumeToken(text.as_bytes().to_vec()));
    assert_eq!(starts, [None, token("3"), token("3"), token("4")]);
}

#[tokio::test]
async fn a_limit_holds_over_all_connections_together() {
    let script = Script::default();
    script.query.lock().unwrap().extend([
        vec![batch(&[1, 2]), Err(Status::unavailable("down"))],
        vec![batch(&[3]), Err(Status::unavailable("down before the end"))],
    ]);
    let client = script.serve().await;
    let request = QueryEventsRequest { limit: 3, ..QueryEventsRequest::default() };
    let (sequences, reconnected, ended) = read(&client, request, Resume::Always).await;
    assert_eq!(sequences, [1, 2, 3]);
    // Nothing is left to ask for, so it is not asked again.
    assert_eq!((reconnected, ended.unwrap()), (1, Some(EndReason::Limit)));
    let limits: Vec<_> = script.queries.lock().unwrap().iter().map(|query| query.limit).collect();
    assert_eq!(limits, [3, 1]);
}

#[tokio::test]
async fn a_refused_query_is_not_repeated() {
    let script = Script::default();
    script
        .query
        .lock()
        .unwrap()
        .push_back(vec![batch(&[1]), Err(Status::out_of_range("removed by retention"))]);
    let client = script.serve().await;
    let (sequences, reconnected, ended) = read(&client, QueryEventsRequest::default(), Resume::Always).await;
    assert_eq!((sequences, reconnected), (vec![1], 0));
    assert_eq!(ended.unwrap_err().code(), Some(tonic::Code::OutOfRange));
}

#[tokio::test]
async fn attempts_are_counted_in_a_row_only() {
    let script = Script::default();
    let down = || Err(Status::unavailable("down"));
    script.query.lock().unwrap().extend([
        vec![down()],
        vec![batch(&[1]), down()],
        vec![down()],
        vec![down()],
    ]);
    let client = script.serve().await;
    let (sequences, reconnected, ended) =
        read(&client, QueryEventsRequest::default(), Resume::Attempts(2)).await;
    assert_eq!((sequences, reconnected), (vec![1], 3));
    ended.unwrap_err();
}
