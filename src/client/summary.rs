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
        let mut pieces = Pieces::default();
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
        let mut pieces = Pieces::default();
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
#[derive(Default)]
struct Pieces {
    /// The head of the first call: what is recorded later is not looked at.
    extent: ScanExtent,
    begun: bool,
}

impl Pieces {
    /// Takes the extent of an answer, and makes `filter` ask for the rest; `false` if there is none.
    fn take(&mut self, extent: Option<ScanExtent>, filter: &mut EventFilter) -> Result<bool, ClientError> {
        let extent = extent.ok_or(ClientError::Contract("an answer that does not say how far it looked"))?;
        let head = if self.begun { self.extent.head_sequence } else { extent.head_sequence };
        let on = extent.scanned_sequence > self.extent.scanned_sequence || !self.begun;
        if !extent.complete && !on {
            return Err(ClientError::Contract("a call that does not get any further"));
        }
        self.begun = true;
        self.extent = ScanExtent { head_sequence: head, ..extent };
        filter.sequence_from = extent.scanned_sequence.saturating_add(1);
        let end = head.saturating_add(1);
        if filter.sequence_before == 0 || filter.sequence_before > end {
            filter.sequence_before = end;
        }
        Ok(!extent.complete)
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
