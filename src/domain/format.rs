//! As what events are exported: the formats and their options.

use std::fmt;

/// Rows of options whose values have a name in the contract and on the command line.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$value_doc])* $value,)+ }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$value,)+];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$value => $text,)+ }
            }

            /// The value with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == name)
            }
        }
    };
}

/// As what events are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object per line: nothing is lost.
    JsonLines,
    /// Comma-separated values.
    Csv(CsvOptions),
    /// ArcSight's Common Event Format.
    Cef(CefOptions),
    /// QRadar's Log Event Extended Format.
    Leef(LeefOptions),
    /// Syslog messages with structured data.
    Rfc5424(Rfc5424Options),
    /// Elastic Common Schema 9, as JSON Lines.
    Ecs(EcsOptions),
    /// Open Cybersecurity Schema Framework, as JSON Lines.
    Ocsf(OcsfOptions),
}

/// Options of CSV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvOptions {
    /// Which columns.
    pub columns: CsvColumns,
    /// Begin with the column names.
    pub header: bool,
    /// Keep spreadsheets from running cells.
    pub formula_guard: bool,
}

/// Which columns a CSV file has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CsvColumns {
    /// XFlow's ten fields, under its names.
    Xflow,
    /// FlexiCapture's eight attributes, under its names.
    Flexicapture,
    /// Every column, in the order of [`CsvColumn::ALL`].
    All,
    /// These, in this order; at least one, none twice.
    Chosen(Vec<CsvColumn>),
}

named! {
    /// One column of a CSV file. Targets have columns by the part they play; `Targets` has them all.
    CsvColumn {
        /// Place in the log.
        Sequence = "sequence",
        /// UUID.
        EventId = "event_id",
        /// The log.
        TenantId = "tenant_id",
        /// RFC 3339, UTC.
        OccurredTime = "occurred_time",
        /// RFC 3339, UTC.
        RecordedTime = "recorded_time",
        /// `Information`, for instance.
        Severity = "severity",
        /// The catalogue's name.
        Type = "type",
        /// SecurityEventTypeId.
        TypeCode = "type_code",
        /// The product's own name, or the custom type.
        TypeName = "type_name",
        /// `iam`, `data-access`, ...
        Category = "category",
        /// `Create`, `Grant`, ...
        Action = "action",
        /// `success`, `failure` or `unknown`.
        Outcome = "outcome",
        /// Why it ended so.
        OutcomeReason = "outcome_reason",
        /// `USER`, `SERVICE` or `SYSTEM`.
        ActorType = "actor_type",
        /// Internal user id.
        ActorUserId = "actor_user_id",
        /// Name.
        ActorName = "actor_name",
        /// E-mail.
        ActorEmail = "actor_email",
        /// Initials.
        ActorInitials = "actor_initials",
        /// Organisation.
        ActorOrganizationId = "actor_organization_id",
        /// Tenant.
        ActorTenantId = "actor_tenant_id",
        /// Empty unless the job's national id mode says otherwise.
        ActorNationalId = "actor_national_id",
        /// Address as it was sent.
        SourceIpAddress = "source_ip_address",
        /// Host.
        SourceHost = "source_host",
        /// User agent.
        SourceUserAgent = "source_user_agent",
        /// `USER` or `GROUP`, for instance: whose rights changed.
        PrincipalType = "principal_type",
        /// Its id.
        PrincipalId = "principal_id",
        /// Its name.
        PrincipalName = "principal_name",
        /// The tenant of the principal, or of the first target that has one.
        TargetTenantId = "target_tenant_id",
        /// The group of AddToGroup and RemoveFromGroup.
        GroupId = "group_id",
        /// Its name.
        GroupName = "group_name",
        /// What was acted upon.
        ResourceType = "resource_type",
        /// Its id.
        ResourceId = "resource_id",
        /// Its name.
        ResourceName = "resource_name",
        /// The task that it belongs to.
        TaskId = "task_id",
        /// In words.
        Description = "description",
        /// The type and the description, as XFlow has them: `"Read" on form ...`.
        ActionDescription = "action_description",
        /// Every target, as JSON.
        Targets = "targets",
        /// As JSON.
        Details = "details",
        /// As JSON.
        Labels = "labels",
        /// As JSON.
        Changes = "changes",
        /// W3C traceparent.
        Trace = "trace",
        /// The credential.
        RecordedBy = "recorded_by",
        /// Fields that were cut when the event was recorded, with spaces between.
        TruncatedFields = "truncated_fields",
    }
}

/// Options of CEF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CefOptions {
    /// What the line begins with.
    pub version: CefVersion,
    /// Replace the characters that weak parsers stumble over.
    pub defensive: bool,
}

named! {
    /// CEF's version.
    CefVersion {
        /// `CEF:0`, which every parser takes.
        V0 = "0",
        /// `CEF:1`.
        V1 = "1",
    }
}

/// Options of LEEF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeefOptions {
    /// Decides the delimiter too.
    pub version: LeefVersion,
    /// Replace the characters that weak parsers stumble over.
    pub defensive: bool,
}

named! {
    /// LEEF's version.
    LeefVersion {
        /// Attributes separated by tabs.
        V1 = "1.0",
        /// Attributes separated by `^`.
        V2 = "2.0",
    }
}

/// Options of RFC 5424 lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rfc5424Options {
    /// HOSTNAME, printable ASCII; `-` if empty.
    pub hostname: String,
    /// IANA private enterprise number of the structured data.
    pub enterprise_number: u32,
    /// Bytes of a line, line feed included.
    pub max_line_bytes: u32,
    /// Replace the characters that weak parsers stumble over.
    pub defensive: bool,
}

/// Options of ECS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EcsOptions {
    /// Categorise created and deleted records as `creation` and `deletion`, which ECS does not expect of a
    /// database, rather than as `change`.
    pub crud_types: bool,
}

/// Options of OCSF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OcsfOptions {
    /// The schema that the lines name; they hold under each.
    pub version: OcsfVersion,
}

named! {
    /// A version of the OCSF schema.
    OcsfVersion {
        /// March 2026.
        V180 = "1.8.0",
        /// March 2025.
        V150 = "1.5.0",
        /// January 2025, the oldest that has all that is used.
        V140 = "1.4.0",
    }
}

impl Format {
    /// Every ending that a file may have.
    pub const EXTENSIONS: [&'static str; 5] = ["jsonl", "csv", "cef", "leef", "log"];

    /// The ending of its files, without a dot; one of [`Self::EXTENSIONS`].
    pub fn extension(&self) -> &'static str {
        match self {
            Self::JsonLines | Self::Ecs(_) | Self::Ocsf(_) => "jsonl",
            Self::Csv(_) => "csv",
            Self::Cef(_) => "cef",
            Self::Leef(_) => "leef",
            Self::Rfc5424(_) => "log",
        }
    }
}

/// In a few words, for people: `CEF 0`, `CSV flexicapture with header`.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let defensive = |on: bool| if on { ", defensive" } else { "" };
        match self {
            Self::JsonLines => f.write_str("JSON Lines"),
            Self::Csv(CsvOptions { columns, header, formula_guard }) => {
                let header = if *header { " with header" } else { "" };
                let guard = if *formula_guard { "" } else { ", no formula guard" };
                write!(f, "CSV {columns}{header}{guard}")
            }
            Self::Cef(options) => {
                write!(f, "CEF {}{}", options.version.name(), defensive(options.defensive))
            }
            Self::Leef(options) => {
                write!(f, "LEEF {}{}", options.version.name(), defensive(options.defensive))
            }
            Self::Rfc5424(Rfc5424Options { hostname, enterprise_number, max_line_bytes, defensive: on }) => {
                let host = if hostname.is_empty() { "-" } else { hostname };
                write!(f, "RFC 5424, host {host}, enterprise number {enterprise_number}, ")?;
                write!(f, "at most {max_line_bytes} bytes{}", defensive(*on))
            }
            Self::Ecs(EcsOptions { crud_types: false }) => f.write_str("ECS 9"),
            Self::Ecs(EcsOptions { crud_types: true }) => f.write_str("ECS 9 with creation and deletion"),
            Self::Ocsf(options) => write!(f, "OCSF {}", options.version.name()),
        }
    }
}

impl fmt::Display for CsvColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xflow => f.write_str("xflow"),
            Self::Flexicapture => f.write_str("flexicapture"),
            Self::All => f.write_str("all"),
            Self::Chosen(columns) => {
                let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
                f.write_str(&names.join(","))
            }
        }
    }
}
