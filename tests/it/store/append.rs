//! Appending: outcomes, times, batches, failures.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use vidne::{
    codec::stored,
    domain::{
        catalogue::Category,
        receipt::Stamp,
        tenant::TenantSettings,
        time::{ManualClock, Timestamp},
    },
    store::{
        EventStore, Store, StoreError, TenantStore,
        contract::{AppendOutcome, NewEvent, TenantUpdate},
        memory::MemoryStore,
    },
};

use super::{
    bed::Bed,
    on_every_store,
    sample::{Random, add_tenant, all, at, event, event_in, event_type, id, tenant, witness},
};

on_every_store! {
    an_event_is_kept_as_it_was_given,
    the_same_content_again_is_a_duplicate_with_the_first_stamp,
    other_content_under_a_used_id_is_refused,
    a_fingerprint_of_another_version_tells_nothing,
    ids_repeated_within_a_batch_count_as_already_there,
    recorded_time_never_runs_backwards,
    a_category_switched_off_is_not_recorded_unless_it_is_vidnes_own,
    a_closed_tenant_takes_nothing_new_but_knows_what_it_has,
    an_unknown_tenant_takes_nothing_and_harms_nobody,
    tenants_number_apart_and_may_use_the_same_ids,
    a_batch_larger_than_one_statement_is_written_whole,
    an_empty_batch_is_nothing,
    random_appends_have_the_outcomes_of_the_model,
    those_who_wait_are_woken_after_the_commit,
    what_changed_since_the_last_append_decides_about_the_next,
}

fn stamp(outcome: &AppendOutcome) -> Stamp {
    match outcome {
        AppendOutcome::Recorded(stamp) => *stamp,
        other => panic!("recorded was expected, not {other:?}"),
    }
}

/// In turns by both ways, which must not be told apart by their outcomes.
async fn append(store: &dyn Store, events: Vec<NewEvent>, now: i64) -> Vec<AppendOutcome> {
    static TURN: AtomicBool = AtomicBool::new(false);
    match TURN.fetch_not(Ordering::Relaxed) {
        true => store.append(&events, at(now)).await.expect("append"),
        false => store.try_append(&events, at(now)).await.expect("append"),
    }
}

async fn an_event_is_kept_as_it_was_given(bed: &Bed) {
    let store = bed.store();
    let mut new = event(1);
    new.content = (0..=255).collect::<Vec<u8>>().into();
    new.personal = Some(vec![0, 159, 146, 150].into());
    let given = stamp(&append(&*store, vec![new.clone()], 42).await[0]);
    assert_eq!((given.sequence, given.recorded), (1, at(42)));

    let by_id = store.event_by_id(&new.tenant, new.id).await.unwrap().unwrap();
    let by_place = store.event_at(&new.tenant, 1).await.unwrap().unwrap();
    assert_eq!(by_id, by_place);
    assert_eq!(by_id.payload, stored::finish(&new.content, 1, at(42)));
    assert_eq!(by_id.leaf_hash, stored::leaf_hash(&by_id.payload));
    assert_eq!(by_id.personal, new.personal);
    assert_eq!((by_id.leaf_hash, by_id.recorded), (given.leaf_hash, given.recorded));

    assert_eq!(store.event_by_id(&new.tenant, id(2)).await.unwrap(), None);
    for nowhere in [0, 2, u64::MAX] {
        assert_eq!(store.event_at(&new.tenant, nowhere).await.unwrap(), None);
    }
    store.ping().await.unwrap();
}

async fn the_same_content_again_is_a_duplicate_with_the_first_stamp(bed: &Bed) {
    let store = bed.store();
    let first = stamp(&append(&*store, vec![event(1)], 42).await[0]);
    append(&*store, vec![event(2)], 50).await;
    let again = append(&*bed.another_server().await, vec![event(1)], 60).await;
    assert_eq!(again, [AppendOutcome::Duplicate(first)]);
    assert_eq!(all(&*store, "default").await.len(), 2);
}

async fn other_content_under_a_used_id_is_refused(bed: &Bed) {
    let store = bed.store();
    append(&*store, vec![event(1)], 42).await;
    let other = NewEvent { fingerprint: [1; 32], ..event(1) };
    let outcomes = append(&*store, vec![other, event(2)], 43).await;
    assert_eq!(outcomes[0], AppendOutcome::IdReused);
    assert_eq!(stamp(&outcomes[1]).sequence, 2, "the refused one takes no place");
}

async fn a_fingerprint_of_another_version_tells_nothing(bed: &Bed) {
    let store = bed.store();
    let first = stamp(&append(&*store, vec![event(1)], 42).await[0]);
    let newer = NewEvent { fingerprint: [1; 32], fingerprint_version: 2, ..event(1) };
    assert_eq!(append(&*store, vec![newer], 43).await, [AppendOutcome::Duplicate(first)]);
}

async fn ids_repeated_within_a_batch_count_as_already_there(bed: &Bed) {
    let store = bed.store();
    let other = NewEvent { fingerprint: [1; 32], ..event(1) };
    let outcomes = append(&*store, vec![event(1), event(2), event(1), other], 42).await;
    let first = stamp(&outcomes[0]);
    assert_eq!(stamp(&outcomes[1]).sequence, 2);
    assert_eq!(outcomes[2..], [AppendOutcome::Duplicate(first), AppendOutcome::IdReused]);
    assert_eq!(all(&*store, "default").await.len(), 2);
}

async fn recorded_time_never_runs_backwards(bed: &Bed) {
    let store = bed.store();
    for (n, now, recorded) in [(1, 100, 100), (2, 50, 100), (3, 99, 100), (4, 101, 101)] {
        let given = stamp(&append(&*store, vec![event(n)], now).await[0]);
        assert_eq!(given.recorded, at(recorded));
        let head = store.head(&tenant("default")).await.unwrap();
        assert_eq!((head.sequence, head.recorded), (given.sequence, given.recorded));
    }
}

async fn switch_off(store: &dyn Store) {
    let id = tenant("default");
    let revision = store.tenant(&id).await.unwrap().unwrap().revision;
    let settings = TenantSettings { data_access_events_enabled: false, ..TenantSettings::default() };
    let display_name = String::new();
    let update = TenantUpdate { id, expected_revision: revision, display_name, settings, updated: at(9) };
    store.update_tenant(update, None).await.unwrap();
}

async fn a_category_switched_off_is_not_recorded_unless_it_is_vidnes_own(bed: &Bed) {
    let store = bed.store();
    let first = stamp(&append(&*store, vec![event(1)], 42).await[0]);
    switch_off(&*bed.another_server().await).await;
    let custom = NewEvent { switch: Some(Category::Custom), ..event(3) };
    let outcomes = append(&*store, vec![event(1), event(2), custom, witness(4)], 43).await;
    assert_eq!(outcomes[0], AppendOutcome::Duplicate(first), "an id is looked up before the switch");
    assert_eq!(outcomes[1], AppendOutcome::NotRecorded);
    assert_eq!((stamp(&outcomes[2]).sequence, stamp(&outcomes[3]).sequence), (2, 3));
    assert_eq!(store.event_by_id(&tenant("default"), id(2)).await.unwrap(), None);
}

async fn a_closed_tenant_takes_nothing_new_but_knows_what_it_has(bed: &Bed) {
    let store = bed.store();
    add_tenant(&*store, "a").await;
    let first = stamp(&append(&*store, vec![event_in("a", 1)], 42).await[0]);
    bed.another_server().await.close_tenant(&tenant("a"), at(50), witness(9)).await.unwrap();
    let own = NewEvent { switch: None, ..event_in("a", 3) };
    let outcomes = append(&*store, vec![event_in("a", 1), event_in("a", 2), own, event(4)], 60).await;
    assert_eq!(
        outcomes[..3],
        [AppendOutcome::Duplicate(first), AppendOutcome::TenantClosed, AppendOutcome::TenantClosed]
    );
    stamp(&outcomes[3]);
    assert_eq!(all(&*store, "a").await.len(), 1, "and stays readable");
}

async fn an_unknown_tenant_takes_nothing_and_harms_nobody(bed: &Bed) {
    let store = bed.store();
    let outcomes = append(&*store, vec![event_in("nobody", 1), event(1)], 42).await;
    assert_eq!(outcomes[0], AppendOutcome::TenantNotFound);
    stamp(&outcomes[1]);
    assert_eq!(append(&*store, vec![event_in("nobody", 1)], 42).await, [AppendOutcome::TenantNotFound]);

    let nobody = tenant("nobody");
    assert!(matches!(store.head(&nobody).await, Err(StoreError::TenantNotFound)));
    assert!(matches!(store.event_at(&nobody, 1).await, Err(StoreError::TenantNotFound)));
    assert!(matches!(store.event_by_id(&nobody, id(1)).await, Err(StoreError::TenantNotFound)));
    // And is known as soon as it is there.
    add_tenant(&*bed.another_server().await, "nobody").await;
    stamp(&append(&*store, vec![event_in("nobody", 1)], 42).await[0]);
}

async fn tenants_number_apart_and_may_use_the_same_ids(bed: &Bed) {
    let store = bed.store();
    add_tenant(&*store, "a").await;
    add_tenant(&*store, "b").await;
    let outcomes = append(&*store, vec![event_in("a", 1), event_in("b", 1), event_in("a", 2)], 42).await;
    let sequences: Vec<u64> = outcomes.iter().map(|outcome| stamp(outcome).sequence).collect();
    assert_eq!(sequences, [1, 1, 2]);
    assert_eq!((all(&*store, "a").await.len(), all(&*store, "b").await.len()), (2, 1));
    assert_eq!(store.event_by_id(&tenant("b"), id(2)).await.unwrap(), None);
}

async fn a_batch_larger_than_one_statement_is_written_whole(bed: &Bed) {
    let store = bed.store();
    // More than one statement's rows and more than one statement's ids.
    let outcomes = append(&*store, (1..=2_345).map(event).collect(), 42).await;
    assert!(outcomes.iter().zip(1..).all(|(outcome, n)| stamp(outcome).sequence == n));
    let kept = all(&*store, "default").await;
    assert_eq!(kept.len(), 2_345);
    assert!(kept.iter().zip(1..).all(|(kept, n)| {
        kept.payload == stored::finish(format!("content of {n}").as_bytes(), n, at(42))
    }));
    let again = append(&*store, (1..=2_345).map(event).collect(), 43).await;
    assert!(again.iter().all(|outcome| matches!(outcome, AppendOutcome::Duplicate(_))));
}

async fn an_empty_batch_is_nothing(bed: &Bed) {
    let store = bed.store();
    assert_eq!(append(&*store, Vec::new(), 42).await, []);
    assert_eq!(store.head(&tenant("default")).await.unwrap().sequence, 0);
}

async fn random_appends_have_the_outcomes_of_the_model(bed: &Bed) {
    let store = bed.store();
    let model = MemoryStore::new(Arc::new(ManualClock::at(Timestamp::default())));
    let mut random = Random::new(20_261_122);
    for store in [&*store as &dyn Store, &model] {
        add_tenant(store, "a").await;
        add_tenant(store, "b").await;
    }
    let switches = [None, Some(Category::DataAccess), Some(Category::SecurityAdministration)];
    for round in 0..120 {
        if round == 80 {
            store.close_tenant(&tenant("b"), at(1), witness(1_000)).await.unwrap();
            model.close_tenant(&tenant("b"), at(1), witness(1_000)).await.unwrap();
        }
        // Of one log and of new ids often enough, which goes a way of its own.
        let logs = ["default", "a", "b", "nobody"];
        let one = random.chance(50).then(|| *random.pick(&logs));
        let ids = if random.chance(50) { 200 } else { 1_000_000 };
        let batch: Vec<NewEvent> = (0..random.below(12))
            .map(|_| {
                let log = one.unwrap_or_else(|| *random.pick(&logs));
                let mut event = event_in(log, u128::from(random.below(ids)));
                event.switch = *random.pick(&switches);
                event.event_type =
                    event_type(random.pick::<&str>(&["RECORD_READ", "USER_CREATED", "CUSTOM"]));
                if random.chance(10) {
                    event.fingerprint = [1; 32];
                }
                event
            })
            .collect();
        let now = at(random.below(1_000) as i64);
        let expected = model.append(&batch, now).await.unwrap();
        let outcomes = match round % 3 {
            0 => store.append(&batch, now).await.unwrap(),
            _ => store.try_append(&batch, now).await.unwrap(),
        };
        for (outcome, expected) in outcomes.iter().zip(&expected) {
            assert_eq!(outcome, expected, "in round {round}");
        }
        assert_eq!(outcomes.len(), expected.len());
    }
    for log in ["a", "b"] {
        assert_eq!(all(&*store, log).await, all(&model, log).await);
    }
}

async fn those_who_wait_are_woken_after_the_commit(bed: &Bed) {
    let store = bed.store();
    add_tenant(&*store, "a").await;
    let mut waits = store.wakeups(&tenant("a"));
    waits.mark_unchanged();
    let reader = {
        let store = store.clone();
        tokio::spawn(async move {
            // It may be woken for no reason: a store that begins to listen to others wakes everybody.
            loop {
                waits.changed().await.expect("the store is there");
                let head = store.head(&tenant("a")).await.expect("head").sequence;
                if head > 0 {
                    return head;
                }
            }
        })
    };
    append(&*store, vec![event(1)], 42).await;
    append(&*store, vec![event_in("a", 1)], 42).await;
    assert_eq!(reader.await.unwrap(), 1, "whoever is woken sees what was committed");

    let waits = store.wakeups(&tenant("default"));
    store.close_tenant(&tenant("a"), at(50), witness(9)).await.unwrap();
    assert!(waits.has_changed().unwrap(), "a witness wakes too");
}

/// A server may remember how it left a log, but must not believe it.
async fn what_changed_since_the_last_append_decides_about_the_next(bed: &Bed) {
    let (store, other) = (bed.store(), bed.another_server().await);
    let next = async |n| {
        let outcomes = store.try_append(&[event_in("a", n)], at(5)).await.unwrap();
        let [outcome] = &outcomes[..] else { panic!("one outcome") };
        outcome.clone()
    };
    add_tenant(&*store, "a").await;
    assert_eq!((stamp(&next(1).await).sequence, stamp(&next(2).await).sequence), (1, 2));

    // An event of another server, at a later time; and its id again.
    append(&*other, vec![event_in("a", 3)], 9).await;
    let after = stamp(&next(4).await);
    assert_eq!((after.sequence, after.recorded), (4, at(9)));
    append(&*other, vec![event_in("a", 5)], 9).await;
    assert!(matches!(next(5).await, AppendOutcome::Duplicate(stamp) if stamp.sequence == 5));
    assert_eq!(stamp(&next(6).await).sequence, 6);
    // An id of its own, and one with other content.
    assert!(matches!(next(6).await, AppendOutcome::Duplicate(stamp) if stamp.sequence == 6));
    let reused = NewEvent { fingerprint: [9; 32], ..event_in("a", 6) };
    assert_eq!(store.try_append(&[reused], at(5)).await.unwrap(), [AppendOutcome::IdReused]);
    assert_eq!(stamp(&next(7).await).sequence, 7);

    // Switches, changed without a trace in this log.
    let old = other.tenant(&tenant("a")).await.unwrap().unwrap();
    let update = |revision, custom_events_enabled| TenantUpdate {
        id: tenant("a"),
        expected_revision: revision,
        display_name: String::new(),
        settings: TenantSettings { custom_events_enabled, ..old.settings },
        updated: at(10),
    };
    other.update_tenant(update(old.revision, false), None).await.unwrap();
    let switched = NewEvent { switch: Some(Category::Custom), ..event_in("a", 8) };
    let outcomes = store.try_append(std::slice::from_ref(&switched), at(5)).await.unwrap();
    assert_eq!(outcomes, [AppendOutcome::NotRecorded]);
    assert_eq!(stamp(&next(9).await).sequence, 8);
    other.update_tenant(update(old.revision + 1, true), None).await.unwrap();
    assert_eq!(stamp(&store.try_append(&[switched], at(5)).await.unwrap()[0]).sequence, 9);

    other.close_tenant(&tenant("a"), at(20), witness(99)).await.unwrap();
    assert_eq!(next(10).await, AppendOutcome::TenantClosed);
    assert!(matches!(next(7).await, AppendOutcome::Duplicate(stamp) if stamp.sequence == 7));
    let kept = all(&*store, "a").await;
    assert!(kept.iter().map(|event| event.sequence).eq(1..=9));
}
