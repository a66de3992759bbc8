//! Subscribers that follow a log.

use std::time::{Duration, Instant};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time,
};
use tonic::{Status, transport::Channel};

use crate::{
    bench::{error::BenchError, load::connect},
    client::proto::audit_service_client::AuditServiceClient,
    codec::{
        proto::v1::{
            EventFilter, QueryEventsRequest, query_events_request::Start, query_events_response::Kind,
        },
        stored::sequence,
    },
};

/// How long it may take until all have begun, and until all have everything.
const LIMIT: Duration = Duration::from_secs(120);

/// When an event came, by its sequence.
pub(super) type Arrival = (u64, Instant);

/// What subscribers do with what they get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    /// They write down when it comes.
    Times,
    /// They throw it away.
    Everything,
    /// They throw it away, too, and begin with the first event of the log.
    TheLog,
    /// Their filter matches nothing.
    Nothing,
}

/// Subscribers that have caught up. They end with this value.
pub(super) struct Followers {
    tasks: JoinSet<Result<Vec<Arrival>, BenchError>>,
    /// The last event that they are to get; 0: not known yet.
    last: watch::Sender<u64>,
}

impl Followers {
    /// Begins `count` of them on so many connections, and waits until they have caught up.
    pub(super) async fn start(
        endpoint: &str,
        count: usize,
        connections: usize,
        wants: Wants,
    ) -> Result<Self, BenchError> {
        Self::groups(endpoint, count, connections, wants, count).await
    }

    /// The same one after the other, each when the one before has caught up: what a server needs for many that begin
    /// at once is not what it needs for them later.
    pub(super) async fn start_slowly(
        endpoint: &str,
        count: usize,
        connections: usize,
        wants: Wants,
    ) -> Result<Self, BenchError> {
        Self::groups(endpoint, count, connections, wants, 1).await
    }

    async fn groups(
        endpoint: &str,
        count: usize,
        connections: usize,
        wants: Wants,
        group: usize,
    ) -> Result<Self, BenchError> {
        let begin = async {
            let mut channels = Vec::with_capacity(connections);
            for _ in 0..connections {
                channels.push(connect(endpoint).await?);
            }
            let channels: Vec<Channel> = channels.iter().cycle().take(count).cloned().collect();
            let (last, until) = watch::channel(0);
            let mut followers = Self { tasks: JoinSet::new(), last };
            for channels in channels.chunks(group.max(1)) {
                followers.begin(channels, wants, &until).await?;
            }
            Ok(followers)
        };
        time::timeout(LIMIT, begin).await.unwrap_or_else(|_| Err(silent()))
    }

    /// One more on each of these; back when they have caught up.
    async fn begin(
        &mut self,
        channels: &[Channel],
        wants: Wants,
        until: &watch::Receiver<u64>,
    ) -> Result<(), BenchError> {
        let (caught_up, mut ready) = mpsc::channel(1);
        for channel in channels {
            self.tasks.spawn(follow(channel.clone(), wants, caught_up.clone(), until.clone()));
        }
        for _ in channels {
            tokio::select! {
                _ = ready.recv() => {}
                // None ends by itself unless it fails.
                Some(ended) = self.tasks.join_next() => drop(joined(ended)?),
            }
        }
        Ok(())
    }

    /// Waits until all have got everything up to `last`; when each event came, at each of them.
    pub(super) async fn until(mut self, last: u64) -> Result<Vec<Arrival>, BenchError> {
        self.last.send_replace(last);
        let all = async {
            let mut arrivals = Vec::new();
            while let Some(ended) = self.tasks.join_next().await {
                arrivals.extend(joined(ended)?);
            }
            Ok(arrivals)
        };
        time::timeout(LIMIT, all).await.unwrap_or_else(|_| Err(silent()))
    }
}

async fn follow(
    channel: Channel,
    wants: Wants,
    caught_up: mpsc::Sender<()>,
    mut until: watch::Receiver<u64>,
) -> Result<Vec<Arrival>, BenchError> {
    let filter = (wants == Wants::Nothing)
        .then(|| EventFilter { actor_user_ids: vec!["nobody".to_owned()], ..EventFilter::default() });
    let start = (wants != Wants::TheLog).then_some(Start::FromNow(true));
    let request = QueryEventsRequest { filter, follow: true, start, ..Default::default() };
    let mut client = AuditServiceClient::new(channel);
    let mut stream = client.query_events(request).await.map_err(failed)?.into_inner();
    let mut arrivals: Vec<Arrival> = Vec::new();
    loop {
        let last = *until.borrow_and_update();
        if last != 0 && arrivals.last().is_some_and(|&(sequence, _)| sequence >= last) {
            return Ok(arrivals);
        }
        let message = tokio::select! {
            message = stream.message() => message.map_err(failed)?,
            Ok(()) = until.changed() => continue,
        };
        match message.and_then(|message| message.kind) {
            Some(Kind::Batch(batch)) if wants == Wants::Times => {
                let now = Instant::now();
                for event in &batch.events {
                    let sequence =
                        sequence(event).map_err(|error| failed(Status::internal(error.to_string())))?;
                    arrivals.push((sequence, now));
                }
            }
            Some(Kind::CaughtUp(_)) => {
                // Nobody counts any more once all have begun.
                let _ = caught_up.send(()).await;
            }
            Some(Kind::Batch(_) | Kind::Progress(_)) => {}
            Some(Kind::End(_)) | None => return Err(failed(Status::internal("the stream ended"))),
        }
    }
}

fn joined(
    ended: Result<Result<Vec<Arrival>, BenchError>, tokio::task::JoinError>,
) -> Result<Vec<Arrival>, BenchError> {
    ended.map_err(|error| failed(Status::internal(error.to_string())))?
}

fn failed(status: Status) -> BenchError {
    BenchError::Call { case: "follow".to_owned(), status: Box::new(status) }
}

fn silent() -> BenchError {
    BenchError::Silent { case: "following".to_owned(), within: LIMIT }
}
