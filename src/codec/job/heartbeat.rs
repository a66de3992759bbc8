//! How long a job may be silent.

use std::time::Duration;

use super::length::length;
use crate::{codec::error::DecodeError, domain::heartbeat};

/// Reads how long a job may be silent.
///
/// # Errors
///
/// What to give instead.
pub(super) fn heartbeat_from_proto(
    interval: Option<prost_types::Duration>,
) -> Result<Option<Duration>, &'static str> {
    let Some(interval) = interval else { return Ok(None) };
    length(interval)
        .filter(|interval| (heartbeat::SHORTEST..=heartbeat::LONGEST).contains(interval))
        .map(Some)
        .ok_or("out of range; give 1 minute to 31 days, or leave it out for none")
}

/// Reads what vidne itself wrote: within yesterday's bounds, whatever they were.
pub(super) fn heartbeat_back(
    interval: Option<prost_types::Duration>,
) -> Result<Option<Duration>, DecodeError> {
    let back = |interval| length(interval).ok_or(DecodeError::OutOfRange("heartbeat_interval"));
    interval.map(back).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        codec::{
            job::{apply_update, decode_settings, encode_settings, job_from_proto},
            proto::v1,
        },
        domain::export::{DestinationSecrets, JobSettings},
    };

    fn job(seconds: Option<i64>) -> v1::ExportJob {
        let fs = v1::FsDestination { directory: "siem".into(), ..Default::default() };
        v1::ExportJob {
            name: "siem".into(),
            format: Some(v1::ExportFormat {
                kind: Some(v1::export_format::Kind::JsonLines(v1::JsonLinesFormat {})),
            }),
            destination: Some(v1::Destination { kind: Some(v1::destination::Kind::Fs(fs)) }),
            heartbeat_interval: seconds.map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
            ..Default::default()
        }
    }

    fn settings(seconds: Option<i64>) -> JobSettings {
        job_from_proto(job(seconds), "job").unwrap().0
    }

    #[test]
    fn a_job_may_be_silent_for_a_minute_to_31_days_or_for_ever() {
        for seconds in [60, 3_600, 2_678_400] {
            let read = settings(Some(seconds));
            assert_eq!(read.delivery.heartbeat, Some(Duration::from_secs(seconds.unsigned_abs())));
            assert_eq!(decode_settings(&encode_settings(&read)).unwrap(), read);
        }
        assert_eq!(settings(None).delivery.heartbeat, None);
        for wrong in [i64::MIN, -60, 0, 59, 2_678_401, i64::MAX] {
            let wrong = job_from_proto(job(Some(wrong)), "job").unwrap_err();
            let wrong: Vec<_> = wrong.iter().map(|v| (v.field.as_str(), v.description.as_str())).collect();
            assert_eq!(wrong.len(), 1);
            assert_eq!(wrong[0].0, "job.heartbeat_interval");
            assert!(wrong[0].1.contains("1 minute to 31 days"), "{wrong:?}");
        }
    }

    #[test]
    fn a_heartbeat_is_changed_only_if_the_mask_names_it_and_goes_if_none_is_given() {
        let after = |seconds, mask: &str| {
            let (old, mask) = (settings(Some(60)), [mask.to_owned()]);
            let (new, _) = apply_update(&old, DestinationSecrets::default(), job(seconds), &mask).unwrap();
            new.delivery.heartbeat.map(|interval| interval.as_secs())
        };
        assert_eq!(after(Some(120), "heartbeat_interval"), Some(120));
        assert_eq!(after(None, "heartbeat_interval"), None);
        assert_eq!(after(Some(120), "name"), Some(60));
    }
}
