//! Removing temporary files that earlier runs of the same job left behind. Nothing else is ever deleted.

use super::{ExportError, destination::DropFolder};
use crate::domain::{format::Format, id::is_name};

/// More would be looked at by the next run.
const PARTS: usize = 1_000;

/// Deletes the job's temporary files of fences before `fence`. No file may be pending under one of them.
pub(super) async fn clean(folder: &dyn DropFolder, job_id: &str, fence: u64) -> Result<(), ExportError> {
    for name in folder.parts(PARTS).await? {
        if fence_of(&name, job_id).is_some_and(|older| older < fence) {
            tracing::info!(export.job_id = job_id, file.name = %name, "removing a temporary file of an earlier run");
            folder.delete(&name).await?;
        }
    }
    Ok(())
}

/// The fence in the name of a temporary file, if it is one of this job:
/// `.<job name>_<job id>_<time>_<first>-<last>.<extension>.<fence>.part`.
fn fence_of(name: &str, job_id: &str) -> Option<u64> {
    let (file, fence) = name.strip_prefix('.')?.strip_suffix(".part")?.rsplit_once('.')?;
    let (job_name, rest) = file.rsplit_once(&format!("_{job_id}_"))?;
    let (time, rest) = rest.split_once('_')?;
    let (range, extension) = rest.split_once('.')?;
    let (first, last) = range.split_once('-')?;
    let digits = |text: &str, len: usize| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    let ours = is_name(job_name)
        && time.len() == 16
        && digits(first, 20)
        && digits(last, 20)
        && Format::EXTENSIONS.contains(&extension)
        && !fence.is_empty()
        && digits(fence, fence.len());
    if ours { fence.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_jobs_own_temporary_files_are_known() {
        let range = "20261122T093000Z_00000000000000000001-00000000000000000009";
        let ours = format!(".my_siem_abcdefgh23_{range}.jsonl.7.part");
        assert_eq!(fence_of(&ours, "abcdefgh23"), Some(7));
        assert_eq!(fence_of(&ours, "zzzzzzzz22"), None);
        for extension in Format::EXTENSIONS {
            let ours = format!(".my_siem_abcdefgh23_{range}.{extension}.8.part");
            assert_eq!(fence_of(&ours, "abcdefgh23"), Some(8), "{ours}");
        }
        for other in [
            format!("my_siem_abcdefgh23_{range}.jsonl"),
            format!("my_siem_abcdefgh23_{range}.jsonl.7.part"),
            format!(".my_siem_abcdefgh23_{range}.jsonl.part"),
            format!(".my_siem_abcdefgh23_{range}.jsonl.+7.part"),
            format!(".my_siem_abcdefgh23_{range}.exe.7.part"),
            ".my_siem_abcdefgh23_20261122T093000Z_1-9.jsonl.7.part".to_owned(),
            ".vidne-probe-abcdefgh23.part".to_owned(),
        ] {
            assert_eq!(fence_of(&other, "abcdefgh23"), None, "{other}");
        }
    }
}
