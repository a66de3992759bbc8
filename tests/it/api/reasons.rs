//! Every reason of an error that a client can bring about, with its code.

use tonic::Code;
use uuid::Uuid;
use vidne::codec::proto::v1::{self, get_event_request::Key, query_events_request::Start};

use super::{Server, event, expect, fields};

#[tokio::test]
async fn an_event_without_a_type_is_answered_with_the_field() {
    let status = Server::start().await.record(v1::Event::default()).await.unwrap_err();
    let details = expect(&status, Code::InvalidArgument, "INVALID_FIELDS");
    assert_eq!(fields(&details), ["event.type"]);
}

#[tokio::test]
async fn a_request_without_an_event_is_answered_with_the_field() {
    let server = Server::start().await;
    let status = server.audit().record_event(v1::RecordEventRequest::default()).await.unwrap_err();
    assert_eq!(fields(&expect(&status, Code::InvalidArgument, "INVALID_FIELDS")), ["event"]);
}

#[tokio::test]
async fn an_event_that_does_not_fit_is_answered_with_the_limit() {
    let server = Server::with(&[("limits.event_bytes", "4KiB")]).await;
    // Label values are not cut below what is indexed, so these do not fit however much is cut.
    let labels = (0..32).map(|i| (format!("label-{i:02}-{}", "x".repeat(50)), "y".repeat(512))).collect();
    let targets = (0..32).map(|_| v1::Target { id: "z".repeat(512), ..Default::default() }).collect();
    let status = server.record(v1::Event { labels, targets, ..event() }).await.unwrap_err();
    let details = expect(&status, Code::InvalidArgument, "EVENT_TOO_LARGE");
    let limit: usize = details.error_info().unwrap().metadata["limit_bytes"].parse().unwrap();
    assert!(limit > 4_000 && limit <= 4_096, "{limit}");
}

#[tokio::test]
async fn too_many_events_are_answered_with_the_limit() {
    let server = Server::with(&[("limits.request_events", "2")]).await;
    let request = v1::BatchRecordEventsRequest { events: vec![event(); 3] };
    let status = server.audit().batch_record_events(request).await.unwrap_err();
    let details = expect(&status, Code::InvalidArgument, "REQUEST_TOO_LARGE");
    assert_eq!(details.error_info().unwrap().metadata["limit_events"], "2");
}

#[tokio::test]
async fn an_event_id_with_other_content_is_refused() {
    let server = Server::start().await;
    let event_id = Uuid::new_v4().to_string();
    server.record(v1::Event { event_id: event_id.clone(), ..event() }).await.unwrap();
    let other = v1::Event { event_id, description: "other".to_owned(), ..event() };
    expect(&server.record(other).await.unwrap_err(), Code::AlreadyExists, "EVENT_ID_REUSED");
}

#[tokio::test]
async fn an_event_of_a_batch_is_refused_in_its_own_result() {
    let server = Server::start().await;
    let events = vec![event(), v1::Event::default(), event()];
    let request = v1::BatchRecordEventsRequest { events };
    let results = server.audit().batch_record_events(request).await.unwrap().into_inner().results;
    let kinds: Vec<_> = results.into_iter().map(|result| result.kind.unwrap()).collect();
    let [v1::record_result::Kind::Receipt(first), refused, v1::record_result::Kind::Receipt(third)] =
        kinds.as_slice()
    else {
        panic!("{kinds:?}");
    };
    assert_eq!((first.sequence, third.sequence), (1, 2));
    let v1::record_result::Kind::Error(error) = refused else { panic!("{refused:?}") };
    assert_eq!(error.code, Code::InvalidArgument as i32);
    let types: Vec<&str> = error.details.iter().map(|detail| detail.type_url.as_str()).collect();
    assert_eq!(
        types,
        ["type.googleapis.com/google.rpc.ErrorInfo", "type.googleapis.com/google.rpc.BadRequest"]
    );
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let server = Server::start().await;
    let get = |tenant: &str| v1::GetEventRequest {
        tenant_id: tenant.to_owned(),
        key: Some(Key::Sequence(1)),
        show_personal: false,
    };
    let status = server.audit().get_event(get("default")).await.unwrap_err();
    expect(&status, Code::NotFound, "EVENT_NOT_FOUND");
    let status = server.audit().get_event(get("nobody")).await.unwrap_err();
    expect(&status, Code::NotFound, "TENANT_NOT_FOUND");
    let request = v1::GetExportJobRequest { job_id: "nothing".to_owned(), ..Default::default() };
    let status = server.exports().get_export_job(request).await.unwrap_err();
    expect(&status, Code::NotFound, "EXPORT_JOB_NOT_FOUND");
}

#[tokio::test]
async fn a_get_without_a_key_or_with_a_bad_one_is_answered_with_the_field() {
    let server = Server::start().await;
    for (key, field) in [
        (None, "key"),
        (Some(Key::EventId("4711".to_owned())), "event_id"),
        (Some(Key::Sequence(0)), "sequence"),
    ] {
        let request = v1::GetEventRequest { key, ..Default::default() };
        let status = server.audit().get_event(request).await.unwrap_err();
        assert_eq!(fields(&expect(&status, Code::InvalidArgument, "INVALID_FIELDS")), [field]);
    }
}

#[tokio::test]
async fn a_token_that_is_not_ours_is_refused() {
    let server = Server::start().await;
    let start = Some(Start::ResumeToken(b"not a token of this server".to_vec()));
    let request = v1::QueryEventsRequest { start, ..Default::default() };
    let status = server.audit().query_events(request).await.unwrap_err();
    expect(&status, Code::InvalidArgument, "INVALID_RESUME_TOKEN");
    let request = v1::ListTenantsRequest { page_token: "bm8".to_owned(), ..Default::default() };
    let status = server.tenants().list_tenants(request).await.unwrap_err();
    expect(&status, Code::InvalidArgument, "INVALID_RESUME_TOKEN");
}

#[tokio::test]
async fn a_query_names_all_that_is_wrong_with_it() {
    let server = Server::start().await;
    let filter = v1::EventFilter { event_ids: vec!["4711".to_owned()], ..Default::default() };
    let request = v1::QueryEventsRequest {
        tenant_id: "No Tenant".to_owned(),
        filter: Some(filter),
        order: 7,
        ..Default::default()
    };
    let status = server.audit().query_events(request).await.unwrap_err();
    let details = expect(&status, Code::InvalidArgument, "INVALID_FIELDS");
    assert_eq!(fields(&details), ["tenant_id", "filter.event_ids[0]", "order"]);
}

#[tokio::test]
async fn more_calls_than_allowed_are_told_when_to_try_again() {
    let server = Server::with(&[("server.max_calls", "1")]).await;
    let request = v1::QueryEventsRequest { follow: true, ..Default::default() };
    let follow = server.audit().query_events(request).await.unwrap();
    let status = server.record(event()).await.unwrap_err();
    let details = expect(&status, Code::ResourceExhausted, "OVERLOADED");
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    drop(follow);
    // The place is free as soon as the server has heard of it.
    let recorded = async {
        while server.record(event()).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), recorded).await.unwrap();
}
