//! G1 by what the kernel saw: the database has synced an event before vidne writes the answer to the client's socket.
//! A kill alone cannot show that, since what is in the page cache survives it.
//!
//! `strace` watches processes, `order` reads what it wrote, `sqlite` and `postgres` are the runs.

mod order;
mod postgres;
mod sqlite;
mod strace;

use tonic::transport::Channel;
use uuid::Uuid;
use vidne::{
    client::proto::audit_service_client::AuditServiceClient,
    codec::proto::v1::{Disposition, Event, EventType, RecordEventRequest},
};

use crate::support::server::Server;

/// Events that are watched, one after the other.
const EVENTS: usize = 5;

async fn connect(server: &Server) -> AuditServiceClient<Channel> {
    AuditServiceClient::connect(server.endpoint()).await.unwrap()
}

/// Records some events, each after the answer to the one before; their ids. An id is in the bytes that the database
/// writes as well as in the answer.
async fn record(client: &mut AuditServiceClient<Channel>) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..EVENTS {
        let event_id = Uuid::new_v4().to_string();
        // Twice among the bytes, so that no boundary of a page cuts both.
        let description = format!("{event_id} once more");
        let event = Event {
            event_id: event_id.clone(),
            description,
            r#type: EventType::RecordRead.into(),
            ..Event::default()
        };
        let answer = client.record_event(RecordEventRequest { event: Some(event) }).await.unwrap();
        assert_eq!(answer.into_inner().receipt.unwrap().disposition(), Disposition::Recorded);
        ids.push(event_id);
    }
    ids
}
