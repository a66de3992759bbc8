//! Clients that record all the while, each one event after the other.

use std::collections::BTreeMap;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use vidne::{
    client::Client,
    codec::proto::v1::{Event, EventType},
};

const WRITERS: usize = 4;

/// They record until they are told to stop.
pub struct Writers {
    stop: CancellationToken,
    tasks: JoinSet<Vec<(String, u64)>>,
}

impl Writers {
    /// Each with a client of its own.
    pub fn start(client: impl Fn() -> Client) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for _ in 0..WRITERS {
            tasks.spawn(record(client(), stop.clone()));
        }
        Self { stop, tasks }
    }

    /// Everything that was recorded, with its position.
    ///
    /// # Panics
    ///
    /// If one of them was let down.
    pub async fn stop(self) -> BTreeMap<String, u64> {
        self.stop.cancel();
        self.tasks.join_all().await.into_iter().flatten().collect()
    }
}

async fn record(client: Client, stop: CancellationToken) -> Vec<(String, u64)> {
    let mut sent = Vec::new();
    while !stop.is_cancelled() {
        let mut event = Event {
            r#type: EventType::RecordRead.into(),
            description: "x".repeat(200 + sent.len() % 300),
            ..Event::default()
        };
        if sent.len() % 3 == 0 {
            event.r#type = EventType::Custom.into();
            event.custom_type = "other".to_owned();
        }
        Client::choose_ids(std::slice::from_mut(&mut event));
        let id = event.event_id.clone();
        let receipt = client.record(event).await.unwrap();
        assert_eq!(receipt.event_id, id);
        sent.push((id, receipt.sequence));
    }
    sent
}
