//! Any event renders to exactly one line that its format's parser reads back.

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use vidne::domain::{
    event::RecordedEvent,
    format::{CefVersion, CsvColumns, LeefVersion, OcsfVersion},
    input::EventInput,
};

use super::{cef, csv, ecs, leef, line, ocsf, recorded, rfc5424};
use crate::support::events::any_input;

proptest! {
    #[test]
    fn any_event_is_one_line_that_reads_back(input in any_input(), sequence in 1..u64::from(u32::MAX), option: bool) {
        let id = input.event_id.clone();
        let event = recorded(sequence, EventInput { event_id: id, ..input });
        for columns in [CsvColumns::Xflow, CsvColumns::Flexicapture, CsvColumns::All] {
            csv::check(&columns, &line(&csv(columns.clone(), false, option), &event), &event, option);
        }
        cef::check(&line(&cef(CefVersion::V0, option), &event), &event, "0", option);
        leef::check(&line(&leef(LeefVersion::V1, option), &event), &event, false, option);
        leef::check(&line(&leef(LeefVersion::V2, option), &event), &event, true, option);
        rfc5424::check(&line(&rfc5424(4_096, option), &event), &event, 4_096, option);
        ecs::check(&line(&ecs(option), &event), &event, option);
        ocsf::check(&line(&ocsf(OcsfVersion::V180), &event), &event);
    }
}

/// Some hundred events, always the same, for tools that take many at once.
pub fn some_events() -> Vec<RecordedEvent> {
    let mut runner = TestRunner::deterministic();
    let inputs = std::iter::repeat_with(|| any_input().new_tree(&mut runner).unwrap().current());
    (1..).zip(inputs.take(300)).map(|(sequence, input)| recorded(sequence, input)).collect()
}
