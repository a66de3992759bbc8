//! How soon what is recorded at a steady rate has reached all subscribers.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use tokio::time::{self, MissedTickBehavior};

use super::followers::{Followers, Wants};
use crate::{
    bench::{
        error::BenchError,
        figures::{Figures, Tally},
        load::connect,
        sample::Sample,
    },
    client::proto::audit_service_client::AuditServiceClient,
    codec::proto::v1::RecordEventRequest,
};

/// Connections that subscribers share at most.
const CONNECTIONS: usize = 10;

/// What a case is called.
pub(super) fn name(subscribers: usize) -> String {
    match subscribers {
        1 => "1 subscriber".to_owned(),
        1_000 => "1,000 subscribers".to_owned(),
        many => format!("{many} subscribers"),
    }
}

/// When an event was sent, and when its receipt came: by the clock that arrivals are measured with.
struct Written {
    sent: Instant,
    recorded: Instant,
}

/// From the receipt to the arrival, and from sending to the arrival. An arrival before the receipt counts as 0 after
/// it.
pub(super) async fn measure(
    endpoint: &str,
    subscribers: usize,
    rate: f64,
    duration: Duration,
) -> Result<[Figures; 2], BenchError> {
    let connections = subscribers.min(CONNECTIONS);
    let followers = Followers::start(endpoint, subscribers, connections, Wants::Times).await?;
    let begun = Instant::now();
    let written = write(endpoint, rate, duration).await?;
    let last = written.keys().copied().max().unwrap_or_default();
    let arrivals = followers.until(last).await?;
    let elapsed = begun.elapsed();
    let (mut from_receipt, mut from_sending) = (Tally::default(), Tally::default());
    for (sequence, arrived) in arrivals {
        if let Some(Written { sent, recorded }) = written.get(&sequence) {
            from_receipt.add(1, arrived.saturating_duration_since(*recorded));
            from_sending.add(1, arrived.saturating_duration_since(*sent));
        }
    }
    let name = name(subscribers);
    Ok([
        from_receipt.figures(format!("{name}, recorded to received"), elapsed),
        from_sending.figures(format!("{name}, sent to received"), elapsed),
    ])
}

/// Records one event after the other, `rate` of them a second; at least one.
async fn write(endpoint: &str, rate: f64, duration: Duration) -> Result<HashMap<u64, Written>, BenchError> {
    let failed =
        |status: tonic::Status| BenchError::Call { case: "record".to_owned(), status: Box::new(status) };
    let mut client = AuditServiceClient::new(connect(endpoint).await?);
    let sample = Sample::new("");
    let mut ticks = time::interval(Duration::from_secs_f64(1.0 / rate));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut written = HashMap::new();
    let until = Instant::now() + duration;
    while written.is_empty() || Instant::now() < until {
        ticks.tick().await;
        let request = RecordEventRequest { event: Some(sample.event()) };
        let sent = Instant::now();
        let answer = client.record_event(request).await.map_err(failed)?.into_inner();
        let recorded = Instant::now();
        if let Some(receipt) = answer.receipt {
            written.insert(receipt.sequence, Written { sent, recorded });
        }
    }
    Ok(written)
}
