//! When a job runs, how its files are called and packed, and what goes beside them.

use std::time::Duration;

use super::length::length;
use crate::{
    codec::{error::DecodeError, proto::v1, wire::timestamp},
    domain::{
        delivery::{Compression, Delivery, MANIFEST_DIRECTORY, Manifest, Naming, Start, check_folder},
        schedule::{Cron, CronError, Rhythm, Schedule},
        time::Timestamp,
        violation::Violations,
    },
};

/// How often a job runs that says nothing about it.
const INTERVAL_DEFAULT: Duration = Duration::from_secs(60);
const INTERVAL_LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// Reads what a client sends, but for the heartbeat. All violations are added to `wrong`, with paths below `path`.
pub(super) fn delivery_from_proto(
    schedule: Option<v1::ExportSchedule>,
    naming: Option<v1::ExportNaming>,
    compression: i32,
    start: Option<v1::ExportStart>,
    manifest: Option<v1::ExportManifest>,
    path: &str,
    wrong: &mut Violations,
) -> Delivery {
    let mut wrong = |field: &str, description: String| wrong.add(format!("{path}.{field}"), description);
    let schedule = schedule_from_proto(schedule.unwrap_or_default(), &mut wrong);
    let v1::ExportNaming { directory, name } = naming.unwrap_or_default();
    let naming = Naming::new(&directory, &name).unwrap_or_else(|(in_directory, in_name)| {
        in_directory.into_iter().for_each(|error| wrong("naming.directory", error.to_string()));
        in_name.into_iter().for_each(|error| wrong("naming.name", error.to_string()));
        Naming::default()
    });
    let compression = compression_of(compression).unwrap_or_else(|| {
        wrong("compression", "not a value of this enumeration; give NONE or GZIP".to_owned());
        Compression::None
    });
    let start = start_from_proto(start.and_then(|start| start.kind)).unwrap_or_else(|description| {
        wrong("start", description);
        Start::Beginning
    });
    let manifest = manifest_from_proto(manifest.unwrap_or_default());
    if let Some(Err(error)) = manifest.directory().map(check_folder) {
        wrong("manifest.directory", error.to_string());
    }
    Delivery { schedule, naming, compression, manifest, start, heartbeat: None }
}

fn schedule_from_proto(schedule: v1::ExportSchedule, wrong: &mut impl FnMut(&str, String)) -> Schedule {
    use v1::export_schedule::Kind;
    let v1::ExportSchedule { kind, waiting_events, waiting_bytes } = schedule;
    let (waiting_events, waiting_bytes) = (at_least_one(waiting_events), at_least_one(waiting_bytes));
    let rhythm = match kind {
        None if waiting_events.is_some() || waiting_bytes.is_some() => Rhythm::Never,
        None => Rhythm::Every(INTERVAL_DEFAULT),
        Some(Kind::Interval(interval)) => match length(interval) {
            Some(interval) if (Duration::from_secs(1)..=INTERVAL_LONGEST).contains(&interval) => {
                Rhythm::Every(interval)
            }
            _ => {
                wrong("schedule.interval", "out of range; give 1 second to 31 days".to_owned());
                Rhythm::Never
            }
        },
        Some(Kind::Cron(v1::CronSchedule { expression, time_zone })) => {
            match Cron::new(&expression, &time_zone) {
                Ok(cron) => Rhythm::Cron(cron),
                Err(error) => {
                    let field = match error {
                        CronError::Expression => "schedule.cron.expression",
                        CronError::TimeZone => "schedule.cron.time_zone",
                    };
                    wrong(field, error.to_string());
                    Rhythm::Never
                }
            }
        }
        Some(Kind::Manual(manual)) => {
            if !manual || waiting_events.is_some() || waiting_bytes.is_some() {
                let message = "give true, and neither waiting_events nor waiting_bytes, or leave it out";
                wrong("schedule.manual", message.to_owned());
            }
            Rhythm::Never
        }
    };
    Schedule { rhythm, waiting_events, waiting_bytes }
}

/// Reads what vidne itself wrote, but for the heartbeat. Jobs of before there were schedules run by hand, as they did.
pub(super) fn delivery_back(
    schedule: Option<v1::ExportSchedule>,
    naming: Option<v1::ExportNaming>,
    compression: i32,
    start: Option<v1::ExportStart>,
    manifest: Option<v1::ExportManifest>,
) -> Result<Delivery, DecodeError> {
    let schedule = match schedule {
        None => Schedule::default(),
        Some(schedule) => {
            let mut right = true;
            let read = schedule_from_proto(schedule, &mut |_, _| right = false);
            if !right {
                return Err(DecodeError::OutOfRange("schedule"));
            }
            read
        }
    };
    let v1::ExportNaming { directory, name } = naming.unwrap_or_default();
    Ok(Delivery {
        schedule,
        naming: Naming::new(&directory, &name).map_err(|_| DecodeError::OutOfRange("naming"))?,
        compression: compression_of(compression).ok_or(DecodeError::OutOfRange("compression"))?,
        manifest: manifest.map(manifest_from_proto).unwrap_or_default(),
        start: start_from_proto(start.and_then(|start| start.kind))
            .map_err(|_| DecodeError::OutOfRange("start"))?,
        heartbeat: None,
    })
}

/// Writes it all.
pub(super) fn delivery_to_proto(delivery: &Delivery, job: &mut v1::ExportJob) {
    let Delivery { schedule, naming, compression, manifest, start, heartbeat } = delivery;
    job.schedule = Some(schedule_to_proto(schedule));
    job.naming = Some(v1::ExportNaming {
        directory: naming.directory_template().to_owned(),
        name: naming.name_template().to_owned(),
    });
    job.compression = match compression {
        Compression::None => v1::Compression::None,
        Compression::Gzip => v1::Compression::Gzip,
    }
    .into();
    job.start = Some(start_to_proto(*start));
    job.heartbeat_interval = heartbeat.and_then(|interval| prost_types::Duration::try_from(interval).ok());
    job.manifest = Some(match manifest {
        Manifest::Off => v1::ExportManifest { off: true, directory: String::new() },
        Manifest::In { directory } => v1::ExportManifest { off: false, directory: directory.clone() },
    });
}

fn schedule_to_proto(schedule: &Schedule) -> v1::ExportSchedule {
    use v1::export_schedule::Kind;
    let kind = match &schedule.rhythm {
        Rhythm::Never if schedule.is_manual() => Some(Kind::Manual(true)),
        Rhythm::Never => None,
        Rhythm::Every(interval) => prost_types::Duration::try_from(*interval).ok().map(Kind::Interval),
        Rhythm::Cron(cron) => Some(Kind::Cron(v1::CronSchedule {
            expression: cron.expression().to_owned(),
            time_zone: cron.time_zone().to_owned(),
        })),
    };
    v1::ExportSchedule {
        kind,
        waiting_events: schedule.waiting_events.unwrap_or_default(),
        waiting_bytes: schedule.waiting_bytes.unwrap_or_default(),
    }
}

fn start_from_proto(start: Option<v1::export_start::Kind>) -> Result<Start, String> {
    use v1::export_start::Kind;
    match start {
        None | Some(Kind::Beginning(true)) => Ok(Start::Beginning),
        Some(Kind::Now(true)) => Ok(Start::Now),
        Some(Kind::Beginning(false) | Kind::Now(false)) => Err("give true, or leave it out".to_owned()),
        Some(Kind::Time(time)) => Timestamp::from_parts(time.seconds, time.nanos)
            .map(Start::At)
            .ok_or_else(|| "not a time; give one from 1970 to 9999".to_owned()),
        Some(Kind::Sequence(0)) => Err("positions begin at 1".to_owned()),
        Some(Kind::Sequence(sequence)) => Ok(Start::Sequence(sequence)),
    }
}

fn start_to_proto(start: Start) -> v1::ExportStart {
    use v1::export_start::Kind;
    let kind = match start {
        Start::Beginning => Kind::Beginning(true),
        Start::Now => Kind::Now(true),
        Start::At(time) => Kind::Time(timestamp(time)),
        Start::Sequence(sequence) => Kind::Sequence(sequence),
    };
    v1::ExportStart { kind: Some(kind) }
}

fn manifest_from_proto(manifest: v1::ExportManifest) -> Manifest {
    let v1::ExportManifest { off, directory } = manifest;
    match (off, directory.is_empty()) {
        (true, _) => Manifest::Off,
        (false, true) => Manifest::In { directory: MANIFEST_DIRECTORY.to_owned() },
        (false, false) => Manifest::In { directory },
    }
}

fn compression_of(number: i32) -> Option<Compression> {
    match v1::Compression::try_from(number).ok()? {
        v1::Compression::Unspecified | v1::Compression::None => Some(Compression::None),
        v1::Compression::Gzip => Some(Compression::Gzip),
    }
}

fn at_least_one(number: u64) -> Option<u64> {
    (number > 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(job: v1::ExportJob) -> Result<Delivery, Vec<String>> {
        let v1::ExportJob { schedule, naming, compression, start, manifest, .. } = job;
        let mut wrong = Violations::new();
        let read = delivery_from_proto(schedule, naming, compression, start, manifest, "job", &mut wrong);
        wrong.into_result(read).map_err(|wrong| wrong.iter().map(|v| v.field.clone()).collect())
    }

    fn scheduled(kind: Option<v1::export_schedule::Kind>, waiting_events: u64) -> v1::ExportJob {
        let schedule = v1::ExportSchedule { kind, waiting_events, waiting_bytes: 0 };
        v1::ExportJob { schedule: Some(schedule), ..v1::ExportJob::default() }
    }

    #[test]
    fn a_job_that_says_nothing_runs_every_minute_and_has_manifests() {
        let delivery = read(v1::ExportJob::default()).unwrap();
        assert_eq!(delivery.schedule.to_string(), "every 1 min");
        assert_eq!(delivery.manifest.directory(), Some(".manifests"));
        assert_eq!(delivery.compression, Compression::None);
        assert_eq!(read(scheduled(None, 10)).unwrap().schedule.to_string(), "when 10 events wait");
    }

    #[test]
    fn a_job_of_before_there_were_schedules_runs_by_hand_and_has_no_manifests() {
        assert_eq!(delivery_back(None, None, 0, None, None).unwrap(), Delivery::default());
    }

    #[test]
    fn everything_comes_back_as_it_was_written() {
        for schedule in [
            Schedule::default(),
            Schedule { waiting_bytes: Some(7), ..Schedule::default() },
            Schedule { rhythm: Rhythm::Every(Duration::from_millis(1_500)), ..Schedule::default() },
            Schedule {
                rhythm: Rhythm::Cron(Cron::new("0 3 * * 1-5", "Europe/Copenhagen").unwrap()),
                waiting_events: Some(9),
                waiting_bytes: Some(8),
            },
        ] {
            for start in
                [Start::Beginning, Start::Now, Start::At(Timestamp::from_micros(5)), Start::Sequence(3)]
            {
                let delivery = Delivery {
                    schedule: schedule.clone(),
                    naming: Naming::new("{yyyy}", "{id}{first}{last}").unwrap(),
                    compression: Compression::Gzip,
                    manifest: Manifest::In { directory: "m".to_owned() },
                    start,
                    heartbeat: None,
                };
                let mut job = v1::ExportJob::default();
                delivery_to_proto(&delivery, &mut job);
                assert_eq!(read(job.clone()).unwrap(), delivery);
                let v1::ExportJob { schedule, naming, compression, start, manifest, .. } = job;
                assert_eq!(delivery_back(schedule, naming, compression, start, manifest).unwrap(), delivery);
            }
        }
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        use v1::export_schedule::Kind;
        let cron = v1::CronSchedule { expression: "x".into(), time_zone: String::new() };
        let job = v1::ExportJob {
            naming: Some(v1::ExportNaming { directory: "..".into(), name: "x".into() }),
            compression: 9,
            start: Some(v1::ExportStart { kind: Some(v1::export_start::Kind::Sequence(0)) }),
            manifest: Some(v1::ExportManifest { off: false, directory: "/".into() }),
            ..scheduled(Some(Kind::Cron(cron)), 0)
        };
        let fields = [
            "job.schedule.cron.expression",
            "job.naming.directory",
            "job.naming.name",
            "job.compression",
            "job.start",
            "job.manifest.directory",
        ];
        assert_eq!(read(job).unwrap_err(), fields);
        for (seconds, nanos) in [(0, 1), (i64::MIN, 0)] {
            let interval = Some(Kind::Interval(prost_types::Duration { seconds, nanos }));
            assert_eq!(read(scheduled(interval, 0)).unwrap_err(), ["job.schedule.interval"]);
        }
        assert_eq!(read(scheduled(Some(Kind::Manual(true)), 5)).unwrap_err(), ["job.schedule.manual"]);
    }
}
