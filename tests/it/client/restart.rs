//! Streams from a real server that is killed, again and again, and comes back.

use std::time::Duration;

use prost::Message as _;
use vidne::{
    client::{Client, ClientOptions, EventStream, QueryItem, Resume},
    codec::proto::v1::{Event, EventType, QueryEventsRequest, QueryOrder},
};

use crate::support::server::Server;

/// Enough that a stream of them does not fit into the buffers between the two.
const EVENTS: u64 = 3_000;

fn client(server: &Server) -> Client {
    let options = ClientOptions {
        first_backoff: Duration::from_millis(5),
        longest_backoff: Duration::from_millis(100),
        max_retries: 100,
        ..ClientOptions::default()
    };
    Client::connect(&server.endpoint(), options).unwrap()
}

fn event() -> Event {
    Event { r#type: EventType::RecordRead.into(), description: "x".repeat(2_000), ..Event::default() }
}

async fn record(client: &Client, count: u64) {
    for start in (0..count).step_by(500) {
        let batch = (start..count.min(start + 500)).map(|_| event()).collect();
        for result in client.record_batch(batch).await.unwrap() {
            result.unwrap();
        }
    }
}

/// What a stream has delivered, and how often it had to connect again.
struct Reader {
    stream: EventStream,
    sequences: Vec<u64>,
    reconnected: usize,
    ended: bool,
}

impl Reader {
    fn new(client: &Client, request: QueryEventsRequest) -> Self {
        let stream = client.query(request, Resume::Always);
        Self { stream, sequences: Vec::new(), reconnected: 0, ended: false }
    }

    async fn step(&mut self) {
        match self.stream.next().await.expect("the stream ended").unwrap().item {
            QueryItem::Events(events) => {
                let sequence = |bytes| Event::decode(bytes).unwrap().sequence;
                self.sequences.extend(events.into_iter().map(sequence));
            }
            QueryItem::Reconnecting { .. } => self.reconnected += 1,
            QueryItem::End(_) => self.ended = true,
            QueryItem::Progress { .. } | QueryItem::CaughtUp { .. } => {}
        }
    }

    async fn read_until(&mut self, count: u64) {
        while (self.sequences.len() as u64) < count {
            self.step().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g4_a_stream_survives_a_server_that_is_killed_in_its_midst_in_both_orders() {
    let mut server = Server::on_sqlite();
    let client = client(&server);
    record(&client, EVENTS).await;
    for order in [QueryOrder::Ascending, QueryOrder::Descending] {
        let request = QueryEventsRequest { order: order.into(), ..QueryEventsRequest::default() };
        let mut reader = Reader::new(&client, request);
        for kill in 1..=3 {
            reader.read_until(kill * 300).await;
            assert!((reader.sequences.len() as u64) < EVENTS, "the stream was over before it was cut");
            server.kill9();
            // What was under way still arrives; then the connection is broken.
            let before = reader.reconnected;
            while reader.reconnected == before {
                reader.step().await;
            }
            server.restart();
        }
        while !reader.ended {
            reader.step().await;
        }
        let expected: Vec<u64> = match order {
            QueryOrder::Descending => (1..=EVENTS).rev().collect(),
            _ => (1..=EVENTS).collect(),
        };
        assert_eq!(reader.sequences, expected);
        assert!(reader.reconnected >= 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g4_a_follower_sees_each_event_once_while_the_server_is_killed_and_written_to() {
    let mut server = Server::on_sqlite();
    let client = client(&server);
    let mut reader =
        Reader::new(&client, QueryEventsRequest { follow: true, ..QueryEventsRequest::default() });
    let mut recorded = 0;
    for _ in 0..3 {
        record(&client, 200).await;
        recorded += 200;
        reader.read_until(recorded - 100).await;
        server.kill9();
        server.restart();
        // Recorded while the follower does not know yet that its connection is gone.
        record(&client, 50).await;
        recorded += 50;
        reader.read_until(recorded).await;
    }
    assert_eq!(reader.sequences, (1..=recorded).collect::<Vec<_>>());
    assert!(reader.reconnected >= 3, "it connected again {} times", reader.reconnected);
}
