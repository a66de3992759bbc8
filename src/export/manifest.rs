//! What is written beside a file once it is published.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    ExportError,
    destination::{DropFolder, Published},
};
use crate::domain::export::{ExportFile, JobSettings, join, part_name};

/// What a manifest's name ends with.
pub(super) const ENDING: &str = ".manifest.json";
/// Goes up when a format's lines change their meaning.
const FORMAT_VERSION: u32 = 1;
/// Tries to find the manifest there after all.
const LOOKS: usize = 3;

/// One manifest. Fields are only ever added.
#[derive(Debug, Serialize)]
struct Content<'a> {
    manifest_version: u32,
    tenant_id: &'a str,
    job_id: &'a str,
    job_name: &'a str,
    job_revision: u64,
    file_number: u64,
    file: String,
    format: String,
    format_version: u32,
    compression: &'static str,
    event_count: u64,
    first_sequence: u64,
    last_sequence: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_recorded_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_recorded_time: Option<String>,
    size_bytes: u64,
    sha256: String,
    created_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_sha256: Option<String>,
}

/// The manifest of `file`; the same file always has the same one.
pub(super) fn render(
    tenant: &str,
    settings: &JobSettings,
    file: &ExportFile,
    previous: Option<&ExportFile>,
) -> Result<Vec<u8>, ExportError> {
    let content = Content {
        manifest_version: 1,
        tenant_id: tenant,
        job_id: &file.job_id,
        job_name: &settings.name,
        job_revision: file.job_revision,
        file_number: file.number,
        file: file.path(),
        format: settings.format.to_string(),
        format_version: FORMAT_VERSION,
        compression: match settings.delivery.compression.ending() {
            "" => "none",
            _ => "gzip",
        },
        event_count: file.event_count,
        first_sequence: file.first_sequence,
        last_sequence: file.last_sequence,
        first_recorded_time: file.first_recorded.map(|time| time.to_string()),
        last_recorded_time: file.last_recorded.map(|time| time.to_string()),
        size_bytes: file.size_bytes,
        sha256: hex(&file.sha256),
        created_time: file.created.to_string(),
        previous_file: previous.map(ExportFile::path),
        previous_sha256: previous.map(|file| hex(&file.sha256)),
    };
    let mut bytes = serde_json::to_vec_pretty(&content)
        .map_err(|error| ExportError::io("rendering a manifest", error.into()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Puts a manifest into `directory`, unless it is there. One that its consumer has taken meanwhile is put there again:
/// there is no way to tell, and it says the same.
pub(super) async fn publish(
    folder: &dyn DropFolder,
    directory: &str,
    file: &ExportFile,
    fence: u64,
    content: &[u8],
) -> Result<(), ExportError> {
    let name = format!("{}{ENDING}", file.name);
    let (part, name) = (join(directory, &part_name(&name, fence)), join(directory, &name));
    for _ in 0..LOOKS {
        if is_there(folder, &name, content).await? {
            return folder.delete(&part).await;
        }
        folder.delete(&part).await?;
        let mut out = folder.create(&part).await?;
        out.write(content.to_vec().into()).await?;
        out.close().await?;
        if folder.size(&part).await? != Some(content.len() as u64) {
            let message =
                "the destination did not take a whole manifest; its disk may be full or a quota reached";
            return Err(ExportError::unavailable(message));
        }
        match folder.publish(&part, &name).await? {
            Published::Done => return Ok(()),
            // An earlier rename went through late, or somebody takes temporary files: look again.
            Published::NameTaken | Published::PartMissing => {}
        }
    }
    Err(ExportError::unavailable(format!("the folder keeps changing while {name} is written; run again")))
}

async fn is_there(folder: &dyn DropFolder, name: &str, content: &[u8]) -> Result<bool, ExportError> {
    let Some(size) = folder.size(name).await? else { return Ok(false) };
    let same = size == content.len() as u64
        && folder.sha256(name).await?.is_none_or(|digest| digest[..] == Sha256::digest(content)[..]);
    if same {
        return Ok(true);
    }
    Err(ExportError::destination(format!(
        "another file named {name} is at the destination; vidne never replaces one: move it away and run again"
    )))
}
