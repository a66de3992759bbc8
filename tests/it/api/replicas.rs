//! Two servers on one database: what is recorded at one is followed at the other.

use std::{sync::Arc, time::Duration};

use prost::Message as _;
use sqlx::{Connection as _, PgConnection, postgres::PgListener};
use tokio::time::timeout;
use tonic::Streaming;
use vidne::{
    app::{self, Io, Listeners},
    codec::proto::v1::{self, Event, QueryEventsRequest, QueryEventsResponse, query_events_response::Kind},
    domain::time::SystemClock,
};

use super::{Server, connect, event, settings};
use crate::support::{mysql::TestMySql, postgres::TestDatabase};

const SOON: Duration = Duration::from_secs(60);
/// The key of the installation, which all its servers have.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

async fn server(url: &str, poll_interval: &str) -> Server {
    let given = [
        ("database.url", url),
        ("database.migrate", "true"),
        ("database.max_connections", "4"),
        ("keys.key", KEY),
        ("query.poll_interval", poll_interval),
    ];
    let settings = settings(&given);
    let listeners = Listeners::bind(&settings.server).await.unwrap();
    let running = app::start(&settings, Io { clock: Arc::new(SystemClock), listeners }).await.unwrap();
    Server { channel: connect(&running).await, running }
}

async fn stop(server: Server) {
    let Server { running, channel } = server;
    drop(channel);
    running.stop.cancel();
    running.join().await.unwrap();
}

/// A stream that has caught up.
async fn follow(server: &Server, request: QueryEventsRequest) -> Streaming<QueryEventsResponse> {
    let request = QueryEventsRequest { follow: true, ..request };
    let mut stream = server.audit().query_events(request).await.unwrap().into_inner();
    while !matches!(message(&mut stream).await.kind, Some(Kind::CaughtUp(_))) {}
    stream
}

async fn message(stream: &mut Streaming<QueryEventsResponse>) -> QueryEventsResponse {
    timeout(SOON, stream.message()).await.expect("nothing comes").unwrap().expect("the stream ended")
}

/// The sequences of the next batch.
async fn batch(stream: &mut Streaming<QueryEventsResponse>) -> Vec<u64> {
    let next = async {
        loop {
            if let Some(Kind::Batch(batch)) = message(stream).await.kind {
                let sequence = |bytes| Event::decode(bytes).unwrap().sequence;
                return batch.events.into_iter().map(sequence).collect();
            }
        }
    };
    timeout(SOON, next).await.expect("no event comes")
}

async fn run(database: &TestDatabase, sql: &'static str) {
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g4_what_is_recorded_at_one_server_is_told_to_the_other_by_postgresql() {
    let database = TestDatabase::create().await;
    // Nobody polls.
    let (writer, reader) = (server(database.url(), "1h").await, server(database.url(), "1h").await);
    let mut stream = follow(&reader, QueryEventsRequest::default()).await;
    for sequence in 1..=20 {
        writer.record(event()).await.unwrap();
        assert_eq!(batch(&mut stream).await, [sequence]);
    }
    // A token of one is a token of the other.
    let token = message_with_token(&mut stream, &writer).await;
    let start = Some(v1::query_events_request::Start::ResumeToken(token));
    let mut there = follow(&writer, QueryEventsRequest { start, ..Default::default() }).await;
    reader.record(event()).await.unwrap();
    assert_eq!((batch(&mut there).await, batch(&mut stream).await), (vec![22], vec![22]));
    drop((stream, there));
    stop(writer).await;
    stop(reader).await;
}

/// Records one more and takes the token of the message that brings it.
async fn message_with_token(stream: &mut Streaming<QueryEventsResponse>, writer: &Server) -> Vec<u8> {
    writer.record(event()).await.unwrap();
    let message = message(stream).await;
    assert!(matches!(message.kind, Some(Kind::Batch(_))), "{message:?}");
    message.resume_token
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g4_what_is_recorded_while_nobody_listens_is_told_once_somebody_does_again() {
    const LISTENERS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                             WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    let database = TestDatabase::create().await;
    let (writer, reader) = (server(database.url(), "1h").await, server(database.url(), "1h").await);
    let mut stream = follow(&reader, QueryEventsRequest::default()).await;
    for sequence in 1..=5 {
        run(&database, LISTENERS).await;
        // It listens again a second later, and looks at what it may have missed then.
        writer.record(event()).await.unwrap();
        assert_eq!(batch(&mut stream).await, [sequence]);
    }
    drop(stream);
    stop(writer).await;
    stop(reader).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g4_what_postgresql_tells_nobody_is_found_by_polling() {
    // What the servers call in place of the one that tells.
    const MUTE: &str = "CREATE SCHEMA mute; \
                        CREATE FUNCTION mute.pg_notify(text, text) RETURNS void LANGUAGE sql AS 'SELECT'; \
                        DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = mute, pg_catalog, public', \
                        current_database()); END $$";
    let database = TestDatabase::create().await;
    stop(server(database.url(), "1h").await).await;
    run(&database, MUTE).await;
    let (writer, reader) = (server(database.url(), "1h").await, server(database.url(), "200ms").await);
    let mut heard = PgListener::connect(database.url()).await.unwrap();
    heard.listen("vidne_grown").await.unwrap();
    let mut stream = follow(&reader, QueryEventsRequest::default()).await;
    for sequence in 1..=5 {
        writer.record(event()).await.unwrap();
        assert_eq!(batch(&mut stream).await, [sequence]);
    }
    drop(stream);
    // It tells what it has left before it stops.
    stop(writer).await;
    stop(reader).await;
    run(&database, "SELECT pg_catalog.pg_notify('vidne_grown', 'the test')").await;
    let first = timeout(SOON, heard.recv()).await.unwrap().unwrap();
    assert_eq!(first.payload(), "the test", "somebody was told after all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g4_what_is_recorded_at_one_server_on_mariadb_is_found_at_the_other_by_polling() {
    let database = TestMySql::create().await;
    let (writer, reader) = (server(database.url(), "1h").await, server(database.url(), "100ms").await);
    let mut stream = follow(&reader, QueryEventsRequest::default()).await;
    for sequence in 1..=10 {
        writer.record(event()).await.unwrap();
        assert_eq!(batch(&mut stream).await, [sequence]);
    }
    drop(stream);
    stop(writer).await;
    stop(reader).await;
}
