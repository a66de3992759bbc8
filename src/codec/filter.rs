//! `vidne.v1.EventFilter` <-> the domain's filter.

use std::collections::BTreeMap;

use crate::domain::{
    catalogue::{Category, EventType},
    event::{Outcome, Severity, TargetType},
    filter::{EventFilter, parse_network},
    id::EventId,
    limits::FILTER_VALUES,
    text::fold,
    time::Timestamp,
    violation::Violations,
};

use super::{proto::v1, wire::timestamp};

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

/// Writes a filter. E-mails and text are in their folded form.
pub fn filter_to_proto(filter: &EventFilter) -> v1::EventFilter {
    let EventFilter {
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
        source_networks,
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
    v1::EventFilter {
        types: types.iter().map(|t| t.info().number).collect(),
        custom_types: custom_types.clone(),
        categories: categories.iter().map(|c| category_to_proto(*c).into()).collect(),
        actor_user_ids: actor_user_ids.clone(),
        actor_emails: actor_emails.clone(),
        actor_tenant_ids: actor_tenant_ids.clone(),
        organization_ids: organization_ids.clone(),
        actor_national_id: actor_national_id.clone(),
        subject_national_id: subject_national_id.clone(),
        target_type: target_type.map_or(0, TargetType::number),
        target_ids: target_ids.clone(),
        target_tenant_ids: target_tenant_ids.clone(),
        source_ips: source_networks.iter().map(network_text).collect(),
        outcomes: outcomes.iter().map(|o| o.number()).collect(),
        minimum_severity: minimum_severity.map_or(0, Severity::number),
        occurred_from: occurred_from.map(timestamp),
        occurred_before: occurred_before.map(timestamp),
        recorded_from: recorded_from.map(timestamp),
        recorded_before: recorded_before.map(timestamp),
        sequence_from: *sequence_from,
        sequence_before: *sequence_before,
        labels: labels.clone(),
        text: text.clone(),
        event_ids: event_ids.iter().map(ToString::to_string).collect(),
    }
}

/// The category's value in the contract.
pub fn category_to_proto(category: Category) -> v1::EventCategory {
    match category {
        Category::DataAccess => v1::EventCategory::DataAccess,
        Category::SecurityAdministration => v1::EventCategory::SecurityAdministration,
        Category::Custom => v1::EventCategory::Custom,
        Category::Service => v1::EventCategory::Service,
    }
}

fn event_type(number: i32) -> Option<EventType> {
    EventType::from_number(number)
}

/// In a list of wanted values 0 says nothing.
fn named<T>(from_number: fn(i32) -> Option<T>) -> impl Fn(i32) -> Option<T> {
    move |number| if number == 0 { None } else { from_number(number) }
}

fn network_text(network: &ipnet::IpNet) -> String {
    let single = network.prefix_len() == network.max_prefix_len();
    if single { network.addr().to_string() } else { network.to_string() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_comes_back_as_it_was() {
        let filter = v1::EventFilter {
            types: vec![2, 126],
            custom_types: vec!["invoice.approved".into()],
            categories: vec![1, 4],
            actor_user_ids: vec!["u1".into()],
            actor_emails: vec!["ÅSE@example.org".into()],
            actor_tenant_ids: vec!["t".into()],
            organization_ids: vec!["o".into()],
            actor_national_id: "0101011234".into(),
            subject_national_id: "0202021234".into(),
            target_type: 5,
            target_ids: vec!["4711".into()],
            target_tenant_ids: vec!["tt".into()],
            source_ips: vec!["192.0.2.7".into(), "2001:db8::1/64".into()],
            outcomes: vec![2],
            minimum_severity: 4,
            occurred_from: Some(prost_types::Timestamp { seconds: 1, nanos: 2_000 }),
            occurred_before: Some(prost_types::Timestamp { seconds: 2, nanos: 0 }),
            recorded_from: Some(prost_types::Timestamp { seconds: 3, nanos: 0 }),
            recorded_before: Some(prost_types::Timestamp { seconds: 4, nanos: 0 }),
            sequence_from: 5,
            sequence_before: 6,
            labels: BTreeMap::from([("k".into(), "v".into())]),
            text: "Blanket".into(),
            event_ids: vec!["01890A5DAC96774BBCCEB302099A8057".into()],
        };
        let read = filter_from_proto(filter, "filter").unwrap();
        assert_eq!(read.actor_emails, ["åse@example.org"]);
        assert_eq!(read.text, "blanket");
        let written = filter_to_proto(&read);
        assert_eq!(written.source_ips, ["192.0.2.7", "2001:db8::/64"]);
        assert_eq!(filter_from_proto(written, "filter").unwrap(), read);
    }

    #[test]
    fn everything_wrong_is_reported_at_once_with_its_path() {
        let filter = v1::EventFilter {
            types: vec![2, 0, 99],
            categories: vec![9],
            source_ips: vec!["192.0.2.0/33".into()],
            outcomes: vec![0],
            minimum_severity: 77,
            target_type: 99,
            occurred_from: Some(prost_types::Timestamp { seconds: -1, nanos: 0 }),
            event_ids: vec!["4711".into()],
            ..Default::default()
        };
        let wrong = filter_from_proto(filter, "job.filter").unwrap_err();
        let fields: Vec<&str> = wrong.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "job.filter.types[1]",
                "job.filter.types[2]",
                "job.filter.categories[0]",
                "job.filter.target_type",
                "job.filter.source_ips[0]",
                "job.filter.outcomes[0]",
                "job.filter.minimum_severity",
                "job.filter.occurred_from",
                "job.filter.event_ids[0]",
            ]
        );
    }

    #[test]
    fn a_thousand_values_are_taken_and_one_more_is_refused() {
        let of = |n: usize| v1::EventFilter {
            actor_user_ids: vec!["u".into(); n - 1],
            text: "x".into(),
            ..Default::default()
        };
        assert!(filter_from_proto(of(FILTER_VALUES), "filter").is_ok());
        let wrong = filter_from_proto(of(FILTER_VALUES + 1), "filter").unwrap_err();
        assert_eq!(wrong.iter().next().unwrap().field, "filter");
    }

    #[test]
    fn any_category_among_others_means_any() {
        let filter = v1::EventFilter { categories: vec![1, 0], ..Default::default() };
        assert!(filter_from_proto(filter, "filter").unwrap().categories.is_empty());
    }
}
