//! Removing temporary files that earlier runs of the same job left behind. Nothing else is ever deleted.

use super::{ExportError, destination::DropFolder, manifest::ENDING as MANIFEST};
use crate::domain::{export::join, format::Format};

/// More would be looked at by the next run.
const PARTS: usize = 1_000;

/// Deletes the job's temporary files of fences before `fence`. No file may be pending under one of them.
pub(super) async fn clean(
    folder: &dyn DropFolder,
    directory: &str,
    job_id: &str,
    fence: u64,
) -> Result<(), ExportError> {
    for name in folder.parts(directory, PARTS).await? {
        if fence_of(&name, job_id).is_some_and(|older| older < fence) {
            tracing::info!(export.job_id = job_id, file.name = %name, "removing a temporary file of an earlier run");
            folder.delete(&join(directory, &name)).await?;
        }
    }
    Ok(())
}

/// The fence in the name of a temporary file, if it is one of this job: `.<name>.<extension>.<fence>.part`, where the
/// name holds, wherever the job's template has put them, the job's id and two positions of 20 digits.
fn fence_of(name: &str, job_id: &str) -> Option<u64> {
    let (file, fence) = name.strip_prefix('.')?.strip_suffix(".part")?.rsplit_once('.')?;
    let file = file.strip_suffix(MANIFEST).unwrap_or(file);
    let (stem, extension) = file.strip_suffix(".gz").unwrap_or(file).rsplit_once('.')?;
    let positions = stem.split(|c: char| !c.is_ascii_digit()).map(str::len).filter(|digits| *digits >= 20);
    let ours = !stem.starts_with('.')
        && Format::EXTENSIONS.contains(&extension)
        && stem.contains(job_id)
        && positions.sum::<usize>() >= 40
        && !fence.is_empty()
        && fence.bytes().all(|b| b.is_ascii_digit());
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
            for ending in ["", ".gz", ".manifest.json", ".gz.manifest.json"] {
                let ours = format!(".my_siem_abcdefgh23_{range}.{extension}{ending}.8.part");
                assert_eq!(fence_of(&ours, "abcdefgh23"), Some(8), "{ours}");
            }
        }
        let of_a_template = ".abcdefgh23.0000000000000000000700000000000000000009.log.8.part";
        assert_eq!(fence_of(of_a_template, "abcdefgh23"), Some(8));
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
