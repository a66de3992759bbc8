//! What writers and readers do, and what is done to them.

use std::time::Duration;

use proptest::{collection::vec, option, prelude::*};
use vidne::{
    domain::{
        catalogue::EventType,
        event::Personal,
        filter::EventFilter,
        input::{ActorInput, EventInput},
        query::Order,
        text::fold,
    },
    service::query::QueryOptions,
};

use crate::{store::sample::event_type, support::events::bare};

/// The logs, which begin empty and are closed when the writers are done.
pub const LOGS: [&str; 2] = ["busy", "quiet"];
/// What descriptions say. The last two differ in their case only.
const WORDS: [&str; 4] = ["", "blanket 77", "Øl på åen", "ØL PÅ ÅEN"];

/// Everything that goes on at the same time.
#[derive(Clone, Debug)]
pub struct Plan {
    pub bounds: Bounds,
    /// The batches of each writer, one after the other.
    pub writers: Vec<Vec<Batch>>,
    pub readers: Vec<ReaderPlan>,
    pub troubles: Vec<Trouble>,
}

/// How the servers read; everything is small, so that a few events go beyond it.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub chunk_events: usize,
    pub batch_room: usize,
    pub tail_events: usize,
    pub tail_bytes: usize,
    pub tail_pause: u64,
    pub poll: u64,
    pub progress: u64,
}

/// Events that are recorded by one call, in milliseconds after the one before.
#[derive(Clone, Debug)]
pub struct Batch {
    pub log: usize,
    pub replica: usize,
    pub pause: u64,
    pub events: Vec<Spec>,
}

/// What is in an event.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    pub kind: usize,
    pub actor: usize,
    pub word: usize,
    /// Whose data it was about; 0: nobody's.
    pub subject: usize,
    pub size: usize,
}

/// What a reader wants.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub kind: Option<usize>,
    pub actor: Option<usize>,
    pub word: Option<usize>,
    pub subject: Option<usize>,
    /// From this position; 0: from the first.
    pub from: u64,
    /// Before this position; 0: no bound.
    pub before: u64,
}

/// One reader: its query, and its calls, each of which goes on where the one before was cut.
#[derive(Clone, Debug)]
pub struct ReaderPlan {
    pub log: usize,
    pub wanted: Wanted,
    pub order: Order,
    pub start: Begin,
    pub personal: bool,
    pub calls: Vec<Call>,
    /// Whether it follows to the end once it has made its calls.
    pub follows: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    Beginning,
    /// After this position; before it, descending.
    After(u64),
    /// At the head; where that cannot be, at the beginning.
    Now,
}

#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub replica: usize,
    pub follow: bool,
    /// 0: none.
    pub limit: u64,
    pub cut: Cut,
    /// Milliseconds between two messages that it reads.
    pub pause: u64,
    /// It goes on with the token of the message that is so many before the last one: what came after that one, it
    /// wants again.
    pub back: usize,
}

/// When a stream is cut by the reader.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// After so many messages.
    After(usize),
    /// After so many milliseconds, whatever it waits for.
    Within(u64),
    /// Never: it reads to the end.
    Never,
}

/// In milliseconds after the one before.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    /// A server stops and another one begins in its place.
    Restart(u64, usize),
    /// Every connection to the database is ended.
    EndConnections(u64),
}

impl Bounds {
    pub fn options(self) -> QueryOptions {
        let event_bytes = 8 * 1024;
        QueryOptions {
            chunk_events: self.chunk_events,
            // Room is what is left beside the largest event and the frames of a chunk.
            batch_bytes: event_bytes + self.chunk_events * 6 + self.batch_room,
            event_bytes,
            tail_events: self.tail_events,
            tail_bytes: self.tail_bytes,
            tail_pause: Duration::from_millis(self.tail_pause),
            poll_interval: Duration::from_millis(self.poll),
            progress_interval: Duration::from_millis(self.progress),
            ..QueryOptions::default()
        }
    }
}

impl Spec {
    pub fn event(self, log: usize, id: u128) -> EventInput {
        let subjects = (self.subject > 0).then(|| national_id(self.subject));
        EventInput {
            event_id: uuid::Uuid::from_u128(id).to_string(),
            tenant_id: LOGS[log].to_owned(),
            actor: ActorInput { user_id: user(self.actor), ..ActorInput::default() },
            description: format!("{} {}", WORDS[self.word], "x".repeat(self.size)),
            personal: Personal {
                subject_national_ids: subjects.into_iter().collect(),
                ..Personal::default()
            },
            ..bare(kind(self.kind))
        }
    }
}

impl Wanted {
    pub fn filter(self) -> EventFilter {
        EventFilter {
            types: self.kind.map(kind).into_iter().collect(),
            actor_user_ids: self.actor.map(user).into_iter().collect(),
            text: self.word.map(|word| fold(WORDS[word])).unwrap_or_default(),
            subject_national_id: self.subject.map(national_id).unwrap_or_default(),
            sequence_from: self.from,
            sequence_before: self.before,
            ..EventFilter::default()
        }
    }

    /// What the filter means, said once more without it.
    pub fn wants(self, sequence: u64, spec: Spec) -> bool {
        let says = |word: usize| match word {
            0 => true,
            1 => spec.word == 1,
            _ => spec.word >= 2,
        };
        self.kind.is_none_or(|kind| spec.kind == kind)
            && self.actor.is_none_or(|actor| spec.actor == actor)
            && self.word.is_none_or(says)
            && self.subject.is_none_or(|subject| spec.subject == subject)
            && sequence >= self.from
            && (self.before == 0 || sequence < self.before)
    }
}

fn kind(number: usize) -> EventType {
    event_type(["RECORD_READ", "RECORD_EDITED", "CUSTOM"][number])
}

fn user(number: usize) -> String {
    format!("u-{number}")
}

fn national_id(number: usize) -> String {
    format!("010170{number:04}")
}

/// `disturbed`: connections can be ended.
pub fn plans(disturbed: bool) -> impl Strategy<Value = Plan> {
    let writers = vec(vec(batch(), 0..10), 1..4);
    (bounds(), writers, vec(reader(), 1..7), vec(trouble(disturbed), 0..4))
        .prop_map(|(bounds, writers, readers, troubles)| Plan { bounds, writers, readers, troubles })
}

fn bounds() -> impl Strategy<Value = Bounds> {
    (1..9_usize, 1..3_000_usize, 1..12_usize, 1_000..40_000_usize, 0..4_u64, 5..300_u64, 1..40_u64).prop_map(
        |(chunk_events, batch_room, tail_events, tail_bytes, tail_pause, poll, progress)| Bounds {
            chunk_events,
            batch_room,
            tail_events,
            tail_bytes,
            tail_pause,
            poll,
            progress,
        },
    )
}

fn batch() -> impl Strategy<Value = Batch> {
    let spec =
        (0..3_usize, 0..3_usize, 0..4_usize, 0..3_usize, prop_oneof![8 => Just(0), 1 => Just(3_000_usize)])
            .prop_map(|(kind, actor, word, subject, size)| Spec { kind, actor, word, subject, size });
    let log = prop_oneof![4 => Just(0_usize), 1 => Just(1_usize)];
    (log, 0..3_usize, 0..15_u64, vec(spec, 1..12)).prop_map(|(log, replica, pause, events)| Batch {
        log,
        replica,
        pause,
        events,
    })
}

fn reader() -> impl Strategy<Value = ReaderPlan> {
    let position = || prop_oneof![4 => Just(0_u64), 1 => 1..80_u64];
    let wanted = (
        option::weighted(0.3, 0..3_usize),
        option::weighted(0.2, 0..3_usize),
        option::weighted(0.2, 0..4_usize),
        option::weighted(0.15, 1..3_usize),
        position(),
        position(),
    )
        .prop_map(|(kind, actor, word, subject, from, before)| Wanted {
            kind,
            actor,
            word,
            subject,
            from,
            before,
        });
    let start = prop_oneof![
        5 => Just(Begin::Beginning),
        1 => (0..60_u64).prop_map(Begin::After),
        1 => Just(Begin::Now),
    ];
    let order = prop_oneof![3 => Just(Order::Ascending), 1 => Just(Order::Descending)];
    let log = prop_oneof![4 => Just(0_usize), 1 => Just(1_usize)];
    (log, wanted, order, start, any::<bool>(), vec(call(), 0..9), prop::bool::weighted(0.7)).prop_map(
        |(log, wanted, order, start, personal, calls, follows)| ReaderPlan {
            log,
            wanted,
            order,
            start,
            personal,
            calls,
            follows,
        },
    )
}

fn call() -> impl Strategy<Value = Call> {
    let cut = prop_oneof![
        4 => (0..8_usize).prop_map(Cut::After),
        3 => (0..60_u64).prop_map(Cut::Within),
        1 => Just(Cut::Never),
    ];
    let limit = prop_oneof![3 => Just(0_u64), 1 => 1..20_u64];
    let back = prop_oneof![5 => Just(0_usize), 1 => 1..5_usize];
    (0..3_usize, prop::bool::weighted(0.75), limit, cut, 0..6_u64, back).prop_map(
        |(replica, follow, limit, cut, pause, back)| Call { replica, follow, limit, cut, pause, back },
    )
}

fn trouble(disturbed: bool) -> impl Strategy<Value = Trouble> {
    let restart = (0..40_u64, 0..3_usize).prop_map(|(after, replica)| Trouble::Restart(after, replica));
    let end = (0..40_u64).prop_map(Trouble::EndConnections);
    prop_oneof![2 => restart, u32::from(disturbed) => end]
}
