//! Beginning to consume a subscription.

use std::{panic::AssertUnwindSafe, time::Duration};

use bytes::Bytes;
use futures::{FutureExt, Stream, StreamExt, stream};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{Subscriptions, keeper::Keeper, manage::named, session::Session};
use crate::{
    domain::{
        id::TenantId,
        query::{Order, Query, Start},
        subscription::check_consumer,
        violation::Violations,
    },
    service::ServiceError,
    store::contract::{Holding, Taken},
};

/// Messages that may wait for the client: one is on its way while the next is made.
const WAITING: usize = 1;

/// Who wants to consume what.
#[derive(Clone, Debug)]
pub struct ConsumeStart {
    /// The log.
    pub tenant: TenantId,
    /// Its subscription.
    pub name: String,
    /// What the consumer calls itself.
    pub consumer: String,
    /// Events that it takes without having acknowledged them; 0: the server's limit.
    pub max_unacknowledged: u32,
}

/// One message of a consumer's stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// What it says.
    pub said: Said,
    /// Every matching event up to here has been delivered.
    pub position: u64,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// The first one: the subscription is this consumer's.
    Started {
        /// It begins after this position.
        acknowledged: u64,
        /// How long the consumer holds it if it vanishes.
        lease: Duration,
    },
    /// Events in order, at least one, each an encoded `vidne.v1.Event`.
    Batch(Vec<Bytes>),
    /// Nothing to deliver at the moment.
    Progress {
        /// The newest event.
        head: u64,
        /// The position reached.
        scanned: u64,
    },
    /// All there was is delivered; said once.
    CaughtUp {
        /// The newest event.
        head: u64,
    },
    /// Everything up to here is acknowledged, and that is kept.
    Acknowledged(u64),
}

/// A stream that has begun. Dropping it ends the consumer, which gives the subscription back.
#[derive(Debug)]
pub struct Consuming<E> {
    deliveries: mpsc::Receiver<Delivery>,
    end: oneshot::Receiver<Option<E>>,
}

impl<E> Consuming<E> {
    /// The messages, the last of which may be an error; without one, the client had said all it wanted.
    pub fn into_stream(self) -> impl Stream<Item = Result<Delivery, E>> + Send
    where
        E: From<ServiceError> + Send,
    {
        let deliveries = stream::unfold(self.deliveries, |mut deliveries| async {
            deliveries.recv().await.map(|delivery| (Ok(delivery), deliveries))
        });
        // A task that left no word was ended from outside, which only a shutdown does.
        let end = self.end.map(|end| end.unwrap_or_else(|_| Some(ServiceError::ShuttingDown.into())));
        deliveries.chain(stream::once(end).filter_map(|end| std::future::ready(end.map(Err))))
    }
}

impl Subscriptions {
    /// Takes a subscription and begins to deliver its events. `SubscriptionBusy` while another consumer holds it.
    ///
    /// `acknowledgements` are positions up to which everything is dealt with; when they end, the stream ends
    /// well, and with an error, with that. The work is done by a task of its own, which ends when the stream is
    /// dropped, and then gives the subscription back at once.
    pub async fn consume<E>(
        &self,
        start: ConsumeStart,
        acknowledgements: impl Stream<Item = Result<u64, E>> + Send + 'static,
    ) -> Result<Consuming<E>, ServiceError>
    where
        E: From<ServiceError> + Send + 'static,
    {
        let limit = self.check(&start)?;
        let of = named(&start.tenant, &start.name, "start.name")?;
        if self.parts().shutdown.is_cancelled() {
            return Err(ServiceError::ShuttingDown);
        }
        let (said, deliveries) = mpsc::channel(WAITING);
        let (begun, beginning) = oneshot::channel();
        let (ended, end) = oneshot::channel();
        let this = self.clone();
        // In the task from the beginning: a caller that goes away in between leaves no lease behind.
        self.parts().tasks.spawn(async move {
            let holding = Holding { of, holder: Uuid::new_v4() };
            let parts = this.parts();
            let keeper = Keeper::new(this.store().clone(), parts.clock.clone(), holding, parts.options.lease);
            let work = this.drive(keeper.clone(), &start.consumer, limit, acknowledgements, begun, said);
            let end = AssertUnwindSafe(work).catch_unwind().await;
            let end = match end {
                Ok(end) => end,
                Err(_) => {
                    tracing::error!(subscription = start.name, "a consumer's task panicked");
                    keeper.release().await;
                    Some(ServiceError::Panicked.into())
                }
            };
            // Nobody listens any more if the client is gone.
            let _ = ended.send(end);
        });
        match beginning.await {
            Ok(begun) => begun.map(|()| Consuming { deliveries, end }),
            Err(_) => Err(ServiceError::Panicked),
        }
    }

    /// Takes the subscription, tells that it has begun, and delivers until the end.
    async fn drive<E: From<ServiceError>>(
        &self,
        keeper: Keeper,
        consumer: &str,
        limit: usize,
        acknowledgements: impl Stream<Item = Result<u64, E>>,
        begun: oneshot::Sender<Result<(), ServiceError>>,
        client: mpsc::Sender<Delivery>,
    ) -> Option<E> {
        let begin = async {
            let taken = keeper.take(consumer).await?;
            match self.parts().queries.query(query(keeper.tenant(), &taken)).await {
                Ok(events) => Ok((taken.acknowledged_sequence, events)),
                Err(error) => {
                    keeper.release().await;
                    Err(error)
                }
            }
        };
        let (position, events) = match begin.await {
            Ok(begin) => begin,
            Err(error) => {
                let _ = begun.send(Err(error));
                return None;
            }
        };
        if begun.send(Ok(())).is_err() {
            keeper.release().await;
            return None;
        }
        let session = Session::new(self, keeper, position, limit);
        session.run(events, acknowledgements, client).await.err()
    }

    /// Checks a start; answers how many events may be unacknowledged.
    fn check(&self, start: &ConsumeStart) -> Result<usize, Violations> {
        let most = self.parts().options.max_unacknowledged;
        let mut wrong = Violations::new();
        let mut collect = |violations: Violations| {
            for violation in violations.iter() {
                wrong.add(violation.field.clone(), violation.description.clone());
            }
        };
        let _ = named(&start.tenant, &start.name, "start.name").map_err(&mut collect);
        let _ = check_consumer(&start.consumer, "start.consumer").map_err(&mut collect);
        let limit = match usize::try_from(start.max_unacknowledged).unwrap_or(usize::MAX) {
            0 => most,
            // A consumer that waited for more before it acknowledges would wait for ever.
            limit if limit > most => {
                wrong.add("start.max_unacknowledged", format!("at most {most}; 0: {most}"));
                most
            }
            limit => limit,
        };
        wrong.into_result(limit)
    }
}

fn query(tenant: &TenantId, taken: &Taken) -> Query {
    Query {
        tenant: tenant.clone(),
        filter: taken.filter.clone(),
        order: Order::Ascending,
        limit: 0,
        follow: true,
        start: Start::After(taken.acknowledged_sequence),
        show_personal: taken.show_personal,
    }
}
