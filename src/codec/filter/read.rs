//! From the contract: strict, all violations at once.

use std::collections::BTreeMap;

use crate::{
    codec::proto::v1,
    domain::{
        catalogue::{Category, EventType},
        event::{Outcome, Severity, TargetType},
        filter::{EventFilter, parse_network},
        id::EventId,
        limits::FILTER_VALUES,
        text::fold,
        time::Timestamp,
        violation::Violations,
    },
};

/// Reads a filter; `path` is its own path in the request, such as `filter` or `job.filter`. All violations
/// are reported at once.
pub fn filter_from_proto(filter: v1::EventFilter, path: &str) -> Result<EventFilter, Violations> {
    // Exhaustive on purpose: a new field of the contract must be read here before anything compiles.
    let v1::EventFilter {
        types,
        custom_types,
        categories,
        actor_user_ids,
        actor_emails,
        actor_tenant_ids,
        organization_ids,
        actor_national_id,
        subject_national_id,
        target_type,
        target_ids,
        target_tenant_ids,
        source_ips,
        outcomes,
        minimum_severity,
        occurred_from,
        occurred_before,
        recorded_from,
        recorded_before,
        sequence_from,
        sequence_before,
        labels,
        text,
        event_ids,
    } = filter;
    let mut read = Read { path, wrong: Violations::new(), values: 0 };
    let filter = EventFilter {
        types: read.each("types", types, event_type, "not a known type (ListEventTypes lists them)"),
        custom_types: read.texts(custom_types),
        categories: read.categories(categories),
        actor_user_ids: read.texts(actor_user_ids),
        actor_emails: read.texts(actor_emails).iter().map(|email| fold(email)).collect(),
        actor_tenant_ids: read.texts(actor_tenant_ids),
        organization_ids: read.texts(organization_ids),
        actor_national_id: read.text(actor_national_id),
        subject_national_id: read.text(subject_national_id),
        target_type: read.one("target_type", target_type, TargetType::from_number),
        target_ids: read.texts(target_ids),
        target_tenant_ids: read.texts(target_tenant_ids),
        source_networks: read.each(
            "source_ips",
            source_ips,
            |text| parse_network(&text),
            "neither an address (192.0.2.7, 2001:db8::1) nor a network (192.0.2.0/24)",
        ),
        outcomes: read.each("outcomes", outcomes, named(Outcome::from_number), "not a known outcome"),
        minimum_severity: read.one("minimum_severity", minimum_severity, Severity::from_number),
        occurred_from: read.time("occurred_from", occurred_from),
        occurred_before: read.time("occurred_before", occurred_before),
        recorded_from: read.time("recorded_from", recorded_from),
        recorded_before: read.time("recorded_before", recorded_before),
        sequence_from,
        sequence_before,
        labels: read.labels(labels),
        text: fold(&read.text(text)),
        event_ids: read.each("event_ids", event_ids, |text| EventId::parse(&text), "not a UUID"),
    };
    read.finish(filter)
}

fn event_type(number: i32) -> Option<EventType> {
    EventType::from_number(number)
}

/// In a list of wanted values 0 says nothing.
fn named<T>(from_number: fn(i32) -> Option<T>) -> impl Fn(i32) -> Option<T> {
    move |number| if number == 0 { None } else { from_number(number) }
}

struct Read<'a> {
    path: &'a str,
    wrong: Violations,
    values: usize,
}

impl Read<'_> {
    fn wrong(&mut self, field: &str, description: impl Into<String>) {
        self.wrong.add(format!("{}.{field}", self.path), description);
    }

    /// Each value of a list, or a violation that names its place.
    fn each<T, U>(
        &mut self,
        field: &str,
        values: Vec<T>,
        read: impl Fn(T) -> Option<U>,
        wrong: &str,
    ) -> Vec<U> {
        self.values += values.len();
        let mut good = Vec::with_capacity(values.len().min(FILTER_VALUES));
        for (i, value) in values.into_iter().enumerate() {
            match read(value) {
                Some(value) => good.push(value),
                None => self.wrong(&format!("{field}[{i}]"), wrong),
            }
        }
        good
    }

    fn categories(&mut self, numbers: Vec<i32>) -> Vec<Category> {
        let read = |number: i32| match v1::EventCategory::try_from(number).ok()? {
            v1::EventCategory::Unspecified => Some(None),
            v1::EventCategory::DataAccess => Some(Some(Category::DataAccess)),
            v1::EventCategory::SecurityAdministration => Some(Some(Category::SecurityAdministration)),
            v1::EventCategory::Custom => Some(Some(Category::Custom)),
            v1::EventCategory::Service => Some(Some(Category::Service)),
        };
        let wanted = self.each("categories", numbers, read, "not a known category");
        // One that says "any" makes the whole list say so.
        wanted.into_iter().collect::<Option<Vec<_>>>().unwrap_or_default()
    }

    fn texts(&mut self, values: Vec<String>) -> Vec<String> {
        self.values += values.len();
        values
    }

    fn text(&mut self, value: String) -> String {
        self.values += usize::from(!value.is_empty());
        value
    }

    fn labels(&mut self, labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
        self.values += labels.len();
        labels
    }

    /// One value of an enumeration, where 0 asks nothing.
    fn one<T>(&mut self, field: &str, number: i32, from_number: fn(i32) -> Option<T>) -> Option<T> {
        if number == 0 {
            return None;
        }
        self.values += 1;
        let value = from_number(number);
        if value.is_none() {
            self.wrong(field, "not a value of this enumeration");
        }
        value
    }

    fn time(&mut self, field: &str, time: Option<prost_types::Timestamp>) -> Option<Timestamp> {
        let time = time?;
        self.values += 1;
        let read = Timestamp::from_parts(time.seconds, time.nanos);
        if read.is_none() {
            self.wrong(field, "out of range; give a time of the years 1970 to 9999");
        }
        read
    }

    fn finish(mut self, filter: EventFilter) -> Result<EventFilter, Violations> {
        if self.values > FILTER_VALUES {
            let message = format!("{} values in all; at most {FILTER_VALUES}", self.values);
            self.wrong.add(self.path, message);
        }
        self.wrong.into_result(filter)
    }
}
