//! Consumers of subscriptions, and servers that they talk to.

use std::{pin::Pin, sync::Arc, time::Duration};

use futures::{Stream, StreamExt, stream};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vidne::{
    codec::wire::decode_recorded,
    domain::{
        filter::EventFilter,
        id::TenantId,
        time::{Clock, ManualClock},
    },
    service::{
        ServiceError,
        query::{Queries, QueryOptions},
        subscriptions::{
            ConsumeStart, Delivery, NewSubscription, Said, Start, SubscriptionOptions, SubscriptionParts,
            Subscriptions,
        },
        token::Tokens,
        witness::Witness,
    },
    store::Store,
};

use super::vault;
use crate::support::events::limits;

pub const NAME: &str = "siem";
/// Longer than anything takes, on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// One server's subscriptions, over a store that it may share with others.
pub struct Server {
    pub subscriptions: Subscriptions,
    pub shutdown: CancellationToken,
    pub tasks: TaskTracker,
}

impl Server {
    pub fn new(store: Arc<dyn Store>, clock: Arc<ManualClock>, options: SubscriptionOptions) -> Self {
        let clock: Arc<dyn Clock> = clock;
        let vault = vault();
        let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
        let query = QueryOptions { chunk_events: 4, ..QueryOptions::default() };
        let queries =
            Queries::new(store.clone(), Tokens::new(vault.clone()), [1; 16], query, shutdown.clone());
        let witness = Witness::new(clock.clone(), vault, Arc::new(limits()));
        let parts = SubscriptionParts {
            store,
            queries,
            clock,
            witness,
            options,
            tasks: tasks.clone(),
            shutdown: shutdown.clone(),
        };
        Self { subscriptions: Subscriptions::new(parts), shutdown, tasks }
    }

    /// A subscription of `default` that begins after what tells of it.
    pub async fn create(&self, filter: EventFilter) {
        let new = NewSubscription {
            tenant: TenantId::default_tenant(),
            name: NAME.to_owned(),
            filter,
            show_personal: false,
            start: Start::Now,
        };
        self.subscriptions.create(new, "anonymous").await.unwrap();
    }

    pub async fn consume(&self, max_unacknowledged: u32) -> Result<Consumer, ServiceError> {
        self.consume_of(TenantId::default_tenant(), max_unacknowledged).await
    }

    pub async fn consume_of(
        &self,
        tenant: TenantId,
        max_unacknowledged: u32,
    ) -> Result<Consumer, ServiceError> {
        let start =
            ConsumeStart { tenant, name: NAME.to_owned(), consumer: "a test".to_owned(), max_unacknowledged };
        let (acks, positions) = mpsc::unbounded_channel();
        let positions = stream::unfold(positions, |mut positions| async {
            positions.recv().await.map(|position| (position, positions))
        });
        let deliveries = self.subscriptions.consume(start, positions).await?.into_stream();
        let mut consumer = Consumer {
            acks: Some(acks),
            deliveries: Box::pin(deliveries),
            started: 0,
            received: Vec::new(),
            bound: max_unacknowledged as usize,
            acknowledged: 0,
            kept: 0,
        };
        let Said::Started { acknowledged, .. } = consumer.next().await.unwrap().unwrap().said else {
            panic!("the first message says that it has started");
        };
        consumer.started = acknowledged;
        Ok(consumer)
    }

    /// The position that is kept, and who holds the subscription.
    pub async fn position(&self) -> (u64, Option<String>) {
        let found = self.subscriptions.get(&TenantId::default_tenant(), NAME).await.unwrap().subscription;
        (found.acknowledged_sequence, found.consumer.map(|consumer| consumer.name))
    }

    /// Waits until every consumer's task has ended.
    pub async fn ended(&self) {
        self.tasks.close();
        timeout(SOON, self.tasks.wait()).await.expect("a consumer's task does not end");
        self.tasks.reopen();
    }
}

/// One consumer's stream.
pub struct Consumer {
    acks: Option<mpsc::UnboundedSender<Result<u64, ServiceError>>>,
    deliveries: Pin<Box<dyn Stream<Item = Result<Delivery, ServiceError>> + Send>>,
    /// It began after this position.
    pub started: u64,
    /// Sequences that it was sent.
    pub received: Vec<u64>,
    /// Events that it takes unacknowledged; 0: many.
    bound: usize,
    acknowledged: u64,
    /// What it was told to be kept.
    kept: u64,
}

impl Consumer {
    /// The next message; remembers the sequences in it.
    pub async fn next(&mut self) -> Option<Result<Delivery, ServiceError>> {
        let next = timeout(SOON, self.deliveries.next()).await.expect("nothing comes");
        if let Some(Ok(Delivery { said: Said::Batch(events), position })) = &next {
            let sequences = events.iter().map(|event| decode_recorded(event).unwrap().sequence);
            self.received.extend(sequences);
            assert_eq!(self.received.last(), Some(position));
        }
        if let Some(Ok(Delivery { said: Said::Acknowledged(kept), .. })) = &next {
            self.kept = *kept;
        }
        next
    }

    /// Reads until `count` events have come in all.
    pub async fn read(&mut self, count: usize) -> &[u64] {
        let all = async {
            while self.received.len() < count {
                self.next().await.expect("the stream ended").unwrap();
            }
        };
        timeout(SOON, all).await.expect("events are missing");
        &self.received
    }

    /// Reads until all there is has been delivered.
    pub async fn catch_up(&mut self) {
        self.until(|said| matches!(said, Said::CaughtUp { .. })).await;
    }

    /// Reads until it is kept that everything up to `position` is acknowledged.
    pub async fn kept(&mut self, position: u64) {
        let all = async {
            while self.kept < position {
                self.next().await.expect("the stream ended").unwrap();
            }
        };
        timeout(SOON, all).await.expect("an acknowledgement is not kept");
    }

    pub async fn until(&mut self, wanted: impl Fn(&Said) -> bool) -> Said {
        let found = async {
            loop {
                let delivery = self.next().await.expect("the stream ended").unwrap();
                if wanted(&delivery.said) {
                    return delivery.said;
                }
            }
        };
        timeout(SOON, found).await.expect("what is waited for does not come")
    }

    pub fn acknowledge(&mut self, position: u64) {
        self.acknowledged = self.acknowledged.max(position);
        // A stream that has ended takes no more.
        let _ = self.acks.as_ref().expect("not ended").send(Ok(position));
    }

    /// Whether it gets no event until it acknowledges one.
    pub fn is_held_back(&self) -> bool {
        let open = self.received.iter().filter(|&&sequence| sequence > self.acknowledged).count();
        self.bound != 0 && open >= self.bound
    }

    /// Says that it has said all.
    pub fn finish(&mut self) {
        self.acks = None;
    }

    /// What the stream ends with, soon.
    pub async fn end(&mut self) -> Option<ServiceError> {
        self.end_within(SOON).await
    }

    /// What the stream ends with, whatever it says before.
    pub async fn end_within(&mut self, limit: Duration) -> Option<ServiceError> {
        timeout(limit, self.read_out()).await.expect("the stream does not end")
    }

    async fn read_out(&mut self) -> Option<ServiceError> {
        loop {
            match self.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    assert!(self.next().await.is_none(), "nothing after an error");
                    return Some(error);
                }
                None => return None,
            }
        }
    }
}
