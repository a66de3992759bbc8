//! Changing a job by a field mask.

use super::{
    destination::{FIELDS, NotSet, put_secrets, replace, set_field, take_secrets},
    read::job_from_proto,
    write::settings_to_proto,
};
use crate::{
    codec::proto::v1,
    domain::{
        export::{DestinationSecrets, JobSettings},
        violation::Violations,
    },
};

const MASK: &str = "name, filter, format, destination, national_id, file_limits, schedule, naming, compression, manifest, \
     heartbeat_interval";

/// The settings and secrets of a job as they are after an update with `job` and the paths of its mask.
///
/// A field that the mask names gets `job`'s value, also an empty one; one that it does not name stays. A
/// secret stays unless the mask names it, or names `destination` and a new one is given; it goes when the
/// destination becomes another kind. All violations are reported at once, with paths below `job` and
/// `update_mask`.
pub fn apply_update(
    current: &JobSettings,
    secrets: DestinationSecrets,
    mut job: v1::ExportJob,
    mask: &[String],
) -> Result<(JobSettings, DestinationSecrets), Violations> {
    let mut wrong = Violations::new();
    let mut merged = settings_to_proto(current);
    if let Some(kind) = kind_of(&mut merged) {
        put_secrets(kind, secrets);
    }
    if mask.is_empty() {
        wrong.add("update_mask", format!("missing; name what changes: {MASK}, or {FIELDS}"));
    }
    // Whole fields first, so that `destination` does not undo what a path below it says.
    let (deep, whole): (Vec<&String>, Vec<&String>) = mask.iter().partition(|path| path.contains('.'));
    for path in whole {
        match path.as_str() {
            "name" => merged.name = std::mem::take(&mut job.name),
            "filter" => merged.filter = job.filter.take(),
            "format" => merged.format = job.format.take(),
            "national_id" => merged.national_id = job.national_id,
            "file_limits" => merged.file_limits = job.file_limits.take(),
            "schedule" => merged.schedule = job.schedule.take(),
            "naming" => merged.naming = job.naming.take(),
            "compression" => merged.compression = job.compression,
            "manifest" => merged.manifest = job.manifest.take(),
            "heartbeat_interval" => merged.heartbeat_interval = job.heartbeat_interval,
            "destination" => merged.destination = replace(merged.destination.take(), job.destination.clone()),
            _ => wrong.add("update_mask", format!("a path is not one of {MASK}, or {FIELDS}")),
        }
    }
    for path in deep {
        let set = match path.strip_prefix("destination.") {
            Some(path) => {
                set_field(kind_of(&mut merged), job.destination.as_ref().and_then(|d| d.kind.as_ref()), path)
            }
            None => Err(NotSet::Unknown),
        };
        match set {
            Ok(()) => {}
            Err(NotSet::Unknown) => {
                wrong.add("update_mask", format!("a path is not one of {MASK}, or {FIELDS}"))
            }
            Err(NotSet::OtherKind) => wrong.add(
                "update_mask",
                "the job's destination is of another kind than a path says; replace `destination` as a whole",
            ),
        }
    }
    if let Some(kind) = kind_of(&mut job) {
        drop(take_secrets(kind));
    }
    match job_from_proto(merged, "job") {
        Ok((settings, secrets, _)) => wrong.into_result((settings, secrets)),
        Err(more) => {
            more.iter().for_each(|v| wrong.add(&v.field, &v.description));
            Err(wrong)
        }
    }
}

fn kind_of(job: &mut v1::ExportJob) -> Option<&mut v1::destination::Kind> {
    job.destination.as_mut()?.kind.as_mut()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        export::{Delivery, Destination, Format, NationalIdMode, SftpDestination},
        filter::EventFilter,
        secret::Secret,
    };

    fn current() -> (JobSettings, DestinationSecrets) {
        let settings = JobSettings {
            name: "siem".into(),
            filter: EventFilter::default(),
            format: Format::JsonLines,
            destination: Destination::Sftp(SftpDestination {
                address: "siem".into(),
                user_name: "xflow".into(),
                directory: "in".into(),
                host_keys: Vec::new(),
                has_password: true,
                ..SftpDestination::default()
            }),
            national_id: NationalIdMode::Omit,
            max_events: 10,
            max_bytes: 20,
            delivery: Delivery::default(),
        };
        let password = Some(Secret::new("hunter2"));
        (settings, DestinationSecrets { password, ..Default::default() })
    }

    fn sftp(sftp: v1::SftpDestination) -> v1::ExportJob {
        let kind = Some(v1::destination::Kind::Sftp(sftp));
        v1::ExportJob { destination: Some(v1::Destination { kind }), ..Default::default() }
    }

    fn update(job: v1::ExportJob, mask: &[&str]) -> Result<(JobSettings, DestinationSecrets), Violations> {
        let (settings, secrets) = current();
        let mask: Vec<String> = mask.iter().map(|path| (*path).to_owned()).collect();
        apply_update(&settings, secrets, job, &mask)
    }

    fn text(secret: &Option<Secret>) -> &str {
        secret.as_ref().map_or("", Secret::expose)
    }

    #[test]
    fn only_what_the_mask_names_changes() {
        let job = v1::ExportJob { name: "other".into(), national_id: 2, ..Default::default() };
        let (settings, secrets) = update(job, &["name"]).unwrap();
        let expected = JobSettings { name: "other".into(), ..current().0 };
        assert_eq!((settings, secrets), (expected, current().1));
    }

    #[test]
    fn a_mode_is_set_checked_and_taken_away() {
        let with = |mode: &str| sftp(v1::SftpDestination { file_mode: mode.into(), ..Default::default() });
        let mode = |settings: JobSettings| match settings.destination {
            Destination::Sftp(sftp) => sftp.file_mode.map(|mode| mode.to_string()),
            other => panic!("not SFTP: {other:?}"),
        };
        let path = ["destination.sftp.file_mode"];
        let (settings, secrets) = update(with("640"), &path).unwrap();
        assert_eq!((mode(settings.clone()).as_deref(), text(&secrets.password)), (Some("0640"), "hunter2"));
        let path = ["destination.sftp.file_mode".to_owned()];
        let (without, _) = apply_update(&settings, secrets, with(""), &path).unwrap();
        assert_eq!(mode(without), None);
        let wrong = update(with("0440"), &["destination.sftp.file_mode"]).unwrap_err();
        let wrong: Vec<_> = wrong.iter().map(|v| (v.field.as_str(), v.description.as_str())).collect();
        assert_eq!(wrong[0].0, "job.destination.sftp.file_mode");
        assert!(wrong.len() == 1 && wrong[0].1.contains("owner"), "{wrong:?}");
        // Nothing in an object store has permissions.
        let wrong = update(v1::ExportJob::default(), &["destination.s3.file_mode"]).unwrap_err();
        assert_eq!(wrong.iter().next().unwrap().field, "update_mask");
    }

    #[test]
    fn a_local_folder_and_the_mode_of_its_files_are_set_apart() {
        let fs = |directory: &str, mode: &str| {
            let fs = v1::FsDestination { directory: directory.into(), file_mode: mode.into() };
            let destination = Some(v1::Destination { kind: Some(v1::destination::Kind::Fs(fs)) });
            v1::ExportJob { destination, ..Default::default() }
        };
        let (mut settings, _) = update(fs("a", "0640"), &["destination"]).unwrap();
        for (job, path, directory, mode) in [
            (fs("", "600"), "file_mode", "a", Some("0600")),
            (fs("b", ""), "directory", "b", Some("0600")),
            (fs("", ""), "file_mode", "b", None),
        ] {
            let mask = [format!("destination.fs.{path}")];
            settings = apply_update(&settings, DestinationSecrets::default(), job, &mask).unwrap().0;
            let file_mode = mode.map(|mode| mode.parse().unwrap());
            assert_eq!(settings.destination, Destination::Fs { directory: directory.into(), file_mode });
        }
        // Neither a folder that is nowhere nor one of a job that has none.
        for (settings, path, field) in [
            (&settings, "directory", "job.destination.fs.directory"),
            (&settings, "owner", "update_mask"),
            (&current().0, "file_mode", "update_mask"),
        ] {
            let mask = [format!("destination.fs.{path}")];
            let wrong = apply_update(settings, current().1, fs("", "0640"), &mask).unwrap_err();
            assert_eq!(wrong.iter().next().unwrap().field, field);
        }
    }

    #[test]
    fn a_secret_stays_unless_it_is_named() {
        let job = sftp(v1::SftpDestination { directory: "new".into(), ..Default::default() });
        let (settings, secrets) = update(job, &["destination.sftp.directory"]).unwrap();
        assert_eq!(text(&secrets.password), "hunter2");
        let Destination::Sftp(sftp) = settings.destination else { panic!("not SFTP") };
        assert_eq!((sftp.directory.as_str(), sftp.has_password), ("new", true));
    }

    #[test]
    fn a_whole_new_destination_keeps_secrets_that_are_not_given() {
        let new = v1::SftpDestination {
            address: "other:2222".into(),
            user_name: "u".into(),
            private_key: "PEM".into(),
            ..Default::default()
        };
        let (settings, secrets) = update(sftp(new), &["destination"]).unwrap();
        assert_eq!((text(&secrets.password), text(&secrets.private_key)), ("hunter2", "PEM"));
        let Destination::Sftp(sftp) = settings.destination else { panic!("not SFTP") };
        assert_eq!((sftp.directory.as_str(), sftp.has_password, sftp.has_private_key), ("", true, true));
    }

    #[test]
    fn a_destination_of_another_kind_loses_the_secrets() {
        let fs = v1::destination::Kind::Fs(v1::FsDestination { directory: "a".into(), ..Default::default() });
        let destination = Some(v1::Destination { kind: Some(fs) });
        let (settings, secrets) =
            update(v1::ExportJob { destination, ..Default::default() }, &["destination"]).unwrap();
        assert_eq!(settings.destination, Destination::Fs { directory: "a".into(), file_mode: None });
        assert!(secrets.is_empty());
    }

    #[test]
    fn removing_the_last_secret_is_refused_and_so_are_unknown_paths() {
        let job = sftp(v1::SftpDestination::default());
        let wrong = update(job, &["destination.sftp.password", "start", "destination.fs.directory"]);
        let wrong = wrong.unwrap_err();
        let fields: Vec<&str> = wrong.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["update_mask", "update_mask", "job.destination.sftp.password"]);
        assert!(update(v1::ExportJob::default(), &[]).is_err());
    }

    #[test]
    fn everything_wrong_with_a_new_job_is_reported_at_once() {
        let job = v1::ExportJob {
            tenant_id: "No".into(),
            name: "Ü".into(),
            national_id: 9,
            file_limits: Some(v1::FileLimits { max_events: Some(0), max_bytes: Some(u64::MAX) }),
            ..sftp(v1::SftpDestination {
                address: "sftp://siem".into(),
                host_keys: vec!["MD5:00".into()],
                ..Default::default()
            })
        };
        let wrong = job_from_proto(job, "job").unwrap_err();
        let fields: Vec<&str> = wrong.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "job.tenant_id",
                "job.name",
                "job.format",
                "job.destination.sftp.address",
                "job.destination.sftp.user_name",
                "job.destination.sftp.host_keys[0]",
                "job.national_id",
                "job.file_limits.max_events",
                "job.file_limits.max_bytes",
                "job.destination.sftp.password",
            ]
        );
    }

    #[test]
    fn a_local_folder_stays_below_the_export_directory() {
        for (directory, good) in
            [("siem/xflow", true), ("", false), ("/etc", false), ("a/../b", false), ("a//b", false)]
        {
            let fs = v1::destination::Kind::Fs(v1::FsDestination {
                directory: directory.into(),
                ..Default::default()
            });
            let destination = v1::Destination { kind: Some(fs) };
            let read = super::super::destination_from_proto(destination, "destination");
            assert_eq!(read.is_ok(), good, "{directory}");
        }
    }
}
