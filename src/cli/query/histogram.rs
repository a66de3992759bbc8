//! Counts as bars, drawn with block characters.

use console::{measure_text_width, pad_str, truncate_str};

use crate::{
    codec::proto::v1::{SummarizeEventsResponse, SummaryGroups},
    domain::time::Timestamp,
};

use super::{
    super::output::{escape::escape, style::Style},
    counting::By,
    zone::Zone,
};

/// Eighths of a block.
const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
/// Empty buckets in a row that are drawn; more are only counted.
const EMPTY_ROWS: u64 = 5;
/// A bar has at least this much room, however long the names are.
const LEAST_BAR: usize = 10;

/// One line.
enum Row {
    Bar {
        label: String,
        count: u64,
    },
    /// So many buckets without an event.
    Gap(u64),
}

/// The bars, on lines of at most `width` characters (of 40 or more). Empty if nothing matches.
pub fn draw(
    answer: &SummarizeEventsResponse,
    by: By,
    width: usize,
    style: Style,
    zone: &Zone,
) -> Vec<String> {
    let rows = match by {
        By::Time | By::RecordedTime => times(answer, zone),
        By::Type => values(answer.types.as_ref()),
        By::Actor => values(answer.actors.as_ref()),
        By::Outcome => values(answer.outcomes.as_ref()),
    };
    let bars = || {
        rows.iter().filter_map(|row| match row {
            Row::Bar { label, count } => Some((label, *count)),
            Row::Gap(_) => None,
        })
    };
    let largest = bars().map(|(_, count)| count).max().unwrap_or(0);
    let numbers = largest.to_string().len();
    let labels = bars().map(|(label, _)| measure_text_width(label)).max().unwrap_or(0);
    let labels = labels.min(width.saturating_sub(numbers + LEAST_BAR + 4)).max(1);
    let room = width.saturating_sub(labels + numbers + 4).max(LEAST_BAR);
    let line = |row: &Row| match row {
        Row::Bar { label, count } => {
            let label = truncate_str(label, labels, "…");
            let label = pad_str(&label, labels, console::Alignment::Left, None);
            let bar = style.cyan(&bar(*count, largest, room));
            format!("{label}  {count:>numbers$}  {bar}").trim_end().to_owned()
        }
        Row::Gap(empty) => style.dim(&format!("⋮ {empty} times nothing")),
    };
    rows.iter().map(line).collect()
}

/// What the bars are about, in words.
pub fn caption(answer: &SummarizeEventsResponse, by: By, zone: &Zone) -> String {
    let events = match answer.count {
        0 => return "no events match".to_owned(),
        1 => "1 event".to_owned(),
        n => format!("{n} events"),
    };
    match by {
        By::Time | By::RecordedTime => {
            format!("{events}; one bar is {}, times are {}", width(answer), zone.name())
        }
        By::Type => format!("{events}, by type"),
        By::Actor => format!("{events}, by actor"),
        By::Outcome => format!("{events}, by outcome"),
    }
}

fn width(answer: &SummarizeEventsResponse) -> String {
    let seconds = seconds(answer);
    for (unit, name) in [(86_400, "d"), (3_600, "h"), (60, "m")] {
        if seconds % unit == 0 && seconds >= unit {
            return format!("{}{name}", seconds / unit);
        }
    }
    format!("{seconds}s")
}

fn seconds(answer: &SummarizeEventsResponse) -> i64 {
    answer.bucket_width.map_or(1, |width| width.seconds).max(1)
}

fn times(answer: &SummarizeEventsResponse, zone: &Zone) -> Vec<Row> {
    let width = seconds(answer);
    let starts: Vec<(i64, u64)> =
        answer.buckets.iter().filter_map(|bucket| Some((bucket.start_time?.seconds, bucket.count))).collect();
    let label = labels(&starts, width, zone);
    let mut rows = Vec::new();
    let mut expected = None;
    for &(start, count) in &starts {
        let empty = expected.map_or(0, |expected| u64::try_from((start - expected) / width).unwrap_or(0));
        if empty > EMPTY_ROWS {
            rows.push(Row::Gap(empty));
        } else {
            let missing =
                (1..=empty).rev().filter_map(|back| Some(start - width * i64::try_from(back).ok()?));
            rows.extend(missing.map(|start| Row::Bar { label: label(start), count: 0 }));
        }
        rows.push(Row::Bar { label: label(start), count });
        expected = Some(start + width);
    }
    rows
}

/// Writes a time as briefly as all of them allow: without seconds, or without the time of the day.
fn labels(starts: &[(i64, u64)], width: i64, zone: &Zone) -> impl Fn(i64) -> String {
    let plain =
        |seconds: i64| Timestamp::from_parts(seconds, 0).map(|time| zone.plain(time)).unwrap_or_default();
    let all = |end: &str| starts.iter().all(|(start, _)| plain(*start).ends_with(end));
    let length = if width % 86_400 == 0 && all(" 00:00:00") {
        "2026-11-22".len()
    } else if width % 60 == 0 && all(":00") {
        "2026-11-22 09:30".len()
    } else {
        "2026-11-22 09:30:00".len()
    };
    move |seconds| plain(seconds).chars().take(length).collect()
}

fn values(groups: Option<&SummaryGroups>) -> Vec<Row> {
    let Some(groups) = groups else { return Vec::new() };
    let label = |value: &str| if value.is_empty() { "(none)".to_owned() } else { escape(value).into_owned() };
    let mut rows: Vec<Row> = groups
        .groups
        .iter()
        .map(|group| Row::Bar { label: label(&group.value), count: group.count })
        .collect();
    if groups.other_count > 0 {
        rows.push(Row::Bar { label: "(others)".to_owned(), count: groups.other_count });
    }
    rows
}

/// A bar of `room` characters for the largest count, in eighths; what is there is seen.
fn bar(count: u64, largest: u64, room: usize) -> String {
    if count == 0 || largest == 0 {
        return String::new();
    }
    let eighths = u128::from(count) * (room as u128 * 8) / u128::from(largest);
    let eighths = usize::try_from(eighths).unwrap_or(room * 8).clamp(1, room * 8);
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::proto::v1::{SummaryGroup, TimeBucket};

    fn summary(width: i64, buckets: &[(i64, u64)]) -> SummarizeEventsResponse {
        let bucket = |&(seconds, count): &(i64, u64)| TimeBucket {
            start_time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            count,
        };
        SummarizeEventsResponse {
            count: buckets.iter().map(|(_, count)| count).sum(),
            bucket_width: Some(prost_types::Duration { seconds: width, nanos: 0 }),
            buckets: buckets.iter().map(bucket).collect(),
            ..SummarizeEventsResponse::default()
        }
    }

    fn drawn(answer: &SummarizeEventsResponse, by: By, width: usize) -> Vec<String> {
        draw(answer, by, width, Style::plain(), &Zone::default())
    }

    #[test]
    fn bars_are_as_long_as_their_counts_and_as_wide_as_the_terminal() {
        let hours = summary(3_600, &[(0, 16), (3_600, 8), (7_200, 1), (14_400, 3)]);
        assert_eq!(
            drawn(&hours, By::Time, 40),
            [
                "1970-01-01 00:00  16  ██████████████████",
                "1970-01-01 01:00   8  █████████",
                "1970-01-01 02:00   1  █▏",
                "1970-01-01 03:00   0",
                "1970-01-01 04:00   3  ███▍",
            ]
        );
        for width in [40, 61, 200] {
            let longest = drawn(&hours, By::Time, width).iter().map(|line| measure_text_width(line)).max();
            assert_eq!(longest, Some(width));
        }
        assert_eq!(caption(&hours, By::Time, &Zone::default()), "28 events; one bar is 1h, times are UTC");
    }

    #[test]
    fn a_single_event_among_many_is_seen() {
        assert_eq!(bar(1, 1_000_000, 10), "▏");
        assert_eq!(bar(u64::MAX, u64::MAX, 3), "███");
        assert_eq!(bar(0, 5, 10), "");
    }

    #[test]
    fn times_are_as_brief_as_they_can_be_and_long_gaps_are_counted() {
        let days = summary(86_400, &[(0, 1), (86_400 * 2, 1), (86_400 * 102, 1)]);
        let lines = drawn(&days, By::Time, 40);
        let labels: Vec<&str> = lines.iter().map(|line| line.split("  ").next().unwrap()).collect();
        assert_eq!(labels, ["1970-01-01", "1970-01-02", "1970-01-03", "⋮ 99 times nothing", "1970-04-13"]);
        let seconds = summary(1, &[(59, 1), (60, 1)]);
        assert!(drawn(&seconds, By::RecordedTime, 40)[0].starts_with("1970-01-01 00:00:59  1  "));
    }

    #[test]
    fn values_from_outside_are_harmless_and_cut_to_fit() {
        let group = |value: &str, count| SummaryGroup { value: value.to_owned(), count };
        let answer = SummarizeEventsResponse {
            count: 12,
            actors: Some(SummaryGroups {
                groups: vec![group(&"x".repeat(100), 6), group("\u{1b}[2J", 3), group("", 2)],
                other_count: 1,
            }),
            ..SummarizeEventsResponse::default()
        };
        let lines = drawn(&answer, By::Actor, 40);
        assert!(lines.iter().all(|line| measure_text_width(line) <= 40), "{lines:#?}");
        assert!(lines[0].contains('…') && lines[1].starts_with(r"\u{1b}[2J"));
        assert!(lines[2].starts_with("(none)") && lines[3].starts_with("(others)"));
        assert!(drawn(&SummarizeEventsResponse::default(), By::Type, 40).is_empty());
    }
}
