//! Clients that record, each in its own way, and ask until they are answered.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, transport::Channel};
use tonic_types::StatusExt as _;
use uuid::Uuid;
use vidne::{
    client::proto::{audit_service_client::AuditServiceClient, tenant_service_client::TenantServiceClient},
    codec::proto::v1::{
        BatchRecordEventsRequest, CreateTenantRequest, Event, EventType, RecordEventRequest,
        RecordEventsRequest, RecordResult, Tenant, record_result::Kind,
    },
};

use super::{ledger::Ledger, watchdog::Watchdog};
use crate::support::random::Random;

/// Whose logs are written; `default` has the witnesses of the making of these.
pub const TENANTS: [&str; 3] = ["fault-a", "fault-b", "fault-c"];
/// How long a client waits before it asks again.
const AGAIN: Duration = Duration::from_millis(20);
/// How long one call may take.
const CALL: Duration = Duration::from_secs(40);

/// How a client may be let down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetDown {
    /// The server goes away under it: whatever its library makes of that.
    ByConnection,
    /// The server is there and must say what is wrong: UNAVAILABLE, DATABASE_UNAVAILABLE, with a delay.
    ByAnswer,
}

/// All clients. They stop when told to, each after its last request was answered.
pub struct Load {
    stop: CancellationToken,
    clients: JoinSet<()>,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Unary,
    Batch,
    Stream,
}

/// Makes the tenants.
pub async fn make_tenants(channel: &Channel) {
    let mut client = TenantServiceClient::new(channel.clone());
    for id in TENANTS {
        let tenant = Some(Tenant { tenant_id: id.to_owned(), ..Tenant::default() });
        client.create_tenant(CreateTenantRequest { tenant }).await.unwrap();
    }
}

impl Load {
    /// Starts three that send single events, two that send batches, and two that stream.
    pub fn start(
        channel: &Channel,
        ledger: &Ledger,
        watchdog: &Watchdog,
        by: LetDown,
        random: &mut Random,
    ) -> Self {
        let stop = CancellationToken::new();
        let mut clients = JoinSet::new();
        let ways = [Way::Unary, Way::Unary, Way::Unary, Way::Batch, Way::Batch, Way::Stream, Way::Stream];
        for (number, way) in ways.into_iter().enumerate() {
            let client = Client {
                name: format!("client {number} ({way:?})"),
                audit: AuditServiceClient::new(channel.clone()),
                ledger: ledger.clone(),
                watchdog: watchdog.clone(),
                random: Random::new(random.below(u64::MAX)),
                stop: stop.clone(),
                by,
                old: Vec::new(),
            };
            clients.spawn(client.run(way));
        }
        Self { stop, clients }
    }

    /// Fails at once if a client has failed.
    pub async fn failure(&mut self) {
        match self.clients.join_next().await {
            Some(Err(failed)) => std::panic::resume_unwind(failed.into_panic()),
            other => panic!("a client stopped by itself: {other:?}"),
        }
    }

    /// Tells them to stop, and waits until all they sent is answered.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.clients.join_next().await {
            if let Err(failed) = ended {
                std::panic::resume_unwind(failed.into_panic());
            }
        }
    }
}

struct Client {
    name: String,
    audit: AuditServiceClient<Channel>,
    ledger: Ledger,
    watchdog: Watchdog,
    random: Random,
    stop: CancellationToken,
    by: LetDown,
    /// Some that were answered before, to be sent once more.
    old: Vec<Event>,
}

impl Client {
    async fn run(mut self, way: Way) {
        while !self.stop.is_cancelled() {
            match way {
                Way::Unary => self.unary().await,
                Way::Batch => self.batch().await,
                Way::Stream => self.stream().await,
            }
        }
        self.watchdog.done(&self.name);
    }

    async fn unary(&mut self) {
        let event = self.event();
        self.ledger.sent(&event);
        for attempt in 1.. {
            self.watchdog.doing(&self.name, format!("{} of one event, attempt {attempt}", event.event_id));
            let request = RecordEventRequest { event: Some(event.clone()) };
            match timely(self.audit.record_event(request)).await {
                Ok(answer) => {
                    self.ledger.received(answer.into_inner().receipt.unwrap());
                    break;
                }
                Err(status) => self.let_down(&status).await,
            }
        }
        self.remember(event);
    }

    async fn batch(&mut self) {
        let mut open = self.events();
        for attempt in 1.. {
            self.watchdog.doing(&self.name, format!("a batch of {}, attempt {attempt}", open.len()));
            let request = BatchRecordEventsRequest { events: open.clone() };
            match timely(self.audit.batch_record_events(request)).await {
                Ok(answer) => open = self.take(open, answer.into_inner().results),
                Err(status) => self.let_down(&status).await,
            }
            if open.is_empty() {
                break;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// A stream of some requests, all sent before the first answer is looked at. What a stream that breaks leaves
    /// unanswered is sent again on the next.
    async fn stream(&mut self) {
        let mut open: Vec<Vec<Event>> = (0..1 + self.random.below(6)).map(|_| self.events()).collect();
        for attempt in 1.. {
            self.watchdog
                .doing(&self.name, format!("a stream of {} requests, attempt {attempt}", open.len()));
            if let Err(status) = self.one_stream(&mut open).await {
                self.let_down(&status).await;
            }
            // Also when only the end of the stream was lost, behind its last answer.
            if open.is_empty() {
                break;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn one_stream(&mut self, open: &mut Vec<Vec<Event>>) -> Result<(), Status> {
        let (sender, requests) = tokio::sync::mpsc::channel(open.len());
        for events in open.iter() {
            sender.try_send(RecordEventsRequest { events: events.clone() }).unwrap();
        }
        drop(sender);
        let mut answers = timely(self.audit.record_events(ReceiverStream::new(requests))).await?.into_inner();
        let mut again = Vec::new();
        let mut answered = 0;
        let ended = loop {
            match timely(answers.message()).await {
                Ok(Some(answer)) => {
                    again.push(self.take(open[answered].clone(), answer.results));
                    answered += 1;
                }
                Ok(None) if answered < open.len() => break Err(Status::unavailable("cut")),
                Ok(None) => break Ok(()),
                Err(status) => break Err(status),
            }
        };
        again.extend(open.drain(answered..));
        again.retain(|events| !events.is_empty());
        *open = again;
        ended
    }

    /// Books the results of a request; gives back the events that have to be sent again.
    fn take(&mut self, events: Vec<Event>, results: Vec<RecordResult>) -> Vec<Event> {
        assert_eq!(events.len(), results.len());
        let mut again = Vec::new();
        for (event, result) in events.into_iter().zip(results) {
            match result.kind.unwrap() {
                Kind::Receipt(receipt) => {
                    self.ledger.received(receipt);
                    self.remember(event);
                }
                Kind::Error(error) => {
                    assert_eq!(Code::from_i32(error.code), Code::Unavailable, "{error:?}");
                    again.push(event);
                }
            }
        }
        again
    }

    async fn let_down(&self, status: &Status) {
        match self.by {
            LetDown::ByConnection => assert!(
                matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled),
                "{status:?}"
            ),
            LetDown::ByAnswer => {
                assert_eq!(status.code(), Code::Unavailable, "{status:?}");
                let details = status.get_error_details();
                let reason = details.error_info().map(|info| info.reason.as_str());
                assert_eq!(reason, Some("DATABASE_UNAVAILABLE"), "{status:?}");
                assert!(details.retry_info().is_some(), "{status:?}");
            }
        }
        tokio::time::sleep(AGAIN).await;
    }

    /// Some events of several tenants, with an old one among them now and then.
    fn events(&mut self) -> Vec<Event> {
        let mut events: Vec<Event> = (0..1 + self.random.below(40)).map(|_| self.event()).collect();
        // An id twice in one request: the second is a duplicate of the first.
        if self.random.chance(20) {
            let again = self.random.pick(&events).clone();
            events.push(again);
        }
        for event in &events {
            self.ledger.sent(event);
        }
        events
    }

    fn event(&mut self) -> Event {
        if !self.old.is_empty() && self.random.chance(10) {
            return self.random.pick(&self.old).clone();
        }
        let id = Uuid::new_v4().to_string();
        let filling = "æ".repeat(self.random.below(200) as usize);
        Event {
            tenant_id: (*self.random.pick(&TENANTS)).to_owned(),
            r#type: EventType::RecordRead.into(),
            description: format!("{id} {filling}"),
            event_id: id,
            ..Event::default()
        }
    }

    fn remember(&mut self, event: Event) {
        if self.old.len() < 50 {
            self.old.push(event);
        } else {
            let place = self.random.below(50) as usize;
            self.old[place] = event;
        }
    }
}

async fn timely<T>(call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    let late = |_| panic!("a call was not answered within {CALL:?}");
    tokio::time::timeout(CALL, call).await.unwrap_or_else(late)
}

/// Receipts so far, for those who wait for some.
pub async fn more_receipts(ledger: &Arc<Ledger>, count: usize) {
    let goal = ledger.receipts() + count;
    while ledger.receipts() < goal {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
