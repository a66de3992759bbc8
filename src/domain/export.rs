//! Export jobs, their files and how far they are.

use super::{delivery::Named, filter::EventFilter, id::TenantId, time::Timestamp};
pub use super::{
    delivery::{Compression, Delivery, Manifest, Naming, Start},
    destination::{
        AzblobDestination, Destination, DestinationSecrets, GcsDestination, S3Destination, SecretSource,
        SftpDestination,
    },
    file_mode::{FileMode, FileModeError},
    format::Format,
    schedule::{Rhythm, Schedule},
};

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
    /// Whether and when it runs by itself, and how it has fared.
    pub standing: Standing,
}

/// Whether and when a job runs by itself, and how it has fared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// It runs only when it is told to.
    pub paused: bool,
    /// It is declared in the configuration.
    pub declared: bool,
    /// The range that it exports once more, and then ends.
    pub reexport: Option<ReExport>,
    /// When it runs next by the clock.
    pub next_run: Option<Timestamp>,
    /// When a run last ended well.
    pub last_success: Option<Timestamp>,
    /// Since when it has failed.
    pub failing_since: Option<Timestamp>,
    /// Runs in a row that failed.
    pub failures: u32,
    /// What kind of trouble it has.
    pub failure: Option<Failure>,
    /// From when on it counts as silent: since its last file, or since it was resumed; `None`: since its creation.
    pub silent_since: Option<Timestamp>,
}

/// A past range that is exported once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReExport {
    /// The id of the job that exported it first.
    pub of: String,
    /// Its last position.
    pub end: u64,
}

/// A kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The login was refused.
    Login,
    /// The host key is not trusted.
    HostKey,
    /// The folder is missing or may not be written, or something is in the way.
    Destination,
    /// It cannot be reached, is full, or gave up.
    Unavailable,
    /// vidne itself.
    Internal,
}

impl Failure {
    /// Trying again soon is of no use, or does harm: logins that fail again and again get locked out.
    pub fn needs_a_person(self) -> bool {
        match self {
            Self::Login | Self::HostKey | Self::Destination => true,
            Self::Unavailable | Self::Internal => false,
        }
    }
}

/// How far a job is behind its log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// The last position of the log.
    pub head_sequence: u64,
    /// When the first event that waits was recorded.
    pub waiting_since: Option<Timestamp>,
}

/// One run of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRun {
    /// Goes up with each run of the job: the fence of its lease.
    pub number: u64,
    /// What started it.
    pub trigger: Trigger,
    /// How it ended.
    pub state: RunState,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Files published.
    pub files: u64,
    /// Events in them.
    pub events: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What kind of trouble it had.
    pub failure: Option<Failure>,
    /// Why it failed, in words without secrets.
    pub error: String,
}

/// What started a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Somebody asked for it.
    Request,
    /// The clock.
    Schedule,
    /// Enough that waited.
    Waiting,
    /// A heartbeat that was due.
    Heartbeat,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Well.
    Ok,
    /// It failed.
    Failed,
    /// Its server was told to stop.
    Stopped,
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
    /// Bytes per file, before it is packed.
    pub max_bytes: u64,
    /// When the job runs, how its files are called and packed, and what goes beside them.
    pub delivery: Delivery,
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
    /// Replaced by a keyed hash.
    Hash,
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

/// How far a manifest is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ManifestState {
    /// There is none to be.
    #[default]
    None,
    /// It is to be written once its file is published.
    Due,
    /// It is at the destination.
    Published,
}

/// One file of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportFile {
    /// Its job.
    pub job_id: String,
    /// 1, 2, 3, ...
    pub number: u64,
    /// Its folder below the destination's; empty if it is directly there.
    pub directory: String,
    /// Its final name.
    pub name: String,
    /// How far it is.
    pub state: FileState,
    /// How far its manifest is.
    pub manifest: ManifestState,
    /// The first position that it covers.
    pub first_sequence: u64,
    /// The last position that it covers.
    pub last_sequence: u64,
    /// The position of its first event: before it nothing is rendered, whatever the filter says by now.
    pub first_event_sequence: u64,
    /// When its first event was recorded.
    pub first_recorded: Option<Timestamp>,
    /// When its last event was recorded.
    pub last_recorded: Option<Timestamp>,
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
    /// Where it is below the destination's folder.
    pub fn path(&self) -> String {
        join(&self.directory, &self.name)
    }

    /// Where it is while it is uploaded: hidden, and not ending as the final name does.
    pub fn part_path(&self) -> String {
        join(&self.directory, &part_name(&self.name, self.fence))
    }

    /// Nothing is left to do for it.
    pub fn is_finished(&self) -> bool {
        self.state == FileState::Published && self.manifest != ManifestState::Due
    }
}

/// A name in a folder; an empty folder is none.
pub fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

/// The temporary name of `name` under a fence.
pub fn part_name(name: &str, fence: u64) -> String {
    format!(".{name}.{fence}.part")
}

/// The folder and the name of a job's file.
pub fn file_place(job: &ExportJob, cut: Timestamp, first: u64, last: u64) -> (String, String) {
    let JobSettings { name, format, delivery, .. } = &job.settings;
    let named = Named { tenant: job.tenant.as_str(), job: name, id: &job.id, cut, first, last };
    let (extension, packed) = (format.extension(), delivery.compression.ending());
    let name = format!("{}.{extension}{packed}", delivery.naming.name(&named));
    (delivery.naming.directory(&named), name)
}
