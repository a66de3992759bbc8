//! Any course of consumers: cuts, acknowledgements, crashes, take-overs. What the subscription promises is held
//! after each step.

use std::sync::Arc;

use proptest::{collection::vec, prelude::*, test_runner::Config};
use tokio::runtime::{Builder, Runtime};
use vidne::{
    domain::{catalogue::EventType, filter::EventFilter, time::Clock},
    service::{
        ServiceError,
        subscriptions::{Said, SubscriptionOptions},
    },
    store::StoreError,
};

use super::{
    Services,
    consumer::{Consumer, Server},
};
use crate::support::events::bare;

#[derive(Clone, Debug)]
enum Step {
    /// That many events are recorded; every third one matches.
    Record(u8),
    /// A consumer comes, with this bound.
    Come(u32),
    /// It reads that many messages.
    Read(u8),
    /// It acknowledges that share of what it has, and waits until that is kept.
    Acknowledge(u8),
    /// It acknowledges that share and does not wait.
    Mention(u8),
    /// Its stream is cut.
    Cut,
    /// Its server shuts down.
    Shutdown,
    /// Its server is killed.
    Crash,
    /// It is paused past its lease, another one comes, and it wakes up and acknowledges that share.
    Oversleep(u8),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..12u8).prop_map(Step::Record),
        4 => prop_oneof![Just(0), 1..6u32].prop_map(Step::Come),
        6 => (1..6u8).prop_map(Step::Read),
        3 => any::<u8>().prop_map(Step::Acknowledge),
        3 => any::<u8>().prop_map(Step::Mention),
        2 => Just(Step::Cut),
        1 => Just(Step::Shutdown),
        2 => Just(Step::Crash),
        2 => any::<u8>().prop_map(Step::Oversleep),
    ]
}

/// A consumer at a server with a runtime of its own, which can be killed.
struct Present {
    runtime: Runtime,
    server: Arc<Server>,
    consumer: Consumer,
}

struct Course {
    services: Services,
    keeper: Server,
    present: Option<Present>,
    /// Positions of all matching events.
    matching: Vec<u64>,
    /// Each matching event that anybody was sent.
    delivered: Vec<u64>,
    /// The highest position that a consumer in office has acknowledged, and that is known to be kept.
    asked: u64,
    kept: u64,
}

impl Course {
    async fn new() -> Self {
        let services = Services::new();
        let keeper =
            Server::new(services.store.clone(), services.clock.clone(), SubscriptionOptions::default());
        let read = EventType::from_number(2).unwrap();
        keeper.create(EventFilter { types: vec![read], ..EventFilter::default() }).await;
        Self { services, keeper, present: None, matching: vec![], delivered: vec![], asked: 1, kept: 1 }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Record(count) => {
                for n in 0..count {
                    let read = EventType::from_number(2).unwrap();
                    let event_type = if n % 3 == 0 { read } else { EventType::CUSTOM };
                    let sequence = self.services.sequence(bare(event_type)).await;
                    if event_type == read {
                        self.matching.push(sequence);
                    }
                }
            }
            Step::Come(bound) if self.present.is_some() => {
                let busy = self.keeper.consume(bound).await.err();
                assert!(matches!(busy, Some(ServiceError::Store(StoreError::SubscriptionBusy { .. }))));
            }
            Step::Come(bound) => self.come(bound).await,
            Step::Read(count) => {
                if let Some(present) = &mut self.present {
                    for _ in 0..count {
                        if present.held_back_or_idle(&self.matching) {
                            break;
                        }
                        present.consumer.next().await.unwrap().unwrap();
                    }
                }
                self.check();
            }
            Step::Acknowledge(share) => {
                if let Some(position) = self.acknowledge(share)
                    && position > self.kept
                    && let Some(present) = &mut self.present
                {
                    present.consumer.kept(position).await;
                    self.kept = self.kept.max(position);
                }
            }
            Step::Mention(share) => drop(self.acknowledge(share)),
            Step::Cut => {
                if let Some(present) = self.leave() {
                    drop(present.consumer);
                    present.server.ended().await;
                    present.runtime.shutdown_background();
                }
            }
            Step::Shutdown => {
                if let Some(mut present) = self.leave() {
                    present.server.shutdown.cancel();
                    assert!(matches!(present.consumer.end().await, Some(ServiceError::ShuttingDown)));
                    self.note(&present.consumer);
                    present.runtime.shutdown_background();
                }
            }
            Step::Crash => {
                if let Some(present) = self.leave() {
                    present.runtime.shutdown_background();
                    drop(present.consumer);
                    self.lease_ends();
                }
            }
            Step::Oversleep(share) => {
                if let Some(mut old) = self.leave() {
                    self.lease_ends();
                    self.come(0).await;
                    let given = share_of(&old.consumer.received, share);
                    if let Some(position) = given.filter(|position| *position > self.kept) {
                        old.consumer.acknowledge(position);
                        let lost = old.consumer.end().await;
                        assert!(
                            matches!(lost, Some(ServiceError::Store(StoreError::SubscriptionLost))),
                            "{lost:?}"
                        );
                        self.note(&old.consumer);
                    }
                    drop(old.consumer);
                    old.runtime.shutdown_background();
                }
            }
        }
    }

    async fn come(&mut self, bound: u32) {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (store, clock) = (self.services.store.clone(), self.services.clock.clone());
        let work = runtime.spawn(async move {
            let server = Arc::new(Server::new(store, clock, SubscriptionOptions::default()));
            let consumer = server.consume(bound).await.unwrap();
            (server, consumer)
        });
        let (server, consumer) = work.await.unwrap();
        let started = consumer.started;
        assert!(started >= self.kept, "what was kept ({}) is not known any more ({started})", self.kept);
        let last = self.matching.iter().rev().find(|&&sequence| sequence <= started);
        let asked = self.asked;
        assert!(last.is_none_or(|&last| last <= asked), "{last:?} is passed over; {asked} was acknowledged");
        self.kept = started;
        self.present = Some(Present { runtime, server, consumer });
    }

    /// Acknowledges a share of what the present consumer has; answers the position.
    fn acknowledge(&mut self, share: u8) -> Option<u64> {
        let present = self.present.as_mut()?;
        let position = share_of(&present.consumer.received, share)?;
        present.consumer.acknowledge(position);
        self.asked = self.asked.max(position);
        Some(position)
    }

    /// The present consumer leaves, somehow.
    fn leave(&mut self) -> Option<Present> {
        let present = self.present.take()?;
        self.note(&present.consumer);
        Some(present)
    }

    fn lease_ends(&self) {
        let clock = &self.services.clock;
        clock.set(clock.now().plus_micros(31_000_000));
    }

    fn check(&mut self) {
        if let Some(present) = self.present.take() {
            self.note(&present.consumer);
            self.present = Some(present);
        }
    }

    /// A stream delivers the matching events after its start, in order, without a gap.
    fn note(&mut self, consumer: &Consumer) {
        let expected: Vec<u64> =
            self.matching.iter().copied().filter(|&sequence| sequence > consumer.started).collect();
        assert!(expected.starts_with(&consumer.received), "{:?} of {expected:?}", consumer.received);
        self.delivered.extend(&consumer.received);
    }

    /// In the end, whoever comes last gets the rest; together everything was delivered.
    async fn finish(mut self) {
        if let Some(present) = self.leave() {
            drop(present.consumer);
            present.server.ended().await;
            present.runtime.shutdown_background();
        }
        self.come(0).await;
        let mut present = self.present.take().unwrap();
        present.consumer.until(|said| matches!(said, Said::CaughtUp { .. })).await;
        self.note(&present.consumer);
        present.runtime.shutdown_background();
        self.delivered.sort_unstable();
        self.delivered.dedup();
        assert_eq!(self.delivered, self.matching, "each matching event was delivered at least once");
    }
}

impl Present {
    /// Whether another message cannot be counted on.
    fn held_back_or_idle(&self, matching: &[u64]) -> bool {
        let next = matching.iter().find(|&&sequence| {
            sequence > self.consumer.received.last().copied().unwrap_or(self.consumer.started)
        });
        next.is_none() || self.consumer.is_held_back()
    }
}

fn share_of(received: &[u64], share: u8) -> Option<u64> {
    let last = received.len().checked_sub(1)?;
    received.get(last * usize::from(share) / 255).copied()
}

proptest! {
    #![proptest_config(Config { cases: 64, ..Config::default() })]

    #[test]
    fn g4_whatever_happens_to_consumers_nothing_is_passed_over(steps in vec(any_step(), 1..40)) {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut course = Course::new().await;
            for step in steps {
                course.take(step).await;
            }
            course.finish().await;
        });
    }
}
