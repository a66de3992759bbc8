//! The jobs, each with a reason of its own to run.

use vidne::{
    client::Client,
    codec::proto::v1::{self, EventType, export_schedule},
};

use crate::support::sshd::Sshd;

/// The one that always has several files to do.
pub const STEADY: &str = "steady";

/// One job.
pub struct Job {
    pub name: &'static str,
    every_second: bool,
    waiting_events: u64,
    waiting_bytes: u64,
    max_events: u64,
    /// Only events of this type; none: all there are, vidne's own too.
    pub only: Option<EventType>,
}

pub const JOBS: [Job; 4] = [
    Job { max_events: 30, ..Job::new(STEADY) },
    Job { every_second: false, waiting_events: 20, ..Job::new("when-events-wait") },
    Job { waiting_bytes: 10_000, only: Some(EventType::RecordRead), ..Job::new("when-bytes-wait") },
    Job { max_events: 20, only: Some(EventType::Custom), ..Job::new("only-some") },
];

impl Job {
    const fn new(name: &'static str) -> Self {
        Self { name, every_second: true, waiting_events: 0, waiting_bytes: 0, max_events: 1_000, only: None }
    }

    /// With files in a folder of its own.
    pub fn message(&self, sshd: &Sshd) -> v1::ExportJob {
        let second = prost_types::Duration { seconds: 1, nanos: 0 };
        let destination = v1::SftpDestination {
            address: format!("127.0.0.1:{}", sshd.port),
            user_name: sshd.user.name.clone(),
            host_keys: vec![sshd.fingerprint("ed25519")],
            password: sshd.user.password.clone(),
            ..v1::SftpDestination::default()
        };
        let types = self.only.iter().map(|&only| only.into()).collect();
        let format = v1::export_format::Kind::JsonLines(v1::JsonLinesFormat {});
        v1::ExportJob {
            name: self.name.to_owned(),
            filter: Some(v1::EventFilter { types, ..v1::EventFilter::default() }),
            format: Some(v1::ExportFormat { kind: Some(format) }),
            destination: Some(v1::Destination { kind: Some(v1::destination::Kind::Sftp(destination)) }),
            file_limits: Some(v1::FileLimits { max_events: Some(self.max_events), max_bytes: None }),
            naming: Some(v1::ExportNaming { directory: "{job}".to_owned(), name: String::new() }),
            schedule: Some(v1::ExportSchedule {
                kind: self.every_second.then_some(export_schedule::Kind::Interval(second)),
                waiting_events: self.waiting_events,
                waiting_bytes: self.waiting_bytes,
            }),
            ..v1::ExportJob::default()
        }
    }
}

/// How far each of them has come.
pub async fn published(client: &Client) -> Vec<u64> {
    let mut published = Vec::new();
    for job in &JOBS {
        published.push(client.get_export_job("default", job.name).await.unwrap().published_sequence);
    }
    published
}
