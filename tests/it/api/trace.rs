//! The trace of a call is kept on its event.

use tonic::Request;
use vidne::codec::proto::v1::{self, get_event_request::Key};

use super::{Server, event};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn kept(traceparent: &'static str, event: v1::Event) -> String {
    let server = Server::start().await;
    let mut request = Request::new(v1::RecordEventRequest { event: Some(event) });
    request.metadata_mut().insert("traceparent", traceparent.parse().unwrap());
    server.audit().record_event(request).await.unwrap();
    let request = v1::GetEventRequest { key: Some(Key::Sequence(1)), ..Default::default() };
    server.audit().get_event(request).await.unwrap().into_inner().event.unwrap().trace
}

#[tokio::test]
async fn the_traceparent_of_the_metadata_is_kept() {
    assert_eq!(kept(TRACE, event()).await, TRACE);
}

#[tokio::test]
async fn the_events_own_trace_goes_before_it() {
    let own = "00-11111111111111111111111111111111-2222222222222222-00";
    assert_eq!(kept(TRACE, v1::Event { trace: own.to_owned(), ..event() }).await, own);
}

#[tokio::test]
async fn a_traceparent_that_is_not_valid_is_as_good_as_none() {
    assert_eq!(kept("00-xyz", event()).await, "");
    assert_eq!(kept("00-00000000000000000000000000000000-b7ad6b7169203331-01", event()).await, "");
}
