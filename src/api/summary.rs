//! Counts and summaries from the wire and onto it.

use std::time::Duration;

use tonic::metadata::MetadataMap;

use super::caller::tenant;
use crate::{
    codec::{filter::filter_from_proto, proto::v1, wire::timestamp},
    domain::{
        filter::EventFilter,
        id::TenantId,
        summary::{Count, Extent, Groups, Summary, SummaryRequest, SummaryTime},
        violation::Violations,
    },
};

const DEFAULT_GROUPS: usize = 20;
const MAX_GROUPS: usize = 1_000;
const MAX_BUCKET_SECONDS: u64 = 366 * 86_400;

/// How long the caller's deadline leaves for counting: three quarters of it, so that the answer still arrives.
pub fn patience(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok()?;
    let whole = match unit {
        "H" => Duration::from_secs(number.saturating_mul(3_600)),
        "M" => Duration::from_secs(number.saturating_mul(60)),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    };
    Some(whole / 4 * 3)
}

/// Reads what is to be counted; names all that is wrong.
pub fn count_from_proto(request: v1::CountEventsRequest) -> Result<(TenantId, EventFilter), Violations> {
    let v1::CountEventsRequest { tenant_id, filter } = request;
    let mut wrong = Violations::new();
    let read = tenant_and_filter(&tenant_id, filter, &mut wrong);
    read.ok_or(wrong)
}

/// Reads what is to be summarised; names all that is wrong.
pub fn summary_from_proto(request: v1::SummarizeEventsRequest) -> Result<SummaryRequest, Violations> {
    let v1::SummarizeEventsRequest { tenant_id, filter, time, bucket_width, max_groups } = request;
    let mut wrong = Violations::new();
    let read = tenant_and_filter(&tenant_id, filter, &mut wrong);
    let time = match v1::SummaryTime::try_from(time) {
        Ok(v1::SummaryTime::Unspecified | v1::SummaryTime::Occurred) => SummaryTime::Occurred,
        Ok(v1::SummaryTime::Recorded) => SummaryTime::Recorded,
        Err(_) => {
            wrong.add("time", "not a time; give SUMMARY_TIME_OCCURRED or SUMMARY_TIME_RECORDED");
            SummaryTime::default()
        }
    };
    let bucket_seconds = bucket_width.map(|width| {
        let seconds = u64::try_from(width.seconds).unwrap_or_default();
        if width.nanos != 0 || !(1..=MAX_BUCKET_SECONDS).contains(&seconds) {
            wrong.add("bucket_width", "must be whole seconds, at least 1 and at most 366 days");
        }
        seconds
    });
    let max_groups = match usize::try_from(max_groups).unwrap_or(usize::MAX) {
        0 => DEFAULT_GROUPS,
        groups => groups,
    };
    if max_groups > MAX_GROUPS {
        wrong.add("max_groups", format!("at most {MAX_GROUPS}; 0: {DEFAULT_GROUPS}"));
    }
    match read {
        Some((tenant, filter)) => {
            wrong.into_result(SummaryRequest { tenant, filter, time, bucket_seconds, max_groups })
        }
        None => Err(wrong),
    }
}

fn tenant_and_filter(
    tenant_id: &str,
    filter: Option<v1::EventFilter>,
    wrong: &mut Violations,
) -> Option<(TenantId, EventFilter)> {
    let mut collect = |violations: Violations| {
        for violation in violations.iter() {
            wrong.add(violation.field.clone(), violation.description.clone());
        }
    };
    let tenant = tenant(tenant_id, "tenant_id").map_err(&mut collect).ok();
    let filter =
        filter.map_or_else(|| Ok(EventFilter::default()), |filter| filter_from_proto(filter, "filter"));
    tenant.zip(filter.map_err(&mut collect).ok())
}

/// A count on the wire.
pub fn count_to_proto(count: Count) -> v1::CountEventsResponse {
    v1::CountEventsResponse { count: count.count, extent: Some(extent_to_proto(count.extent)) }
}

/// A summary on the wire.
pub fn summary_to_proto(summary: Summary, extent: Extent, max_groups: usize) -> v1::SummarizeEventsResponse {
    let Summary { count, buckets, types, actors, outcomes } = summary;
    let seconds = i64::try_from(buckets.seconds()).unwrap_or(i64::MAX);
    let bucket = |(start, count)| v1::TimeBucket { start_time: Some(timestamp(start)), count };
    v1::SummarizeEventsResponse {
        count,
        extent: Some(extent_to_proto(extent)),
        bucket_width: Some(prost_types::Duration { seconds, nanos: 0 }),
        buckets: buckets.iter().map(bucket).collect(),
        types: Some(groups_to_proto(types, max_groups)),
        actors: Some(groups_to_proto(actors, max_groups)),
        outcomes: Some(groups_to_proto(outcomes, max_groups)),
    }
}

fn extent_to_proto(extent: Extent) -> v1::ScanExtent {
    let Extent { head, scanned, complete, looked: _ } = extent;
    v1::ScanExtent { head_sequence: head, scanned_sequence: scanned, complete }
}

fn groups_to_proto(groups: Groups, most: usize) -> v1::SummaryGroups {
    let (groups, other_count) = groups.largest(most);
    let groups = groups.into_iter().map(|(value, count)| v1::SummaryGroup { value, count }).collect();
    v1::SummaryGroups { groups, other_count }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience_of(text: &str) -> Option<Duration> {
        let mut metadata = MetadataMap::new();
        metadata.insert("grpc-timeout", text.parse().unwrap());
        patience(&metadata)
    }

    #[test]
    fn a_call_leaves_time_for_its_answer() {
        assert_eq!(patience(&MetadataMap::new()), None);
        assert_eq!(patience_of("8S"), Some(Duration::from_secs(6)));
        assert_eq!(patience_of("1H"), Some(Duration::from_secs(2_700)));
        assert_eq!(patience_of("400m"), Some(Duration::from_millis(300)));
        for wrong in ["", "S", "5", "5x", "-1S", "99999999999999999999S"] {
            assert_eq!(patience_of(wrong), None, "{wrong}");
        }
    }
}
