//! Export jobs, their files and how far they are.

pub use super::{
    destination::{
        AzblobDestination, Destination, DestinationSecrets, GcsDestination, S3Destination, SecretSource,
        SftpDestination,
    },
    format::Format,
};
use super::{filter::EventFilter, id::TenantId, time::Timestamp};

/// What to export, as what, and where to.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportJob {
    /// A short random id, part of every file name: 10 of a-z and 2-7.
    pub id: String,
    /// The log.
    pub tenant: TenantId,
    /// Its settings as of `revision`.
    pub settings: JobSettings,
    /// Goes up with each change, from 1.
    pub revision: u64,
    /// Every event up to here has been looked at.
    pub scanned_sequence: u64,
    /// The last position of the last published file.
    pub published_sequence: u64,
    /// How the last run went.
    pub health: Health,
    /// Why the last run failed.
    pub last_error: String,
    /// When it was created.
    pub created: Timestamp,
    /// When its settings were last changed.
    pub updated: Timestamp,
    /// When its last run ended.
    pub last_run: Option<Timestamp>,
}

/// What a client sets. Each change makes a new, immutable revision; a file is cut with one of them.
#[derive(Clone, Debug, PartialEq)]
pub struct JobSettings {
    /// For people; unique among the tenant's jobs.
    pub name: String,
    /// Which events.
    pub filter: EventFilter,
    /// As what.
    pub format: Format,
    /// Where to, without its secrets.
    pub destination: Destination,
    /// What becomes of the acting user's national id.
    pub national_id: NationalIdMode,
    /// Events per file.
    pub max_events: u64,
    /// Bytes per file.
    pub max_bytes: u64,
}

/// How the last run went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// It has not run.
    #[default]
    Unknown,
    /// Well.
    Ok,
    /// It failed.
    Failing,
}

/// What becomes of the acting user's national id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NationalIdMode {
    /// Left out.
    #[default]
    Omit,
    /// Written in full.
    Full,
}

/// How far a file is; each state is committed before the next act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// Range, name and revision are fixed.
    Cut,
    /// Whole at the destination under its temporary name; size and digest are known.
    Uploaded,
    /// It has its final name.
    Published,
}

/// One file of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportFile {
    /// Its job.
    pub job_id: String,
    /// 1, 2, 3, ...
    pub number: u64,
    /// Its final name.
    pub name: String,
    /// How far it is.
    pub state: FileState,
    /// The first position that it covers.
    pub first_sequence: u64,
    /// The last position that it covers.
    pub last_sequence: u64,
    /// Events in it.
    pub event_count: u64,
    /// Its size in bytes; 0 until uploaded.
    pub size_bytes: u64,
    /// Of its bytes; all zero until uploaded.
    pub sha256: [u8; 32],
    /// The revision that it was cut with.
    pub job_revision: u64,
    /// The fence of the lease under which it was cut or last uploaded; part of its temporary name.
    pub fence: u64,
    /// When its range was cut.
    pub created: Timestamp,
    /// When it got its final name.
    pub published: Option<Timestamp>,
}

impl ExportFile {
    /// The name under which it is uploaded: hidden, and not ending as the final name does.
    pub fn part_name(&self) -> String {
        part_name(&self.name, self.fence)
    }
}

/// The temporary name of `name` under a fence.
pub fn part_name(name: &str, fence: u64) -> String {
    format!(".{name}.{fence}.part")
}

/// `<job name>_<job id>_<cut time>_<first>-<last>.<extension>`: unique, sortable, without personal data.
pub fn file_name(job: &ExportJob, cut: Timestamp, first: u64, last: u64) -> String {
    let extension = job.settings.format.extension();
    format!("{}_{}_{}_{first:020}-{last:020}.{extension}", job.settings.name, job.id, cut.compact())
}
