//! Whatever the filter and the limits: the files one after the other are the matching events in order.

use proptest::{collection::vec, prelude::*, test_runner::Config};
use vidne::domain::{
    catalogue::{Category, EventType},
    event::{Outcome, Severity},
    export::JobSettings,
    filter::EventFilter,
};

use super::bed::{Bed, settings};
use crate::support::events::any_input;

fn any_filter() -> impl Strategy<Value = EventFilter> {
    let types = vec(proptest::sample::select(EventType::all().collect::<Vec<_>>()), 0..6);
    let categories =
        vec(proptest::sample::select(vec![Category::DataAccess, Category::Custom, Category::Service]), 0..3);
    let severity = proptest::option::of(proptest::sample::select(Severity::ALL.to_vec()));
    let outcomes = vec(proptest::sample::select(Outcome::ALL.to_vec()), 0..3);
    (types, categories, severity, outcomes, 0..20u64, "[a-z]{0,1}").prop_map(
        |(types, categories, minimum_severity, outcomes, sequence_from, text)| EventFilter {
            types,
            categories,
            minimum_severity,
            outcomes,
            sequence_from,
            text,
            ..EventFilter::default()
        },
    )
}

proptest! {
    #![proptest_config(Config { cases: 48, ..Config::default() })]

    #[test]
    fn g5_files_are_the_matching_events_in_order(
        batches in vec(vec(any_input(), 0..12), 1..4),
        filter in any_filter(),
        max_events in 1..8u64,
        max_bytes in 1..6_000u64,
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let bed = Bed::new();
            bed.create(JobSettings { filter, max_events, max_bytes, ..settings() }).await;
            for batch in batches {
                for input in batch {
                    bed.record_if_kept(input).await;
                }
                bed.run_well().await;
                bed.assert_delivered_equals_log().await;
            }
            let files = bed.files(&bed.job().await).await;
            for file in files {
                assert!(file.event_count <= max_events);
                assert!(file.event_count == 1 || file.size_bytes <= max_bytes);
            }
        });
    }
}
