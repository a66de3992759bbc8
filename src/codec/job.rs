//! Settings of an export job <-> the bytes that a store keeps of a revision.

use crate::domain::export::JobSettings;

use super::error::DecodeError;

/// The bytes of a revision: a `vidne.v1.ExportJob` without output fields and secrets.
pub fn encode_settings(settings: &JobSettings) -> Vec<u8> {
    let _ = settings;
    Vec::new()
}

/// Reads them back.
pub fn decode_settings(bytes: &[u8]) -> Result<JobSettings, DecodeError> {
    let _ = bytes;
    Err(DecodeError::Missing("settings"))
}
