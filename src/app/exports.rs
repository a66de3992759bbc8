//! The exporter, put together.

use std::{convert::Infallible, sync::Arc};

use opendal::layers::PrometheusClientLayer;
use prometheus_client::registry::Registry;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Backing;
use crate::{
    config::Settings,
    domain::time::Clock,
    export::{
        destination::{DestinationConfig, OpendalDestinations},
        run::Runner,
        secret_source::SecretSources,
        sftp::SftpLimits,
    },
    metrics::Metrics,
    service::{
        exports::{ExportParts, Exports},
        witness::Witness,
    },
};

/// Where local destinations are, in the data folder, if the settings do not say.
const EXPORT_FOLDER: &str = "exports";

pub(super) struct Given<'a> {
    pub(super) backing: &'a Backing,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) witness: Witness,
    /// Runs are in here.
    pub(super) runs: TaskTracker,
    /// Stops them.
    pub(super) stop: CancellationToken,
    pub(super) metrics: Metrics,
}

pub(super) fn exports(settings: &Settings, given: Given<'_>, registry: &mut Registry) -> Exports {
    let Given { backing, clock, witness, runs, stop, metrics } = given;
    let destinations = Arc::new(OpendalDestinations::new(DestinationConfig {
        export_directory: Some(
            settings.export.directory.clone().unwrap_or_else(|| settings.data_dir.join(EXPORT_FOLDER)),
        ),
        sftp: SftpLimits {
            connect_timeout: settings.export.connect_timeout,
            request_timeout: settings.export.request_timeout,
            keepalive_interval: settings.export.keepalive_interval,
            ..SftpLimits::default()
        },
        secret_sources: SecretSources {
            files: settings.export.secret_files.clone(),
            env_prefix: settings.export.secret_env_prefix.clone(),
        },
        metrics: Some(PrometheusClientLayer::builder().register(registry)),
    }));
    let (store, vault) = (backing.store.clone(), backing.vault.clone());
    let lease = settings.export.lease;
    let runner = Runner::new(store.clone(), destinations.clone(), vault.clone(), clock.clone(), lease)
        .with_kept_bytes(settings.export.kept_bytes);
    Exports::new(ExportParts {
        store,
        vault,
        clock,
        witness,
        destinations,
        runner,
        pauses: settings.export.pauses,
        metrics,
        tasks: runs,
        shutdown: stop,
    })
}

/// After `stop`, waits until every run, or consumer, has put down how far it came.
pub(super) async fn wait(runs: TaskTracker, stop: CancellationToken) -> Result<(), Infallible> {
    stop.cancelled().await;
    runs.close();
    runs.wait().await;
    Ok(())
}
