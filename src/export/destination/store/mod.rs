//! Object stores, as far as this build has them: their settings as operators, with layers and an HTTP client.

#[cfg(feature = "azblob")]
mod azblob;
#[cfg(feature = "gcs")]
mod gcs;
#[cfg(feature = "object-store")]
mod http;
#[cfg(feature = "s3")]
mod s3;

use std::sync::Arc;

use super::{DestinationConfig, DropFolder};
use crate::{
    domain::{
        export::{AzblobDestination, DestinationSecrets, GcsDestination, S3Destination},
        secret::Secret,
    },
    export::ExportError,
};

/// A bucket of S3.
pub(super) fn s3(
    settings: &S3Destination,
    secrets: &DestinationSecrets,
    config: &DestinationConfig,
) -> Result<Arc<dyn DropFolder>, ExportError> {
    s3::open(settings, key(secrets)?, config)
}

/// A container of Azure.
pub(super) fn azblob(
    settings: &AzblobDestination,
    secrets: &DestinationSecrets,
    config: &DestinationConfig,
) -> Result<Arc<dyn DropFolder>, ExportError> {
    azblob::open(settings, key(secrets)?, config)
}

/// A bucket of Google.
pub(super) fn gcs(
    settings: &GcsDestination,
    secrets: &DestinationSecrets,
    config: &DestinationConfig,
) -> Result<Arc<dyn DropFolder>, ExportError> {
    gcs::open(settings, key(secrets)?, config)
}

fn key(secrets: &DestinationSecrets) -> Result<&Secret, ExportError> {
    let missing = "the job has no secret for its object store; set it, or say where the server finds it";
    secrets.store_key.as_ref().ok_or_else(|| ExportError::destination(missing))
}

/// Stands for a kind of store that was left out.
#[cfg(not(all(feature = "s3", feature = "azblob", feature = "gcs")))]
macro_rules! left_out {
    ($name:ident, $settings:ident) => {
        mod $name {
            use super::*;

            pub(super) fn open(
                _: &$settings,
                _: &Secret,
                _: &DestinationConfig,
            ) -> Result<Arc<dyn DropFolder>, ExportError> {
                let name = stringify!($name);
                Err(ExportError::destination(format!(
                    "this build has no {name} destination; use one that was built with the feature `{name}`"
                )))
            }
        }
    };
}

#[cfg(not(feature = "azblob"))]
left_out!(azblob, AzblobDestination);
#[cfg(not(feature = "gcs"))]
left_out!(gcs, GcsDestination);
#[cfg(not(feature = "s3"))]
left_out!(s3, S3Destination);
