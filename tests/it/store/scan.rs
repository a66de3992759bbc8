//! Scanning: ranges, both orders, filters, limits.

use vidne::{
    domain::{
        catalogue::{Category, EventType},
        event::Severity,
        filter::EventFilter,
        query::Order,
    },
    store::{
        StoreError,
        contract::{AppendOutcome, CountRequest, NewEvent, ScanRequest, StoredEvent},
    },
};

use super::{
    bed::Bed,
    on_every_store,
    sample::{Random, add_tenant, all, at, collect, event, event_in, event_type, id, tenant},
};

on_every_store! {
    random_scans_find_what_a_model_finds,
    a_custom_type_may_be_any_custom_event,
    what_neither_columns_nor_bytes_tell_is_left_to_the_caller,
    personal_is_read_only_when_asked_for,
    one_event_larger_than_the_bound_is_given_alone,
    a_long_range_takes_bounded_steps,
    few_administrative_events_are_found_among_many,
    what_matches_seldom_here_and_often_there_is_found_once,
    a_recorded_time_is_found_where_it_begins,
}

/// An event as the test remembers it.
struct Remembered {
    new: NewEvent,
    sequence: u64,
    recorded: i64,
}

fn wanted(event: &Remembered, filter: &EventFilter) -> bool {
    let within = |time, from: Option<i64>, before: Option<i64>| {
        from.is_none_or(|from| time >= from) && before.is_none_or(|before| time < before)
    };
    let micros = |time: Option<vidne::domain::time::Timestamp>| time.map(|time| time.micros());
    let no_types = filter.types.is_empty() && filter.custom_types.is_empty();
    let custom = event.new.event_type == EventType::CUSTOM && !filter.custom_types.is_empty();
    event.sequence >= filter.sequence_from
        && (filter.sequence_before == 0 || event.sequence < filter.sequence_before)
        && within(event.recorded, micros(filter.recorded_from), micros(filter.recorded_before))
        && within(event.new.occurred.micros(), micros(filter.occurred_from), micros(filter.occurred_before))
        && (no_types || custom || filter.types.contains(&event.new.event_type))
        && (filter.categories.is_empty() || filter.categories.contains(&event.new.event_type.category()))
        && (filter.event_ids.is_empty() || filter.event_ids.contains(&event.new.id))
}

fn random_filter(random: &mut Random) -> EventFilter {
    let types: Vec<EventType> = EventType::all().collect();
    let mut filter = EventFilter::default();
    if random.chance(30) {
        filter.types = (0..1 + random.below(3)).map(|_| *random.pick(&types)).collect();
    }
    if random.chance(20) {
        filter.custom_types = vec!["our.own".to_owned()];
    }
    if random.chance(20) {
        filter.categories = vec![*random.pick(&[Category::DataAccess, Category::Custom, Category::Service])];
    }
    if random.chance(20) {
        filter.event_ids = (0..random.below(20)).map(|_| id(u128::from(random.below(400)))).collect();
    }
    if random.chance(20) {
        filter.sequence_from = random.below(320);
    }
    if random.chance(20) {
        filter.sequence_before = random.below(320);
    }
    let mut time = || random.chance(20).then(|| at(random.below(1_000) as i64));
    filter.occurred_from = time();
    filter.occurred_before = time();
    filter.recorded_from = time();
    filter.recorded_before = time();
    filter
}

async fn random_scans_find_what_a_model_finds(bed: &Bed) {
    let store = bed.store();
    add_tenant(&*store, "a").await;
    let mut random = Random::new(4_711);
    let types: Vec<EventType> = EventType::all().collect();
    let mut remembered = Vec::new();
    for n in (0..300).step_by(20) {
        let batch: Vec<NewEvent> = (n..n + 20)
            .map(|n| NewEvent {
                event_type: *random.pick(&types),
                occurred: at(random.below(1_000) as i64),
                switch: None,
                // As an event of the custom type below is encoded: stores may look for that.
                content: [b"\x22\x07our.own".as_slice(), &vec![b'x'; random.below(900) as usize]]
                    .concat()
                    .into(),
                ..event_in("a", n)
            })
            .collect();
        // In another log too, which no scan may show.
        let decoys = batch.iter().map(|event| NewEvent { tenant: tenant("default"), ..event.clone() });
        store.append(&decoys.collect::<Vec<_>>(), at(1)).await.unwrap();
        let outcomes = store.append(&batch, at(random.below(1_000) as i64)).await.unwrap();
        for (new, outcome) in batch.into_iter().zip(outcomes) {
            let AppendOutcome::Recorded(stamp) = outcome else { panic!("{outcome:?}") };
            remembered.push(Remembered { new, sequence: stamp.sequence, recorded: stamp.recorded.micros() });
        }
    }
    let log = tenant("a");
    for round in 0..150 {
        let filter = random_filter(&mut random);
        let low = 1 + random.below(300);
        let high = low + random.below(301 - low);
        let bounds = (1 + random.below(40) as usize, 1 + random.below(20_000) as usize);
        let expected = remembered.iter().filter(|event| (low..=high).contains(&event.sequence));
        let mut expected: Vec<u64> =
            expected.filter(|event| wanted(event, &filter)).map(|event| event.sequence).collect();
        let up = collect(&*store, &log, &filter, Order::Ascending, (low, high), bounds).await;
        assert_eq!(sequences(&up), expected, "round {round}: {low} to {high} with {filter:?}");
        expected.reverse();
        let down = collect(&*store, &log, &filter, Order::Descending, (high, low), bounds).await;
        assert_eq!(sequences(&down), expected, "round {round}: {high} to {low} with {filter:?}");
    }
}

fn sequences(events: &[StoredEvent]) -> Vec<u64> {
    events.iter().map(|event| event.sequence).collect()
}

async fn a_custom_type_may_be_any_custom_event(bed: &Bed) {
    let store = bed.store();
    let of_type = |n, name: &str| NewEvent { event_type: event_type(name), switch: None, ..event(n) };
    let events = [of_type(1, "CUSTOM"), of_type(2, "RECORD_READ"), of_type(3, "USER_CREATED")];
    store.append(&events, at(1)).await.unwrap();
    let filter = EventFilter {
        types: vec![event_type("USER_CREATED")],
        custom_types: vec!["our.own".to_owned()],
        ..EventFilter::default()
    };
    let log = tenant("default");
    let found = collect(&*store, &log, &filter, Order::Ascending, (1, 3), (10, 1_000)).await;
    assert_eq!(sequences(&found), [1, 3]);
    let filter = EventFilter { categories: vec![Category::SecurityAdministration], ..filter };
    let found = collect(&*store, &log, &filter, Order::Ascending, (1, 3), (10, 1_000)).await;
    assert_eq!(sequences(&found), [3]);
}

async fn what_neither_columns_nor_bytes_tell_is_left_to_the_caller(bed: &Bed) {
    let store = bed.store();
    store.append(&(1..=3).map(event).collect::<Vec<_>>(), at(1)).await.unwrap();
    let filter = EventFilter {
        actor_emails: vec!["nobody@example.org".to_owned()],
        minimum_severity: Some(Severity::default()),
        text: "nothing".to_owned(),
        ..EventFilter::default()
    };
    let log = tenant("default");
    let found = collect(&*store, &log, &filter, Order::Ascending, (1, 3), (10, 1_000)).await;
    assert_eq!(sequences(&found), [1, 2, 3]);
}

async fn personal_is_read_only_when_asked_for(bed: &Bed) {
    let store = bed.store();
    let new = NewEvent { personal: Some(b"salt and field".to_vec().into()), ..event(1) };
    store.append(std::slice::from_ref(&new), at(1)).await.unwrap();
    for (with_personal, expected) in [(false, None), (true, new.personal)] {
        let request = ScanRequest {
            tenant: &tenant("default"),
            order: Order::Ascending,
            from: 1,
            through: 1,
            filter: &EventFilter::default(),
            max_events: 10,
            max_bytes: 1_000,
            with_personal,
            full_after: 0,
        };
        let page = store.scan(request).await.unwrap();
        assert_eq!(page.events[0].personal, expected);
    }
}

async fn one_event_larger_than_the_bound_is_given_alone(bed: &Bed) {
    let store = bed.store();
    let large = |n| NewEvent { content: vec![b'x'; 100_000].into(), ..event(n) };
    store.append(&(1..=3).map(large).collect::<Vec<_>>(), at(1)).await.unwrap();
    let filter = EventFilter::default();
    let found = collect(&*store, &tenant("default"), &filter, Order::Ascending, (1, 3), (10, 1)).await;
    assert_eq!(sequences(&found), [1, 2, 3]);
    assert!(found.iter().all(|event| event.payload.len() > 100_000));
}

async fn a_long_range_takes_bounded_steps(bed: &Bed) {
    let store = bed.store();
    let count = 10_500;
    for from in (1..=count).step_by(1_500) {
        store.append(&(from..from + 1_500).map(event).collect::<Vec<_>>(), at(1)).await.unwrap();
    }
    let rare = NewEvent { event_type: event_type("RECORD_DELETED"), ..event(99_999) };
    store.append(&[rare], at(1)).await.unwrap();
    let filter = EventFilter { types: vec![event_type("RECORD_DELETED")], ..EventFilter::default() };
    let last = count as u64 + 1;
    let log = tenant("default");
    let up = collect(&*store, &log, &filter, Order::Ascending, (1, last), (1_000, 1_000)).await;
    let down = collect(&*store, &log, &filter, Order::Descending, (last, 1), (1_000, 1_000)).await;
    assert_eq!((sequences(&up), sequences(&down)), (vec![last], vec![last]));

    let by_id = EventFilter { event_ids: vec![id(1), id(99_999)], ..EventFilter::default() };
    let found = collect(&*store, &log, &by_id, Order::Ascending, (1, last), (1_000, 1_000_000)).await;
    assert_eq!(sequences(&found), [1, last]);
    assert_eq!(all(&*store, "default").await.len() as u64, last);
}

async fn few_administrative_events_are_found_among_many(bed: &Bed) {
    let store = bed.store();
    let deleted = |n: u128| n.is_multiple_of(250);
    let new = |n: u128| match deleted(n) {
        true => NewEvent {
            event_type: event_type("USER_DELETED"),
            switch: None,
            occurred: at(n as i64),
            ..event(n)
        },
        false => event(n),
    };
    for from in (1..=10_500).step_by(1_500) {
        store.append(&(from..from + 1_500).map(new).collect::<Vec<_>>(), at(from as i64)).await.unwrap();
    }
    let few = EventFilter { types: vec![event_type("USER_DELETED")], ..EventFilter::default() };
    let fewer = EventFilter { occurred_from: Some(at(5_000)), ..few.clone() };
    let log = tenant("default");
    for (filter, first) in [(few, 250), (fewer, 5_000)] {
        let mut expected: Vec<u64> = (first..=10_400).filter(|n| deleted((*n).into())).collect();
        for bounds in [(1, 1_000), (7, 1_000_000), (1_000, 40)] {
            let found = collect(&*store, &log, &filter, Order::Ascending, (1, 10_400), bounds).await;
            assert_eq!(sequences(&found), expected, "{bounds:?}");
        }
        let (request, mut from, mut count) =
            (|from| CountRequest { tenant: &log, from, through: 10_400, filter: &filter }, 1, 0);
        while from <= 10_400 {
            let page = store.count(request(from)).await.unwrap();
            (from, count) = (page.scanned + 1, count + page.count);
        }
        assert_eq!(count, expected.len() as u64);
        expected.reverse();
        let found = collect(&*store, &log, &filter, Order::Descending, (10_400, 1), (7, 1_000_000)).await;
        assert_eq!(sequences(&found), expected);
    }
}

async fn what_matches_seldom_here_and_often_there_is_found_once(bed: &Bed) {
    let store = bed.store();
    // None, then every fifth, then all, then one in a thousand.
    let matches = |n: u128| match n {
        0..4_000 => false,
        4_000..9_000 => n.is_multiple_of(5),
        9_000..10_000 => true,
        _ => n.is_multiple_of(1_000),
    };
    let new = |n: u128| match matches(n) {
        true => NewEvent { event_type: event_type("RECORD_DELETED"), ..event(n) },
        false => event(n),
    };
    let last = 24_000_u64;
    for from in (1..=last.into()).step_by(1_500) {
        store.append(&(from..from + 1_500).map(new).collect::<Vec<_>>(), at(1)).await.unwrap();
    }
    let filter = EventFilter { types: vec![event_type("RECORD_DELETED")], ..EventFilter::default() };
    let log = tenant("default");
    let mut expected: Vec<u64> = (1..=last).filter(|n| matches((*n).into())).collect();
    for bounds in [(1_000, 1_000_000), (200, 1_000_000), (1_000, 3_000), (3, 70)] {
        let found = collect(&*store, &log, &filter, Order::Ascending, (1, last), bounds).await;
        assert_eq!(sequences(&found), expected, "{bounds:?}");
    }
    expected.reverse();
    for bounds in [(1_000, 1_000_000), (200, 3_000)] {
        let found = collect(&*store, &log, &filter, Order::Descending, (last, 1), bounds).await;
        assert_eq!(sequences(&found), expected, "{bounds:?}");
    }
}

async fn a_recorded_time_is_found_where_it_begins(bed: &Bed) {
    let store = bed.store();
    let log = tenant("default");
    assert_eq!(store.first_recorded(&log, at(0)).await.unwrap(), 1, "an empty log");
    let nowhere = store.first_recorded(&tenant("nowhere"), at(0)).await;
    assert!(matches!(nowhere, Err(StoreError::TenantNotFound)), "{nowhere:?}");
    let mut random = Random::new(99);
    let (mut recorded, mut time) = (Vec::new(), 10);
    for n in 0..60 {
        // Several at one time, then one much later, and a clock that goes back.
        time += random.below(3) as i64 * 7 - 3;
        let batch: Vec<NewEvent> =
            (0..1 + random.below(9)).map(|k| event(1_000 * n + u128::from(k))).collect();
        for outcome in store.append(&batch, at(time)).await.unwrap() {
            let AppendOutcome::Recorded(stamp) = outcome else { panic!("{outcome:?}") };
            recorded.push(stamp.recorded.micros());
        }
    }
    for time in -1..recorded[recorded.len() - 1] + 3 {
        let expected = recorded.iter().take_while(|recorded| **recorded < time).count() as u64 + 1;
        assert_eq!(store.first_recorded(&log, at(time)).await.unwrap(), expected, "{time} in {recorded:?}");
    }
}
