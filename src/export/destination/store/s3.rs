//! S3, and servers that speak its protocol.

use std::sync::Arc;

use opendal::services::S3;

use super::{
    super::{DestinationConfig, DropFolder, object::Way},
    http::folder,
};
use crate::{
    domain::{export::S3Destination, secret::Secret},
    export::ExportError,
};

/// Many servers know the condition of uploads and not that of copies.
const WAYS: &[Way] = &[Way::Copy, Way::Upload { pieces: false }];
const REGION: &str = "us-east-1";

pub(super) fn open(
    settings: &S3Destination,
    key: &Secret,
    config: &DestinationConfig,
) -> Result<Arc<dyn DropFolder>, ExportError> {
    let region = if settings.region.is_empty() { REGION } else { &settings.region };
    // A job acts with its own key, never with what the server's machine is allowed to do.
    let mut builder = S3::default()
        .disable_config_load()
        .disable_ec2_metadata()
        .root(&settings.directory)
        .bucket(&settings.bucket)
        .region(region)
        .access_key_id(&settings.access_key_id)
        .secret_access_key(key.expose());
    if !settings.endpoint.is_empty() {
        builder = builder.endpoint(&settings.endpoint);
    }
    if settings.virtual_host_style {
        builder = builder.enable_virtual_host_style();
    }
    folder(builder, WAYS, config)
}
