//! What writers do.

use proptest::{collection::vec, prelude::*};
use vidne::{domain::catalogue::Category, store::contract::NewEvent};

use crate::store::sample::event_in;

/// The logs; [`CLOSED`] is closed on the way.
pub const LOGS: [&str; 3] = ["a", "b", "closing"];
pub const CLOSED: &str = "closing";
/// Ids that are there to be used, in each log. Few, so that they meet.
const IDS: u64 = 40;

/// Everything that goes on at the same time.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The batches of each writer, one after the other.
    pub writers: Vec<Vec<Vec<Spec>>>,
    /// How often the switch of log `a` is turned.
    pub turns: usize,
    /// Whether [`CLOSED`] is closed.
    pub closes: bool,
    /// What is done to the database meanwhile.
    pub disturbances: Vec<Disturbance>,
}

/// One event.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Which of [`LOGS`].
    pub log: usize,
    /// Its id.
    pub id: u64,
    /// Which of two contents.
    pub other: bool,
    /// Whether the switch of data access decides about it.
    pub switched: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Disturbance {
    /// A transaction of somebody else's holds the head of a log for some milliseconds.
    Hold(usize, u64),
    /// Every connection of vidne's is ended.
    EndConnections,
}

impl Spec {
    pub fn event(self) -> NewEvent {
        let event = event_in(LOGS[self.log], u128::from(self.id));
        let mut fingerprint = event.fingerprint;
        fingerprint[31] = u8::from(self.other);
        let content = format!("content {} of {}", u8::from(self.other), self.id).into();
        NewEvent { fingerprint, content, switch: self.switched.then_some(Category::DataAccess), ..event }
    }
}

pub fn plans(disturbed: bool) -> impl Strategy<Value = Plan> {
    let spec = (0..LOGS.len(), 0..IDS, prop::bool::weighted(0.1), any::<bool>())
        .prop_map(|(log, id, other, switched)| Spec { log, id, other, switched });
    let batches = vec(vec(spec, 1..12), 1..14);
    let disturbance = prop_oneof![
        3 => (0..LOGS.len(), 1_u64..40).prop_map(|(log, held)| Disturbance::Hold(log, held)),
        1 => Just(Disturbance::EndConnections),
    ];
    let most = if disturbed { 6 } else { 0 };
    (vec(batches, 2..5), 0..5_usize, any::<bool>(), vec(disturbance, 0..=most))
        .prop_map(|(writers, turns, closes, disturbances)| Plan { writers, turns, closes, disturbances })
}
