//! What all object stores share: an HTTP client, layers, and the folder around them.

use std::{sync::Arc, time::Duration};

use opendal::{
    Builder, HttpTransporter, OperationContext, Operator,
    layers::{RetryLayer, TimeoutLayer, TracingLayer},
};
use opendal_http_transport_reqwest::ReqwestTransport;

use super::super::{
    DestinationConfig, DropFolder,
    object::{ObjectFolder, Way},
};
use crate::export::ExportError;

/// Longest wait for one request, and for one chunk of a transfer.
const REQUEST: Duration = Duration::from_secs(60);

pub(super) fn folder<B: Builder>(
    builder: B,
    ways: &'static [Way],
    config: &DestinationConfig,
) -> Result<Arc<dyn DropFolder>, ExportError> {
    let failed = |error| ExportError::opendal("opening the destination", error);
    let transport = HttpTransporter::new(ReqwestTransport::new(client(config)?));
    let operator = Operator::new(builder).map_err(failed)?;
    let operator = operator
        .with_context(OperationContext::new().with_http_transport(transport))
        .layer(TimeoutLayer::new().with_timeout(REQUEST).with_io_timeout(REQUEST))
        .layer(RetryLayer::new().with_max_times(config.sftp.retries).with_jitter())
        .layer(TracingLayer::new());
    let operator = match &config.metrics {
        Some(metrics) => operator.layer(metrics.clone()),
        None => operator,
    };
    Ok(Arc::new(ObjectFolder::new(operator, ways)))
}

/// One that trusts what the system trusts, and follows nobody elsewhere: a signed request is for one server.
fn client(config: &DestinationConfig) -> Result<reqwest::Client, ExportError> {
    // Fails if there is one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(config.sftp.connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| ExportError::unavailable(format!("there is no HTTP client: {error}")))
}
