//! Azure Blob Storage.

use std::sync::Arc;

use opendal::services::Azblob;

use super::{
    super::{DestinationConfig, DropFolder, object::Way},
    http::folder,
};
use crate::{
    domain::{export::AzblobDestination, secret::Secret},
    export::ExportError,
};

/// Its copies may go on after they were answered, so a copied blob could appear before it is whole. An upload of any
/// number of blocks ends in one conditional request.
const WAYS: &[Way] = &[Way::Upload { pieces: true }];

pub(super) fn open(
    settings: &AzblobDestination,
    key: &Secret,
    config: &DestinationConfig,
) -> Result<Arc<dyn DropFolder>, ExportError> {
    let builder = Azblob::default()
        .root(&settings.directory)
        .endpoint(&settings.endpoint)
        .container(&settings.container)
        .account_name(&settings.account_name)
        .account_key(key.expose());
    folder(builder, WAYS, config)
}
