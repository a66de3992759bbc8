//! Any sequence of answers, failures and broken streams, against a server that is a list.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use proptest::prelude::*;
use tonic::{Code, Status};

use super::*;
use crate::client::ClientOptions;

const TENANTS: [&str; 3] = ["a", "b", ""];

#[derive(Clone, Debug)]
enum Step {
    /// New events of these tenants.
    Add(Vec<usize>),
    Send,
    /// The server takes the oldest request that it has not seen, up to where each tenant fails, and refuses one event
    /// in so many for good.
    Take {
        fails_after: Option<usize>,
        refuses: Option<usize>,
    },
    /// An answer arrives.
    Hear,
    /// The stream breaks, with answers on the way.
    Break,
    /// The oldest request, of which nothing is recorded, is refused as a whole.
    TooLarge(Option<usize>),
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop::collection::vec(0..TENANTS.len(), 1..9).prop_map(Step::Add),
        4 => Just(Step::Send),
        4 => (prop::option::weighted(0.3, 0_usize..4), prop::option::weighted(0.2, 2_usize..5))
            .prop_map(|(fails_after, refuses)| Step::Take { fails_after, refuses }),
        4 => Just(Step::Hear),
        1 => Just(Step::Break),
        1 => prop::option::of(1_usize..6).prop_map(Step::TooLarge),
        2 => Just(Step::Wait),
    ]
}

/// A book, a server, and what was promised.
struct World {
    book: Book<u64>,
    now: Instant,
    next: u64,
    /// Requests under way that the server has not looked at, by the places of their events.
    requests: VecDeque<Vec<u64>>,
    /// Its answers that have not arrived.
    answers: VecDeque<Vec<Result<Receipt, ClientError>>>,
    tenants: BTreeMap<u64, usize>,
    log: Vec<Vec<u64>>,
    refused: HashSet<u64>,
    answered: BTreeMap<u64, bool>,
}

fn places(events: &[Bytes]) -> Vec<u64> {
    events.iter().map(|event| u64::from_be_bytes(event[..8].try_into().expect("a place"))).collect()
}

fn failing() -> ClientError {
    ClientError::Refused(Status::unavailable("for the moment"))
}

impl World {
    fn new(order: Order) -> Self {
        let options = ClientOptions {
            first_backoff: Duration::from_millis(1),
            longest_backoff: Duration::from_millis(2),
            ..ClientOptions::default()
        };
        let limits = RequestLimits { events: 5, bytes: 60 };
        Self {
            book: Book::new(limits, order, Backoff::new(&options), u32::MAX),
            now: Instant::now(),
            next: 0,
            requests: VecDeque::new(),
            answers: VecDeque::new(),
            tenants: BTreeMap::new(),
            log: vec![Vec::new(); TENANTS.len()],
            refused: HashSet::new(),
            answered: BTreeMap::new(),
        }
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Add(tenants) => tenants.into_iter().for_each(|tenant| self.add(tenant)),
            Step::Send => self.requests.extend(self.book.next_request(self.now).map(|r| places(&r))),
            Step::Take { fails_after, refuses } => self.take(fails_after, refuses),
            Step::Hear => self.hear(),
            Step::Break => {
                self.requests.clear();
                self.answers.clear();
                self.book.broken();
            }
            Step::TooLarge(limit) => {
                // Everything before it is answered first.
                let recorded = |place: &u64| self.log.iter().any(|log| log.contains(place));
                let refusable = self.requests.front().is_some_and(|oldest| !oldest.iter().any(recorded));
                if self.answers.is_empty() && refusable {
                    self.requests.clear();
                    if let Some(item) = self.book.blame_oldest(limit, None) {
                        self.refused.insert(item.place);
                        self.done(item.place, false);
                    }
                    self.book.broken();
                }
            }
            Step::Wait => {
                self.now += Duration::from_millis(5);
                self.book.wake(self.now);
            }
        }
        assert!(self.book.len() == self.tenants.len() - self.answered.len(), "an event is nowhere");
        assert!(self.book.flights() == self.requests.len() + self.answers.len());
    }

    fn add(&mut self, tenant: usize) {
        self.next += 1;
        self.tenants.insert(self.next, tenant);
        let mut event = self.next.to_be_bytes().to_vec();
        event.resize(8 + (self.next % 7) as usize, 0);
        let tenant = TENANTS[tenant].to_owned();
        self.book.add(Item { place: self.next, tenant, event: event.into(), from: self.next });
    }

    fn take(&mut self, fails_after: Option<usize>, refuses: Option<usize>) {
        let Some(request) = self.requests.pop_front() else { return };
        let mut seen = [0; TENANTS.len()];
        let results = request.into_iter().map(|place| {
            let tenant = self.tenants[&place];
            seen[tenant] += 1;
            if fails_after.is_some_and(|most| seen[tenant] > most) {
                return Err(failing());
            }
            let log = &mut self.log[tenant];
            if log.contains(&place) {
                return Ok(Receipt::default());
            }
            if refuses.is_some_and(|one_in| place % one_in as u64 == 0) {
                self.refused.insert(place);
            }
            if self.refused.contains(&place) {
                return Err(ClientError::Refused(Status::new(Code::InvalidArgument, "no")));
            }
            log.push(place);
            Ok(Receipt::default())
        });
        let results = results.collect();
        self.answers.push_back(results);
    }

    fn hear(&mut self) {
        let Some(results) = self.answers.pop_front() else { return };
        for (item, result) in self.book.answer(self.now, results).expect("one result per event") {
            self.done(item.from, result.is_ok());
        }
    }

    fn done(&mut self, place: u64, recorded: bool) {
        assert_eq!(self.answered.insert(place, recorded), None, "answered twice");
    }

    /// Until nothing is open any more.
    fn drain(&mut self) {
        for _ in 0..10_000 {
            if self.book.len() == 0 {
                return;
            }
            for step in [Step::Wait, Step::Send, Step::Take { fails_after: None, refuses: None }, Step::Hear]
            {
                self.run(step);
            }
        }
        panic!("{} events are never sent", self.book.len());
    }

    fn check(&self, in_order: bool) {
        for (tenant, log) in self.log.iter().enumerate() {
            let expected: Vec<u64> =
                self.tenants.iter().filter(|(_, t)| **t == tenant).map(|(p, _)| *p).collect();
            let expected: Vec<u64> =
                expected.into_iter().filter(|place| !self.refused.contains(place)).collect();
            let mut log = log.clone();
            if !in_order {
                log.sort_unstable();
            }
            assert_eq!(log, expected, "tenant {tenant}");
        }
        for (place, recorded) in &self.answered {
            assert_eq!(*recorded, !self.refused.contains(place), "event {place}");
        }
        assert!(self.book.lanes.is_empty() && self.book.ready.is_empty() && self.book.paused == 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn every_event_is_recorded_once_in_order_and_answered_once(
        steps in prop::collection::vec(step(), 1..120)
    ) {
        let mut world = World::new(Order::Strict);
        steps.into_iter().for_each(|step| world.run(step));
        world.drain();
        world.check(true);
    }

    #[test]
    fn pipelined_requests_keep_the_order_unless_single_events_fail_for_the_moment(
        steps in prop::collection::vec(step(), 1..120)
    ) {
        let mut world = World::new(Order::Pipelined);
        let failed = steps.iter().any(|step| matches!(step, Step::Take { fails_after: Some(_), .. }));
        steps.into_iter().for_each(|step| world.run(step));
        world.drain();
        world.check(!failed);
    }
}

fn item(place: u64, tenant: &str) -> Item<u64> {
    Item { place, tenant: tenant.to_owned(), event: place.to_be_bytes().to_vec().into(), from: place }
}

#[test]
fn a_tenant_that_waits_after_a_failure_does_not_hold_up_another() {
    let mut world = World::new(Order::Strict);
    world.book.add(item(1, "a"));
    let first = world.book.next_request(world.now).expect("a request");
    assert_eq!(places(&first), [1]);
    world.book.add(item(2, "a"));
    world.book.add(item(3, "b"));
    let second = world.book.next_request(world.now).expect("a request of b");
    assert_eq!(places(&second), [3], "a has one under way");
    let done = world.book.answer(world.now, vec![Err(failing())]).expect("an answer");
    assert!(done.is_empty());
    assert!(!world.book.is_ready());
    let wake = world.book.next_wake().expect("a pause");
    world.book.wake(wake);
    let again = world.book.next_request(wake).expect("a request");
    assert_eq!(places(&again), [1, 2]);
}

#[test]
fn an_event_that_fails_too_often_is_given_up() {
    let options = ClientOptions::default();
    let limits = RequestLimits { events: 5, bytes: 60 };
    let mut book = Book::new(limits, Order::Strict, Backoff::new(&options), 2);
    let mut now = Instant::now();
    book.add(item(1, "a"));
    for attempt in 0..3 {
        assert!(book.next_request(now).is_some(), "attempt {attempt}");
        let done = book.answer(now, vec![Err(failing())]).expect("an answer");
        assert_eq!(done.len(), usize::from(attempt == 2));
        now += Duration::from_secs(60);
        book.wake(now);
    }
    assert_eq!(book.len(), 0);
}

#[test]
fn a_limit_that_the_server_names_is_kept_from_then_on() {
    let mut world = World::new(Order::Strict);
    (1..=9).for_each(|place| world.book.add(item(place, "a")));
    assert_eq!(world.book.next_request(world.now).map(|r| r.len()), Some(5));
    assert!(world.book.blame_oldest(Some(2), None).is_none());
    world.book.broken();
    for expected in [[1, 2], [3, 4], [5, 6], [7, 8]] {
        assert_eq!(places(&world.book.next_request(world.now).expect("a request")), expected);
        let answers = vec![Ok(Receipt::default()), Ok(Receipt::default())];
        assert_eq!(world.book.answer(world.now, answers).expect("an answer").len(), 2);
    }
}
