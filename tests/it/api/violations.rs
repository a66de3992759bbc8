//! What an error says of many wrong fields fits into headers.

use tonic::Code;
use vidne::codec::proto::v1;

use super::{Server, event, expect, fields};

#[tokio::test]
async fn a_hundred_wrong_fields_are_cut_to_what_headers_hold() {
    let server = Server::with(&[("limits.labels", "200")]).await;
    let labels = (0..100).map(|i| (format!("Wrong Key {i} {}", "x".repeat(100)), String::new())).collect();
    let status = server.record(v1::Event { labels, ..event() }).await.unwrap_err();
    let details = expect(&status, Code::InvalidArgument, "INVALID_FIELDS");
    let named = fields(&details).len();
    assert!((1..=32).contains(&named), "{named} fields are named");
    assert!(status.message().ends_with("(and 99 more)"), "{}", status.message());
    assert!(status.message().len() <= 600);
}

#[tokio::test]
async fn short_ones_are_named_up_to_thirty_two() {
    let server = Server::with(&[("limits.targets", "100")]).await;
    let targets = (0..100).map(|_| v1::Target { r#type: 9_999, ..Default::default() }).collect();
    let status = server.record(v1::Event { targets, ..event() }).await.unwrap_err();
    let details = expect(&status, Code::InvalidArgument, "INVALID_FIELDS");
    let named = fields(&details);
    assert!(named.len() > 20 && named.len() <= 32, "{}", named.len());
    assert_eq!(named[0], "event.targets[0].type");
}
