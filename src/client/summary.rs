//! Counting events: one bounded call, or as many as it takes.

use crate::{
    codec::proto::v1::{
        CountEventsRequest, CountEventsResponse, EventFilter, ScanExtent, SummarizeEventsRequest,
        SummarizeEventsResponse, SummaryGroup, SummaryGroups, TimeBucket,
    },
    domain::{
        summary::{Buckets, Groups},
        time::Timestamp,
    },
};

use super::{Client, error::ClientError};

/// Positions that are asked of one call, so that it is told soon how far it came.
const PIECE: u64 = 1_000_000;
/// Groups asked of each call, so that what is put together of several is as exact as can be.
const GROUPS_PER_CALL: u32 = 1_000;
/// What a server returns if it is not told how many.
const DEFAULT_GROUPS: u32 = 20;

impl Client {
    /// Counts events in one call, which is bounded: `extent` says how far it looked.
    ///
    /// # Errors
    ///
    /// If the request is refused or the server cannot be reached.
    pub async fn count_events(
        &self,
        request: CountEventsRequest,
    ) -> Result<CountEventsResponse, ClientError> {
        let call = || {
            let mut audit = self.audit();
            self.once(request.clone(), async move |request| audit.count_events(request).await)
        };
        self.repeatedly(call).await
    }

    /// Summarises events in one call, which is bounded: `extent` says how far it looked.
    ///
    /// # Errors
    ///
    /// If the request is refused or the server cannot be reached.
    pub async fn summarize_events(
        &self,
        request: SummarizeEventsRequest,
    ) -> Result<SummarizeEventsResponse, ClientError> {
        let call = || {
            let mut audit = self.audit();
            self.once(request.clone(), async move |request| audit.summarize_events(request).await)
        };
        self.repeatedly(call).await
    }

    /// Counts events up to the head at the first call, in as many calls as it takes; `progress` is told of each.
    ///
    /// # Errors
    ///
    /// If a call fails for good.
    pub async fn count_all_events(
        &self,
        mut request: CountEventsRequest,
        mut progress: impl FnMut(&ScanExtent),
    ) -> Result<CountEventsResponse, ClientError> {
        let mut pieces = Pieces::new(request.filter.get_or_insert_default(), PIECE);
        let mut count = 0;
        loop {
            let answer = self.count_events(request.clone()).await?;
            count += answer.count;
            let more = pieces.take(answer.extent, request.filter.get_or_insert_default())?;
            progress(&pieces.extent);
            if !more {
                return Ok(CountEventsResponse { count, extent: Some(pieces.extent) });
            }
        }
    }

    /// Summarises events up to the head at the first call, in as many calls as it takes; `progress` is told of each.
    /// What is counted is what one call without bounds would count. Groups are exact while each call meets at most 1,000
    /// values; beyond that, some events of small groups are among the others. Buckets whose width is not asked for may
    /// be wider than one call would choose.
    ///
    /// # Errors
    ///
    /// If a call fails for good.
    pub async fn summarize_all_events(
        &self,
        mut request: SummarizeEventsRequest,
        mut progress: impl FnMut(&ScanExtent),
    ) -> Result<SummarizeEventsResponse, ClientError> {
        let most = if request.max_groups == 0 { DEFAULT_GROUPS } else { request.max_groups };
        request.max_groups = most.max(GROUPS_PER_CALL);
        let asked = request.bucket_width.and_then(|width| u64::try_from(width.seconds).ok());
        let mut pieces = Pieces::new(request.filter.get_or_insert_default(), PIECE);
        let mut whole = Whole::new(asked);
        loop {
            let answer = self.summarize_events(request.clone()).await?;
            let more = pieces.take(answer.extent, request.filter.get_or_insert_default())?;
            whole.add(answer)?;
            // The next piece in the same buckets, so that the two add up.
            if whole.count > 0 {
                request.bucket_width = Some(whole.bucket_width());
            }
            progress(&pieces.extent);
            if !more {
                return Ok(whole.finish(pieces.extent, most));
            }
        }
    }
}

/// Where the calls are.
struct Pieces {
    /// How far they have come, and the head of the first call: what is recorded later is not looked at.
    extent: ScanExtent,
    begun: bool,
    /// One past the last position that the caller asks for.
    end: u64,
    /// Positions of one call.
    piece: u64,
}

impl Pieces {
    /// Makes `filter` ask for the first piece.
    fn new(filter: &mut EventFilter, piece: u64) -> Self {
        let end = if filter.sequence_before == 0 { u64::MAX } else { filter.sequence_before };
        let this = Self { extent: ScanExtent::default(), begun: false, end, piece };
        this.ask(filter, filter.sequence_from.max(1));
        this
    }

    /// Takes the extent of an answer, and makes `filter` ask for the next piece; `false` if there is none.
    fn take(&mut self, extent: Option<ScanExtent>, filter: &mut EventFilter) -> Result<bool, ClientError> {
        let extent = extent.ok_or(ClientError::Contract("an answer that does not say how far it looked"))?;
        if !self.begun {
            self.extent.head_sequence = extent.head_sequence;
            self.end = self.end.min(extent.head_sequence.saturating_add(1));
        }
        let next = extent.scanned_sequence.saturating_add(1);
        let more = next < self.end;
        if more && next <= filter.sequence_from {
            return Err(ClientError::Contract("a call that does not get any further"));
        }
        self.begun = true;
        self.extent.scanned_sequence = extent.scanned_sequence;
        self.extent.complete = !more;
        self.ask(filter, next);
        Ok(more)
    }

    fn ask(&self, filter: &mut EventFilter, from: u64) {
        filter.sequence_from = from;
        filter.sequence_before = self.end.min(from.saturating_add(self.piece));
    }
}

/// The answers so far, put together.
struct Whole {
    count: u64,
    buckets: Buckets,
    types: Groups,
    actors: Groups,
    outcomes: Groups,
}

impl Whole {
    fn new(bucket_seconds: Option<u64>) -> Self {
        Self {
            count: 0,
            buckets: Buckets::new(bucket_seconds),
            types: Groups::default(),
            actors: Groups::default(),
            outcomes: Groups::default(),
        }
    }

    fn add(&mut self, answer: SummarizeEventsResponse) -> Result<(), ClientError> {
        self.count += answer.count;
        let seconds = answer.bucket_width.and_then(|width| u64::try_from(width.seconds).ok()).unwrap_or(0);
        let time = |bucket: &TimeBucket| {
            let start = bucket.start_time?;
            Some((Timestamp::from_parts(start.seconds, start.nanos)?, bucket.count))
        };
        if !self.buckets.merge(seconds, answer.buckets.iter().filter_map(time)) {
            return Err(ClientError::Contract("buckets of widths that do not go together"));
        }
        for (groups, more) in [
            (&mut self.types, answer.types),
            (&mut self.actors, answer.actors),
            (&mut self.outcomes, answer.outcomes),
        ] {
            let SummaryGroups { groups: more, other_count } = more.unwrap_or_default();
            more.iter().for_each(|group| groups.add(&group.value, group.count));
            groups.add_other(other_count);
        }
        Ok(())
    }

    fn bucket_width(&self) -> prost_types::Duration {
        let seconds = i64::try_from(self.buckets.seconds()).unwrap_or(i64::MAX);
        prost_types::Duration { seconds, nanos: 0 }
    }

    fn finish(self, extent: ScanExtent, most: u32) -> SummarizeEventsResponse {
        let bucket_width = Some(self.bucket_width());
        let bucket = |(start, count): (Timestamp, u64)| {
            let start = prost_types::Timestamp { seconds: start.seconds(), nanos: start.subsec_nanos() };
            TimeBucket { start_time: Some(start), count }
        };
        SummarizeEventsResponse {
            count: self.count,
            extent: Some(extent),
            bucket_width,
            buckets: self.buckets.iter().map(bucket).collect(),
            types: Some(largest(self.types, most)),
            actors: Some(largest(self.actors, most)),
            outcomes: Some(largest(self.outcomes, most)),
        }
    }
}

fn largest(groups: Groups, most: u32) -> SummaryGroups {
    let (groups, other_count) = groups.largest(most as usize);
    let groups = groups.into_iter().map(|(value, count)| SummaryGroup { value, count }).collect();
    SummaryGroups { groups, other_count }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server answers that looks at `most` positions of a log of `head` events.
    fn answer(filter: &EventFilter, head: u64, most: u64) -> ScanExtent {
        let last = head.min(filter.sequence_before.checked_sub(1).unwrap_or(head));
        let first = filter.sequence_from.max(1);
        let scanned = last.min(first.saturating_add(most - 1));
        let scanned = if first > last { last } else { scanned };
        ScanExtent { head_sequence: head, scanned_sequence: scanned, complete: scanned == last }
    }

    #[test]
    fn pieces_cover_what_is_asked_for_exactly_once_up_to_the_first_head() {
        for (head, from, before) in
            [(0, 0, 0), (1, 0, 0), (40, 0, 0), (40, 7, 0), (40, 0, 23), (40, 7, 23), (40, 90, 0), (40, 20, 5)]
        {
            for (most, piece) in [(1, 1), (3, 10), (10, 3), (1_000, 1_000), (40, 40), (39, 20)] {
                let mut filter =
                    EventFilter { sequence_from: from, sequence_before: before, ..EventFilter::default() };
                let mut pieces = Pieces::new(&mut filter, piece);
                let (mut looked, mut calls) = (Vec::new(), 0);
                loop {
                    // The log grows meanwhile.
                    let extent = answer(&filter, head + calls, most);
                    looked.extend(filter.sequence_from..=extent.scanned_sequence);
                    calls += 1;
                    if !pieces.take(Some(extent), &mut filter).unwrap() {
                        break;
                    }
                }
                let end = if before == 0 { head + 1 } else { before.min(head + 1) };
                assert_eq!(
                    looked,
                    (from.max(1)..end).collect::<Vec<_>>(),
                    "{head} {from} {before} {most} {piece}"
                );
                assert!(pieces.extent.complete && pieces.extent.head_sequence == head);
            }
        }
    }

    #[test]
    fn a_server_that_does_not_get_on_is_not_asked_for_ever() {
        let mut filter = EventFilter { sequence_from: 10, ..EventFilter::default() };
        let mut pieces = Pieces::new(&mut filter, PIECE);
        let stuck = ScanExtent { head_sequence: 40, scanned_sequence: 9, complete: false };
        assert!(matches!(pieces.take(Some(stuck), &mut filter), Err(ClientError::Contract(_))));
    }
}
