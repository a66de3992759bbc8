//! Counts and summaries, in any pieces, are those of a plain model.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use vidne::{
    codec::wire::decode_stored,
    domain::{
        catalogue::{Category, EventType},
        event::{Outcome, RecordedEvent},
        filter::EventFilter,
        id::{EventId, TenantId},
        input::EventInput,
        summary::{Summary, SummaryRequest, SummaryTime},
        text::fold,
        time::{Clock, ManualClock, Timestamp},
    },
    service::{
        journal::{Journal, JournalOptions},
        query::{Queries, QueryOptions},
        record::{Caller, Recorder},
        token::Tokens,
    },
    store::{Store, contract::CountRequest},
    vault::{MasterKey, Vault},
};

use super::{
    bed::Bed,
    on_every_store,
    sample::{Random, all, tenant},
};
use crate::support::events::{NOW, bare, limits, recordable};

on_every_store! {
    counts_and_summaries_are_those_of_a_model_in_any_pieces,
    a_call_stops_at_its_bounds_and_says_so,
}

const HOUR: i64 = 3_600;

/// Real events, which decode, as the store keeps them.
async fn fill(store: Arc<dyn Store>, count: usize, random: &mut Random) -> Vec<RecordedEvent> {
    let manual = Arc::new(ManualClock::at(NOW));
    let clock: Arc<dyn Clock> = manual.clone();
    let vault = Vault::new(&MasterKey::generate().unwrap());
    let (journal, committers) = Journal::start(store.clone(), clock.clone(), &JournalOptions::default());
    let recorder = Recorder::new(journal, vault, clock, Arc::new(limits()));
    let caller = Caller { name: "anonymous".to_owned(), trace: String::new() };
    let types: Vec<EventType> =
        recordable().into_iter().filter(|t| t.category() != Category::SecurityAdministration).collect();
    for batch in 0..count.div_ceil(25) {
        manual.set(NOW.plus_micros(batch as i64 * 1_500_000));
        let inputs = (0..25.min(count - batch * 25)).map(|_| input(random, &types)).collect();
        for result in recorder.record_batch(inputs, &caller).await.unwrap() {
            result.unwrap();
        }
    }
    drop(recorder);
    committers.ended().await;
    let kept = all(&*store, "default").await;
    assert_eq!(kept.len(), count);
    kept.iter().map(|event| decode_stored(&event.payload, event.personal.as_ref()).unwrap()).collect()
}

fn input(random: &mut Random, types: &[EventType]) -> EventInput {
    let event_type = *random.pick(types);
    let mut input = bare(event_type);
    if event_type == EventType::CUSTOM {
        input.custom_type = format!("our.kind{}", random.below(3));
    }
    // Now and then nobody, or somebody without an id.
    match random.below(10) {
        0 => {}
        1 => input.actor.email = "aase@example.dk".to_owned(),
        2 => input.actor.name = "Åse".to_owned(),
        _ => input.actor.user_id = format!("u-{}", random.below(12)),
    }
    input.outcome = random.below(4) as i32;
    input.occurred = Some((1_700_000_000 + random.below(40 * HOUR as u64) as i64, 0));
    input.description = ["har læst", "HAR LÆST", "other"][random.below(3) as usize].to_owned();
    input
}

fn filter(random: &mut Random, events: &[RecordedEvent]) -> EventFilter {
    let types: Vec<EventType> = EventType::all().collect();
    let mut filter = EventFilter::default();
    if random.chance(30) {
        filter.types = (0..1 + random.below(4)).map(|_| *random.pick(&types)).collect();
    }
    if random.chance(15) {
        filter.custom_types = vec!["our.kind1".to_owned()];
    }
    if random.chance(15) {
        filter.categories = vec![*random.pick(&[Category::DataAccess, Category::Custom])];
    }
    if random.chance(15) {
        filter.event_ids = (0..random.below(9)).map(|_| random.pick(events).event.id).collect();
        filter.event_ids.push(EventId::now_v7());
    }
    if random.chance(25) {
        filter.sequence_from = random.below(events.len() as u64 + 20);
    }
    if random.chance(25) {
        filter.sequence_before = random.below(events.len() as u64 + 20);
    }
    if random.chance(20) {
        filter.occurred_from = Some(random.pick(events).event.occurred);
    }
    if random.chance(20) {
        filter.recorded_before = Some(random.pick(events).recorded);
    }
    if random.chance(15) {
        filter.actor_user_ids = vec!["u-3".to_owned(), "u-7".to_owned()];
    }
    if random.chance(15) {
        filter.outcomes = vec![Outcome::Failure];
    }
    if random.chance(15) {
        filter.text = fold("læst");
    }
    filter
}

fn queries(store: &Arc<dyn Store>, options: QueryOptions) -> Queries {
    let tokens = Tokens::new(Vault::new(&MasterKey::generate().unwrap()));
    Queries::new(store.clone(), tokens, [1; 16], options, CancellationToken::new())
}

/// A summary as plain numbers.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plain {
    count: u64,
    buckets: BTreeMap<i64, u64>,
    types: BTreeMap<String, u64>,
    actors: BTreeMap<String, u64>,
    outcomes: BTreeMap<String, u64>,
}

impl Plain {
    /// What a person with pen and paper would get.
    fn model<'a>(events: impl Iterator<Item = &'a RecordedEvent>, time: SummaryTime, width: i64) -> Self {
        let mut plain = Self::default();
        for recorded in events {
            let event = &recorded.event;
            let at = if time == SummaryTime::Recorded { recorded.recorded } else { event.occurred };
            let kind =
                if event.custom_type.is_empty() { event.event_type.info().name } else { &event.custom_type };
            let mut actor = event.actor.user_id.clone();
            if actor.is_empty() {
                actor = event.actor.name.clone();
            }
            if actor.is_empty() {
                actor = event.actor.email.clone();
            }
            plain.count += 1;
            *plain.buckets.entry(at.micros() / (width * 1_000_000) * width).or_default() += 1;
            *plain.types.entry(kind.to_owned()).or_default() += 1;
            *plain.actors.entry(actor).or_default() += 1;
            *plain.outcomes.entry(event.outcome.name().to_owned()).or_default() += 1;
        }
        plain
    }

    fn add(&mut self, summary: Summary) {
        let Summary { count, buckets, types, actors, outcomes } = summary;
        self.count += count;
        for (start, count) in buckets.iter() {
            assert_eq!(start.subsec_nanos(), 0);
            *self.buckets.entry(start.seconds()).or_default() += count;
        }
        for (whole, groups) in
            [(&mut self.types, types), (&mut self.actors, actors), (&mut self.outcomes, outcomes)]
        {
            let (groups, other) = groups.largest(1_000);
            assert_eq!(other, 0);
            assert!(groups.is_sorted_by(|a, b| (b.1, &a.0) < (a.1, &b.0)), "{groups:?}");
            for (value, count) in groups {
                *whole.entry(value).or_default() += count;
            }
        }
    }
}

async fn counts_and_summaries_are_those_of_a_model_in_any_pieces(bed: &Bed) {
    let store = bed.store();
    let mut random = Random::new(815);
    let events = fill(store.clone(), 230, &mut random).await;
    let log = TenantId::default_tenant();
    for round in 0..60 {
        let filter = filter(&mut random, &events);
        let wanted = || events.iter().filter(|event| filter.matches(event));
        let options = QueryOptions {
            chunk_events: 1 + random.below(50) as usize,
            count_positions: 1 + random.below(300),
            ..QueryOptions::default()
        };
        let queries = queries(&store, options);
        let says = format!("round {round}: {filter:?}");

        let mut rest = filter.clone();
        let mut count = 0;
        loop {
            let piece = queries.count(&log, &rest, None).await.unwrap();
            count += piece.count;
            assert_eq!(piece.extent.head, 230, "{says}");
            if piece.extent.complete {
                break;
            }
            assert!(piece.extent.scanned >= rest.sequence_from.max(1), "{says}: does not get on");
            rest.sequence_from = piece.extent.scanned + 1;
        }
        assert_eq!(count, wanted().count() as u64, "{says}");

        let time = *random.pick(&[SummaryTime::Occurred, SummaryTime::Recorded]);
        let width = *random.pick(&[1, 7, 60, HOUR]);
        let mut request = SummaryRequest {
            tenant: log.clone(),
            filter: filter.clone(),
            time,
            bucket_seconds: Some(width as u64),
            max_groups: 1_000,
        };
        let mut whole = Plain::default();
        loop {
            let (piece, extent) = queries.summarize(&request, None).await.unwrap();
            assert_eq!(piece.buckets.seconds(), width as u64);
            whole.add(piece);
            if extent.complete {
                break;
            }
            request.filter.sequence_from = extent.scanned + 1;
        }
        assert_eq!(whole, Plain::model(wanted(), time, width), "{says}");

        if filter.asks_columns_only() && filter.sequence_before != 1 {
            let (mut from, through) = (1 + random.below(200), 230);
            let expected = wanted().filter(|event| event.sequence >= from).count() as u64;
            let mut count = 0;
            while from <= through {
                let page =
                    store.count(CountRequest { tenant: &log, from, through, filter: &filter }).await.unwrap();
                assert!(page.scanned >= from && page.scanned <= through);
                count += page.count;
                from = page.scanned + 1;
            }
            assert_eq!(count, expected, "{says}");
        }
    }
}

async fn a_call_stops_at_its_bounds_and_says_so(bed: &Bed) {
    let store = bed.store();
    let mut random = Random::new(4);
    let events = fill(store.clone(), 40, &mut random).await;
    let log = tenant("default");
    let everything = EventFilter::default();
    let slow = EventFilter {
        outcomes: vec![Outcome::Success, Outcome::Failure, Outcome::Unknown],
        ..everything.clone()
    };
    for filter in [everything, slow] {
        let small = queries(&store, QueryOptions { count_positions: 15, ..QueryOptions::default() });
        let first = small.count(&log, &filter, None).await.unwrap();
        let extent = first.extent;
        assert_eq!((first.count, extent.scanned, extent.complete, extent.looked), (15, 15, false, 15));
        assert_eq!(extent.head, events.len() as u64);
        let rest = EventFilter { sequence_from: 31, ..filter.clone() };
        let last = small.count(&log, &rest, None).await.unwrap();
        assert_eq!((last.count, last.extent.scanned, last.extent.complete), (10, 40, true));
        // Exactly as far as the bound goes is all there is.
        let rest = EventFilter { sequence_from: 26, ..filter.clone() };
        assert!(small.count(&log, &rest, None).await.unwrap().extent.complete);
        // A part of the log is all that the filter asks for.
        let part = EventFilter { sequence_from: 3, sequence_before: 9, ..filter.clone() };
        let part = small.count(&log, &part, None).await.unwrap();
        assert_eq!((part.count, part.extent.scanned, part.extent.complete), (6, 8, true));
        // No time at all: one step, so that whoever goes on gets on.
        let hasty = queries(&store, QueryOptions { chunk_events: 4, ..QueryOptions::default() });
        let request = SummaryRequest {
            tenant: log.clone(),
            filter: filter.clone(),
            time: SummaryTime::Occurred,
            bucket_seconds: None,
            max_groups: 20,
        };
        let step = hasty.summarize(&request, Some(Duration::ZERO));
        let (summary, extent) = step.await.unwrap();
        assert_eq!((summary.count, extent.scanned, extent.complete), (4, 4, false));
    }
    let ahead = EventFilter { sequence_from: 90, ..EventFilter::default() };
    let nothing = queries(&store, QueryOptions::default()).count(&log, &ahead, None).await.unwrap();
    assert_eq!((nothing.count, nothing.extent.scanned, nothing.extent.complete), (0, 40, true));
    assert_eq!(nothing.extent.looked, 0);
    let nowhere = queries(&store, QueryOptions::default());
    nowhere.count(&tenant("nowhere"), &ahead, None).await.unwrap_err();
    assert!(events.iter().all(|event| event.event.occurred > Timestamp::MIN));
}
