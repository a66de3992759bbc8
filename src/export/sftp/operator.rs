//! The service with OpenDAL's layers around it.

use opendal::layers::{PrometheusClientLayer, RetryEvent, RetryLayer, TimeoutLayer, TracingLayer};
use opendal::{Operator, Result};

use super::config::SftpConfig;
use super::service::SftpBuilder;

/// An operator on one SFTP destination, with time-outs, retries, tracing and, if `metrics` is given, metrics.
///
/// Nothing is connected yet: the first operation does that. Make the metrics layer once per registry with
/// `PrometheusClientLayer::builder().register(..)` and hand in clones of it.
///
/// Fails with `ConfigInvalid` if the configuration names no user.
pub fn operator(config: SftpConfig, metrics: Option<PrometheusClientLayer>) -> Result<Operator> {
    let limits = config.limits.clone();
    // Inside the retries, or one time-out would end all of them.
    let timeout =
        TimeoutLayer::new().with_timeout(limits.outer_timeout()).with_io_timeout(limits.outer_timeout());
    let retry = RetryLayer::new()
        .with_max_times(limits.retries)
        .with_min_delay(limits.retry_delay)
        .with_max_delay(limits.retry_delay_max)
        .with_jitter()
        .with_notify(report_retry);
    let operator =
        Operator::new(SftpBuilder::new(config))?.layer(timeout).layer(retry).layer(TracingLayer::new());
    Ok(match metrics {
        Some(metrics) => operator.layer(metrics),
        None => operator,
    })
}

fn report_retry(event: RetryEvent<'_>) {
    tracing::warn!(
        sftp.operation = %event.op,
        sftp.attempt = event.attempt,
        sftp.retry_after_ms = event.retry_after.as_millis(),
        error = %event.err,
        "SFTP operation failed and will be tried again"
    );
}
