//! G10: a client that stops reading holds none of the database's connections.

use std::{sync::Arc, time::Duration};

use prost::Message;
use tempfile::TempDir;
use tonic::{
    Streaming,
    transport::{Channel, Endpoint},
};
use uuid::Uuid;
use vidne::{
    app::{self, Backing, Io, Listeners, Running},
    client::proto::audit_service_client::AuditServiceClient,
    codec::proto::v1::{
        BatchRecordEventsRequest, Event, EventFilter, GetEventRequest, QueryEventsRequest,
        QueryEventsResponse, QueryOrder, get_event_request::Key, query_events_response::Kind,
    },
    domain::{secret::Secret, time::SystemClock},
    store::sql::{Database, PoolOptions, SqlStore, migrate},
    vault::{MasterKey, Vault},
};

use super::{event, settings};
use crate::support::postgres::TestDatabase;

/// Some 4 MB: more than one client takes before it reads, and several batches.
const EVENTS: usize = 400;
const SIZE: usize = 10_000;
/// What a client takes before it reads.
const WINDOW: u32 = 64 * 1024;
/// Far more than there are connections.
const STALLED: usize = 12;
/// For a call; whoever waits for a connection in vain is refused before.
const SOON: Duration = Duration::from_secs(60);

async fn serve(database: &Database, connections: u32) -> Running {
    migrate(database).await.unwrap();
    let options = PoolOptions { max_connections: connections, ..PoolOptions::default() };
    let store = Arc::new(SqlStore::open(database, &options).await.unwrap());
    let settings = settings(&[]);
    let backing = Backing::new(store, Vault::new(&MasterKey::generate().unwrap()));
    let listeners = Listeners::bind(&settings.server).await.unwrap();
    app::start_on(&settings, Io { clock: Arc::new(SystemClock), listeners }, backing).await.unwrap()
}

async fn connect(server: &Running) -> AuditServiceClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{}", server.addresses.listen)).unwrap();
    let endpoint = endpoint.initial_stream_window_size(WINDOW).initial_connection_window_size(WINDOW);
    AuditServiceClient::new(endpoint.connect().await.unwrap())
}

async fn fill(client: &mut AuditServiceClient<Channel>) {
    for _ in 0..EVENTS / 100 {
        let large =
            |_| Event { event_id: Uuid::now_v7().to_string(), description: "x".repeat(SIZE), ..event() };
        let request = BatchRecordEventsRequest { events: (0..100).map(large).collect() };
        let answer = client.batch_record_events(request).await.unwrap().into_inner();
        assert_eq!(answer.results.len(), 100);
    }
}

/// In turns: everything, everything the other way, and what the database and `domain` decide.
fn request(number: usize) -> QueryEventsRequest {
    let filter = |text: &str| Some(EventFilter { text: text.to_owned(), ..EventFilter::default() });
    match number % 3 {
        0 => QueryEventsRequest::default(),
        1 => QueryEventsRequest { order: QueryOrder::Descending.into(), ..QueryEventsRequest::default() },
        _ => QueryEventsRequest { filter: filter("xxx"), ..QueryEventsRequest::default() },
    }
}

async fn rest(mut stream: Streaming<QueryEventsResponse>) -> Vec<u64> {
    let mut sequences = Vec::new();
    while let Some(answer) = stream.message().await.unwrap() {
        let Some(Kind::Batch(batch)) = answer.kind else { continue };
        sequences.extend(batch.events.into_iter().map(|event| Event::decode(event).unwrap().sequence));
    }
    sequences.sort_unstable();
    sequences
}

async fn clients_that_stop_reading_are_in_nobodys_way(database: &Database, connections: u32) {
    let server = serve(database, connections).await;
    fill(&mut connect(&server).await).await;
    let mut stalled = Vec::new();
    for number in 0..STALLED {
        // Each on a connection of its own, and none of them reads.
        let stream = connect(&server).await.query_events(request(number)).await.unwrap().into_inner();
        stalled.push(stream);
    }
    let mut client = connect(&server).await;
    for sequence in 1..=50 {
        let request = GetEventRequest { key: Some(Key::Sequence(sequence)), ..GetEventRequest::default() };
        let answer = tokio::time::timeout(SOON, client.get_event(request)).await.expect("in time").unwrap();
        assert_eq!(answer.into_inner().event.unwrap().sequence, sequence);
    }
    let whole = client.query_events(QueryEventsRequest::default()).await.unwrap().into_inner();
    assert_eq!(rest(whole).await.len(), EVENTS);
    // And they find everything when they come back.
    for stream in stalled {
        assert_eq!(rest(stream).await, (1..=EVENTS as u64).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g10_clients_that_stop_reading_hold_no_connection_of_sqlite() {
    let folder = TempDir::new().unwrap();
    clients_that_stop_reading_are_in_nobodys_way(&Database::sqlite(folder.path()), 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g10_clients_that_stop_reading_hold_no_connection_of_postgresql() {
    let server = TestDatabase::create().await;
    let database = Database::from_url(&Secret::new(server.url())).unwrap();
    clients_that_stop_reading_are_in_nobodys_way(&database, 2).await;
}
