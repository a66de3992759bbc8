//! Google Cloud Storage.

use std::{borrow::Cow, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use opendal::services::Gcs;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    super::{DestinationConfig, DropFolder, object::Way},
    http::folder,
};
use crate::{
    domain::{export::GcsDestination, secret::Secret},
    export::ExportError,
};

const WAYS: &[Way] = &[Way::Compose, Way::Upload { pieces: true }];

/// What of a key is used. Google's other kinds of credentials name files and programs of the machine they are used
/// on, which are not for a job to choose.
#[derive(Deserialize, Serialize)]
struct ServiceAccount<'a> {
    r#type: Cow<'a, str>,
    client_email: Cow<'a, str>,
    private_key: Cow<'a, str>,
}

pub(super) fn open(
    settings: &GcsDestination,
    key: &Secret,
    config: &DestinationConfig,
) -> Result<Arc<dyn DropFolder>, ExportError> {
    let wrong = || {
        ExportError::destination(
            "the credential is not the key of a service account: give the JSON that Google makes, with the type \
             service_account, client_email and private_key",
        )
    };
    let account: ServiceAccount<'_> = serde_json::from_str(key.expose()).map_err(|_| wrong())?;
    if account.r#type != "service_account" {
        return Err(wrong());
    }
    let json = Zeroizing::new(serde_json::to_string(&account).map_err(|_| wrong())?);
    let credential = Zeroizing::new(STANDARD.encode(json.as_bytes()));
    let mut builder = Gcs::default()
        .disable_config_load()
        .disable_vm_metadata()
        .root(&settings.directory)
        .bucket(&settings.bucket)
        .credential(&credential);
    if !settings.endpoint.is_empty() {
        builder = builder.endpoint(&settings.endpoint);
    }
    folder(builder, WAYS, config)
}
