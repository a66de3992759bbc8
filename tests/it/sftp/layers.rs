use opendal::layers::PrometheusClientLayer;
use prometheus_client::registry::Registry;
use vidne::demo::sftp_server::Quirks;
use vidne::export::sftp::{SCHEME, operator};

use super::target::Demo;

#[tokio::test]
async fn operations_are_counted_in_the_callers_registry() {
    let demo = Demo::start(Quirks::default()).await;
    let mut registry = Registry::default();
    let metrics = PrometheusClientLayer::builder().register(&mut registry);
    let operator = operator(demo.config(), Some(metrics)).unwrap();
    operator.write("x", "1").await.unwrap();
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    assert!(text.contains(&format!("scheme=\"{SCHEME}\"")), "{text}");
    assert!(text.contains("operation=\"Writer::close\"") || text.contains("operation=\"write\""), "{text}");
}
