//! One consumer's stream: events out, acknowledgements in, its position kept and its lease renewed.

use std::{pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{FutureExt, Stream, StreamExt};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval_at, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    Delivery, Said, Subscriptions, keeper::Keeper, patience::Patience, window::Window, writes::Writes,
};
use crate::{
    codec::stored::sequence,
    domain::{
        id::TenantId,
        query::{EndReason, Message},
        violation::Violations,
    },
    service::{ServiceError, query::Item},
    store::{Store, StoreError},
};

/// The lease is renewed this often in its length, so that one renewal may fail or be late.
const RENEWALS_PER_LEASE: u32 = 3;

pub(super) struct Session {
    store: Arc<dyn Store>,
    tenant: TenantId,
    shutdown: CancellationToken,
    lease: Duration,
    progress_interval: Duration,
    window: Window,
    /// Said after what the window has to deliver.
    next: Option<Said>,
    /// Said ahead of what the window holds back.
    aside: Option<Said>,
    /// Nothing more is read: there is nothing more, and this is why.
    drained: Option<Drained>,
    writes: Writes,
    /// Changes when a subscription is deleted by this server; renewing tells whether it was this one.
    deletions: watch::Receiver<u64>,
    /// With a client that neither reads nor acknowledges.
    patience: Patience,
    last_said: Instant,
}

/// Why nothing more will come.
#[derive(Clone, Copy)]
enum Drained {
    /// The tenant is closed.
    Closed,
    /// No later event can match.
    Exhausted,
}

/// How a stream ends.
enum End<E> {
    /// The client has said all it wanted, or is gone, or everything is dealt with.
    Well,
    /// The client's side failed.
    Client(E),
    /// Our side does.
    Ours(ServiceError),
}

impl Session {
    pub(super) fn new(of: &Subscriptions, keeper: Keeper, acknowledged: u64, limit: usize) -> Self {
        let parts = of.parts();
        let (lease, progress_interval) = (parts.options.lease, parts.options.progress_interval);
        Self {
            store: of.store().clone(),
            tenant: keeper.tenant().clone(),
            shutdown: parts.shutdown.clone(),
            lease,
            progress_interval,
            window: Window::new(acknowledged, limit),
            next: Some(Said::Started { acknowledged, lease }),
            aside: None,
            drained: None,
            writes: Writes::new(keeper, acknowledged),
            deletions: of.deletions().subscribe(),
            patience: Patience::new(parts.options.stall_timeout),
            last_said: Instant::now(),
        }
    }

    /// Runs until the stream ends, for whatever reason; then what was acknowledged is kept, and the subscription
    /// given back.
    pub(super) async fn run<E: From<ServiceError>>(
        mut self,
        events: impl Stream<Item = Result<Item, ServiceError>>,
        acknowledgements: impl Stream<Item = Result<u64, E>>,
        client: mpsc::Sender<Delivery>,
    ) -> Result<(), E> {
        let mut acknowledgements = pin!(acknowledgements.fuse());
        let end = self.work(events, acknowledgements.as_mut(), &client).await;
        // What has arrived already is still taken.
        while let Some(Some(Ok(position))) = acknowledgements.next().now_or_never() {
            if self.take_acknowledgement(position).is_err() {
                break;
            }
        }
        let lost = |error: &ServiceError| {
            use StoreError::{SubscriptionLost, SubscriptionNotFound};
            matches!(error, ServiceError::Store(SubscriptionLost | SubscriptionNotFound))
        };
        if !matches!(&end, End::Ours(error) if lost(error)) {
            self.writes.finish().await;
        }
        match end {
            End::Well => Ok(()),
            End::Client(error) => Err(error),
            End::Ours(error) => Err(error.into()),
        }
    }

    async fn work<E>(
        &mut self,
        events: impl Stream<Item = Result<Item, ServiceError>>,
        mut acknowledgements: std::pin::Pin<&mut impl Stream<Item = Result<u64, E>>>,
        client: &mpsc::Sender<Delivery>,
    ) -> End<E> {
        let mut events = pin!(events);
        let period = self.lease / RENEWALS_PER_LEASE;
        let mut renewals = interval_at(Instant::now() + period, period);
        renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.writes.begin();
            if let Some(end) = self.all_dealt_with() {
                return end.map_or(End::Well, End::Ours);
            }
            let quiet = self.last_said + self.progress_interval;
            let stalled = self.patience.end(self.is_owed_an_answer());
            let step = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => Err(ServiceError::ShuttingDown),
                () = client.closed() => return End::Well,
                written = self.writes.end() => written.map_err(ServiceError::from),
                _ = renewals.tick() => {
                    self.writes.renew();
                    Ok(())
                }
                Ok(()) = self.deletions.changed() => {
                    self.writes.renew();
                    Ok(())
                }
                position = acknowledgements.next() => match position {
                    Some(Ok(position)) => self.take_acknowledgement(position).map_err(ServiceError::from),
                    Some(Err(error)) => return End::Client(error),
                    None => return End::Well,
                },
                room = client.reserve(), if self.has_something_to_say() => match room {
                    Ok(room) => {
                        if let Some(delivery) = self.say() {
                            room.send(delivery);
                        }
                        Ok(())
                    }
                    Err(_) => return End::Well,
                },
                () = sleep_until(stalled.unwrap_or(quiet)), if stalled.is_some() => {
                    Err(ServiceError::ConsumerStalled { limit: self.patience.limit() })
                }
                item = events.next(), if self.may_read() => self.take_item(item).await,
                () = sleep_until(quiet), if !self.may_read() && !self.has_something_to_say() => {
                    self.still_here().await
                }
            };
            if let Err(error) = step {
                return End::Ours(error);
            }
        }
    }

    /// Reads on only when what was read is delivered and more may be.
    fn may_read(&self) -> bool {
        self.drained.is_none() && self.next.is_none() && self.window.is_empty() && self.window.has_room()
    }

    /// Whether there are events that the client has not acknowledged or not even taken.
    fn is_owed_an_answer(&self) -> bool {
        !self.window.is_clear() || !self.window.is_empty()
    }

    fn has_something_to_say(&self) -> bool {
        let deliverable = !self.window.is_empty() && self.window.has_room();
        self.writes.has_news()
            || self.aside.is_some()
            || deliverable
            || (self.window.is_empty() && self.next.is_some())
    }

    /// The next message, which counts as delivered.
    fn say(&mut self) -> Option<Delivery> {
        let said = self.next_said()?;
        self.last_said = Instant::now();
        Some(Delivery { said, position: self.window.position() })
    }

    fn next_said(&mut self) -> Option<Said> {
        if self.writes.has_news() && !matches!(self.next, Some(Said::Started { .. })) {
            return Some(Said::Acknowledged(self.writes.tell()));
        }
        if let Some(said) = self.aside.take() {
            return Some(said);
        }
        let events = self.window.take();
        if !events.is_empty() {
            return Some(Said::Batch(events));
        }
        let said = self.next.take()?;
        match said {
            Said::Progress { scanned: position, .. } | Said::CaughtUp { head: position } => {
                self.window.advance(position);
                self.pass_over();
            }
            Said::Started { .. } | Said::Batch(_) | Said::Acknowledged(_) => {}
        }
        Some(said)
    }

    /// Where nothing is unacknowledged, what does not match needs no acknowledgement.
    fn pass_over(&mut self) {
        if self.window.is_clear() {
            self.writes.keep(self.window.position());
        }
    }

    async fn take_item(&mut self, item: Option<Result<Item, ServiceError>>) -> Result<(), ServiceError> {
        match item {
            Some(Ok((Message::Batch(events), _))) => {
                let placed: Result<Vec<(u64, Bytes)>, ServiceError> =
                    events.into_iter().map(|event| Ok((sequence(&event)?, event))).collect();
                self.window.fill(placed?);
            }
            Some(Ok((Message::Progress { head, scanned }, _))) => {
                self.next = Some(Said::Progress { head, scanned });
            }
            Some(Ok((Message::CaughtUp { head }, _))) => {
                self.next = Some(Said::CaughtUp { head });
            }
            Some(Ok((Message::End(EndReason::TenantClosed), _))) => self.drained = Some(Drained::Closed),
            Some(Err(error)) => return Err(error),
            Some(Ok((Message::End(_), _))) | None => self.drained = Some(Drained::Exhausted),
        }
        Ok(())
    }

    /// Says that the stream is alive while it is held back.
    async fn still_here(&mut self) -> Result<(), ServiceError> {
        let head = self.store.head(&self.tenant).await?.sequence;
        self.aside = Some(Said::Progress { head, scanned: self.window.position() });
        Ok(())
    }

    fn take_acknowledgement(&mut self, position: u64) -> Result<(), Violations> {
        let delivered = self.window.position();
        if position > delivered {
            let message = format!("beyond what this stream has delivered, which is up to {delivered}");
            return Err(Violations::one("acknowledge.position", message));
        }
        self.patience.heard();
        let keep = self.window.acknowledge(position);
        self.writes.acknowledge(position, keep);
        Ok(())
    }

    /// How the stream ends once there is nothing left to deliver, to acknowledge or to keep.
    fn all_dealt_with(&self) -> Option<Option<ServiceError>> {
        let drained = self.drained?;
        let busy = !self.window.is_empty()
            || !self.window.is_clear()
            || self.has_something_to_say()
            || self.writes.is_busy();
        (!busy).then_some(match drained {
            Drained::Closed => Some(StoreError::TenantClosed.into()),
            Drained::Exhausted => None,
        })
    }
}
