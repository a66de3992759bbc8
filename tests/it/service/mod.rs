//! The use cases, over the model store.

mod ahead;
mod any_consumers;
mod consumer;
mod follow;
mod journal;
mod query;
mod record;
mod subscriptions;
mod summary;
mod tenants;
mod token;
mod watched;

use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;
use vidne::{
    codec::wire::decode_recorded,
    domain::{
        event::RecordedEvent,
        id::TenantId,
        input::EventInput,
        query::{Message, Order, Query, Start},
        receipt::{Disposition, Receipt},
        time::{Clock, ManualClock},
    },
    service::{
        ServiceError,
        journal::{Committers, Journal, JournalOptions},
        query::{Item, Queries, QueryOptions},
        record::{Caller, Recorder},
        tenants::Tenants,
        token::Tokens,
        witness::Witness,
    },
    store::{Store, memory::MemoryStore},
    vault::{MasterKey, Vault},
};

use crate::support::events::{NOW, limits};

/// A vidne without a network.
struct Services {
    clock: Arc<ManualClock>,
    store: Arc<dyn Store>,
    recorder: Recorder,
    queries: Queries,
    tenants: Tenants,
    shutdown: CancellationToken,
    _committers: Committers,
}

impl Services {
    fn new() -> Self {
        Self::with(QueryOptions::default())
    }

    fn with(options: QueryOptions) -> Self {
        let manual = Arc::new(ManualClock::at(NOW));
        let clock: Arc<dyn Clock> = manual.clone();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone()));
        let vault = vault();
        let limits = Arc::new(limits());
        let shutdown = CancellationToken::new();
        let witness = Witness::new(clock.clone(), vault.clone(), limits.clone());
        let tokens = Tokens::new(vault.clone());
        let (journal, committers) = Journal::start(store.clone(), clock.clone(), &JournalOptions::default());
        Self {
            clock: manual,
            recorder: Recorder::new(journal, vault, clock.clone(), limits),
            queries: Queries::new(store.clone(), tokens, [1; 16], options, shutdown.clone()),
            tenants: Tenants::new(store.clone(), clock, witness),
            store,
            shutdown,
            _committers: committers,
        }
    }

    async fn record(&self, input: EventInput) -> Result<Receipt, ServiceError> {
        self.recorder.record(input, &caller()).await
    }

    /// The sequence of an event that must be recorded.
    async fn sequence(&self, input: EventInput) -> u64 {
        match self.record(input).await.unwrap().disposition {
            Disposition::Recorded(stamp) => stamp.sequence,
            other => panic!("not recorded: {other:?}"),
        }
    }

    async fn query(
        &self,
        query: Query,
    ) -> Result<impl Stream<Item = Result<Item, ServiceError>> + Unpin, ServiceError> {
        Ok(Box::pin(self.queries.query(query).await?))
    }

    /// Every message of a query that ends.
    async fn all(&self, query: Query) -> Vec<Item> {
        self.query(query).await.unwrap().map(Result::unwrap).collect().await
    }
}

fn vault() -> Vault {
    Vault::new(&MasterKey::generate().unwrap())
}

fn caller() -> Caller {
    Caller { name: "anonymous".to_owned(), trace: String::new() }
}

fn default_query() -> Query {
    Query {
        tenant: TenantId::default_tenant(),
        filter: Default::default(),
        order: Order::Ascending,
        limit: 0,
        follow: false,
        start: Start::Beginning,
        show_personal: false,
    }
}

fn events(messages: &[Item]) -> Vec<RecordedEvent> {
    let batches = messages.iter().filter_map(|(message, _)| match message {
        Message::Batch(events) => Some(events),
        _ => None,
    });
    batches.flatten().map(|bytes: &Bytes| decode_recorded(bytes).unwrap()).collect()
}

fn sequences(messages: &[Item]) -> Vec<u64> {
    events(messages).iter().map(|event| event.sequence).collect()
}
