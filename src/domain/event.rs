//! An audit event as vidne keeps it.

use std::collections::BTreeMap;

use super::{
    catalogue::EventType,
    id::{EventId, TenantId},
    time::Timestamp,
};

/// Declares an enum whose values have a number on the wire and a name in JSON; the first one is what an
/// absent value means.
macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $number:literal $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$value_doc])* $value,)+ }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$value,)+];

            /// The number on the wire and in the store.
            pub const fn number(self) -> i32 {
                match self { $(Self::$value => $number,)+ }
            }

            /// The name in JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$value => $text,)+ }
            }

            /// The value with this number; 0 is the default.
            pub fn from_number(number: i32) -> Option<Self> {
                match number { 0 => Some(Self::default()), $($number => Some(Self::$value),)+ _ => None }
            }

            /// The value with this name, in any case.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.name().eq_ignore_ascii_case(name))
            }
        }
    };
}

named_enum! {
    /// How serious an event is (RFC 5424, section 6.2.1), least serious first.
    Severity {
        /// Details for debugging.
        Debug = 1 "DEBUG",
        /// Normal; the default.
        #[default] Information = 2 "INFORMATION",
        /// Worth noticing.
        Notice = 3 "NOTICE",
        /// May become a problem.
        Warning = 4 "WARNING",
        /// Something failed.
        Error = 5 "ERROR",
        /// A critical condition.
        Critical = 6 "CRITICAL",
        /// Act at once.
        Alert = 7 "ALERT",
        /// Unusable.
        Emergency = 8 "EMERGENCY",
    }
}

named_enum! {
    /// How the action ended.
    Outcome {
        /// Done; the default.
        #[default] Success = 1 "SUCCESS",
        /// Refused or failed.
        Failure = 2 "FAILURE",
        /// Not known.
        Unknown = 3 "UNKNOWN",
    }
}

named_enum! {
    /// What kind of actor.
    ActorType {
        /// A person; the default.
        #[default] User = 1 "USER",
        /// A program.
        Service = 2 "SERVICE",
        /// The product itself.
        System = 3 "SYSTEM",
    }
}

named_enum! {
    /// Which part a target plays.
    TargetRole {
        /// What was acted upon; the default.
        #[default] Object = 1 "OBJECT",
        /// Whose rights changed.
        Principal = 2 "PRINCIPAL",
        /// The group of AddToGroup and RemoveFromGroup.
        Group = 3 "GROUP",
        /// Whose data it was about.
        Subject = 4 "SUBJECT",
    }
}

named_enum! {
    /// What a target is.
    TargetType {
        /// A user account.
        User = 1 "USER",
        /// A group of users.
        Group = 2 "GROUP",
        /// A tenant.
        Tenant = 3 "TENANT",
        /// A record.
        Record = 4 "RECORD",
        /// A form.
        Form = 5 "FORM",
        /// A task or case.
        Task = 6 "TASK",
        /// A project.
        Project = 7 "PROJECT",
        /// A batch type.
        BatchType = 8 "BATCH_TYPE",
        /// A document definition.
        DocumentDefinition = 9 "DOCUMENT_DEFINITION",
        /// A hot folder.
        HotFolder = 10 "HOT_FOLDER",
        /// A clean-up.
        CleanUp = 11 "CLEAN_UP",
        /// An audit configuration.
        AuditConfiguration = 12 "AUDIT_CONFIGURATION",
        /// A permission or role.
        Permission = 13 "PERMISSION",
        /// A document or file.
        Document = 14 "DOCUMENT",
        /// An export job of vidne.
        ExportJob = 15 "EXPORT_JOB",
        /// A subscription of vidne.
        Subscription = 16 "SUBSCRIPTION",
        /// Anything else; the default.
        #[default] Other = 100 "OTHER",
    }
}

/// A valid event, as it is before the log numbers it. Texts are empty where nothing was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// The log it belongs to.
    pub tenant: TenantId,
    /// What happened.
    pub event_type: EventType,
    /// The name of a custom type; empty otherwise.
    pub custom_type: String,
    /// How serious.
    pub severity: Severity,
    /// When it happened.
    pub occurred: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it ended so.
    pub outcome_reason: String,
    /// Who.
    pub actor: Actor,
    /// From where.
    pub source: Source,
    /// To what or whom.
    pub targets: Vec<Target>,
    /// In words.
    pub description: String,
    /// Anything else.
    pub details: BTreeMap<String, Detail>,
    /// Short values by name.
    pub labels: BTreeMap<String, String>,
    /// Changed fields.
    pub changes: Vec<Change>,
    /// W3C traceparent.
    pub trace: String,
    /// The credential that recorded it.
    pub recorded_by: String,
    /// Paths of the fields that were cut.
    pub truncated_fields: Vec<String>,
    /// National ids. Kept apart from the rest.
    pub personal: Option<Personal>,
    /// The commitment to `personal`, once it is made.
    pub personal_commitment: Option<[u8; 32]>,
}

impl Event {
    /// The original name of its type, or its custom type.
    pub fn type_name(&self) -> &str {
        if self.event_type == EventType::CUSTOM { &self.custom_type } else { self.event_type.info().original }
    }
}

/// An event at its place in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedEvent {
    /// Its place: 1, 2, 3, ...
    pub sequence: u64,
    /// When it was recorded.
    pub recorded: Timestamp,
    /// The event.
    pub event: Event,
}

/// Who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// What kind.
    pub actor_type: ActorType,
    /// The product's id.
    pub user_id: String,
    /// Name.
    pub name: String,
    /// E-mail.
    pub email: String,
    /// Initials.
    pub initials: String,
    /// Organisation.
    pub organization_id: String,
    /// Tenant.
    pub tenant_id: String,
}

/// From where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// As sent; may not be an address at all.
    pub ip_address: String,
    /// Host name.
    pub host: String,
    /// User agent.
    pub user_agent: String,
}

/// To what or whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Which part it plays.
    pub role: TargetRole,
    /// What it is.
    pub target_type: TargetType,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its tenant.
    pub tenant_id: String,
}

/// One changed field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub field: String,
    /// Before.
    pub old_value: String,
    /// After.
    pub new_value: String,
}

/// National ids. Its `Debug` shows none of them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Personal {
    /// The acting user's.
    pub actor_national_id: String,
    /// Of those whose data it was about.
    pub subject_national_ids: Vec<String>,
}

impl Personal {
    /// Whether there is no id at all.
    pub fn is_empty(&self) -> bool {
        self.actor_national_id.is_empty() && self.subject_national_ids.is_empty()
    }
}

impl std::fmt::Debug for Personal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Personal(..)")
    }
}

/// One value of `details`: JSON with double numbers and sorted members.
#[derive(Clone, Debug, PartialEq)]
pub enum Detail {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A number.
    Number(f64),
    /// Text.
    Text(String),
    /// Several values.
    List(Vec<Detail>),
    /// Named values.
    Map(BTreeMap<String, Detail>),
}
