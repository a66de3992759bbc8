//! Concurrent writers: sequences without holes, in the order of commits (G2).

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use vidne::{
    domain::{filter::EventFilter, query::Order},
    store::{Store, contract::AppendOutcome},
};

use super::{
    bed::Bed,
    on_every_store,
    sample::{add_tenant, all, at, collect, event_in, tenant},
};

on_every_store! {
    g2_concurrent_writers_leave_no_holes_and_nobody_sees_a_later_event_before_an_earlier_one,
    g3_the_same_ids_from_several_writers_are_recorded_once,
}

const WRITERS: u128 = 4;
const BATCHES: u128 = 25;

async fn g2_concurrent_writers_leave_no_holes_and_nobody_sees_a_later_event_before_an_earlier_one(bed: &Bed) {
    add_tenant(&*bed.store(), "a").await;
    add_tenant(&*bed.store(), "b").await;
    let done = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn(read_until(bed.another_server().await, done.clone()));
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        writers.push(tokio::spawn(write(bed.another_server().await, writer)));
    }
    let mut given = [HashSet::new(), HashSet::new()];
    for writer in writers {
        for (log, sequence) in writer.await.expect("a writer") {
            assert!(given[log].insert(sequence), "{sequence} was given twice");
        }
    }
    done.store(true, Ordering::SeqCst);
    assert!(reader.await.expect("the reader") > 0);
    for (log, given) in ["a", "b"].into_iter().zip(given) {
        let kept: Vec<u64> = all(&*bed.store(), log).await.iter().map(|event| event.sequence).collect();
        assert_eq!(kept, (1..=kept.len() as u64).collect::<Vec<_>>());
        assert_eq!(given, kept.into_iter().collect());
    }
}

/// Writes to both logs at once, in either order: nobody may wait for each other.
async fn write(store: Arc<dyn Store>, writer: u128) -> Vec<(usize, u64)> {
    let mut given = Vec::new();
    for batch in 0..BATCHES {
        let mut logs = ["a", "b"];
        if (writer + batch) % 2 == 1 {
            logs.reverse();
        }
        let events = (0..1 + batch % 5)
            .flat_map(|n| logs.map(|log| event_in(log, writer * 10_000 + batch * 100 + n)))
            .collect::<Vec<_>>();
        let logs: Vec<_> = events.iter().map(|event| usize::from(event.tenant.as_str() == "b")).collect();
        for (outcome, log) in store.append(&events, at(1)).await.expect("append").into_iter().zip(logs) {
            let AppendOutcome::Recorded(stamp) = outcome else { panic!("{outcome:?}") };
            given.push((log, stamp.sequence));
        }
    }
    given
}

/// Reads the head and everything up to it, over and over.
async fn read_until(store: Arc<dyn Store>, done: Arc<AtomicBool>) -> u64 {
    let log = tenant("a");
    loop {
        let last = done.load(Ordering::SeqCst);
        let head = store.head(&log).await.expect("head").sequence;
        let filter = EventFilter::default();
        let seen = collect(&*store, &log, &filter, Order::Ascending, (1, head), (10_000, usize::MAX)).await;
        assert!(seen.iter().map(|event| event.sequence).eq(1..=head), "the head is at {head}");
        if last {
            return head;
        }
        tokio::task::yield_now().await;
    }
}

async fn g3_the_same_ids_from_several_writers_are_recorded_once(bed: &Bed) {
    add_tenant(&*bed.store(), "a").await;
    let mut writers = Vec::new();
    for _ in 0..WRITERS {
        let store = bed.another_server().await;
        writers.push(tokio::spawn(async move {
            let mut stamps = Vec::new();
            for n in 0..40 {
                match store.append(&[event_in("a", n)], at(1)).await.expect("append").remove(0) {
                    AppendOutcome::Recorded(stamp) => stamps.push((true, stamp)),
                    AppendOutcome::Duplicate(stamp) => stamps.push((false, stamp)),
                    other => panic!("{other:?}"),
                }
            }
            stamps
        }));
    }
    let mut answers = Vec::new();
    for writer in writers {
        answers.push(writer.await.expect("a writer"));
    }
    for n in 0..40 {
        assert_eq!(answers.iter().filter(|answer| answer[n].0).count(), 1, "one of them recorded it");
        assert!(answers.iter().all(|answer| answer[n].1 == answers[0][n].1), "all got the same stamp");
    }
    assert_eq!(all(&*bed.store(), "a").await.len(), 40);
}
