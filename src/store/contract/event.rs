//! Events: append, look up, scan, wake up.

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use crate::{
    domain::{
        catalogue::{Category, EventType},
        filter::EventFilter,
        id::{EventId, TenantId},
        query::Order,
        receipt::Stamp,
        time::Timestamp,
    },
    store::StoreError,
};

/// An event ready to be numbered and written.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its log.
    pub tenant: TenantId,
    /// Its id.
    pub id: EventId,
    /// Its type, for the column.
    pub event_type: EventType,
    /// When it happened, for the column.
    pub occurred: Timestamp,
    /// The switch that decides whether it is kept; `None`: always kept (vidne's own events).
    pub switch: Option<Category>,
    /// The canonical payload without sequence and recorded time; `codec::stored::finish` appends them.
    pub content: Bytes,
    /// Tells the same content from other content, of the version in `fingerprint_version`.
    pub fingerprint: [u8; 32],
    /// The rule by which `fingerprint` was made.
    pub fingerprint_version: u8,
    /// Salt and encoded `personal` field, for its own column.
    pub personal: Option<Bytes>,
}

/// What became of one event of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// Written.
    Recorded(Stamp),
    /// An event with this id and the same fingerprint is there already; its stamp.
    Duplicate(Stamp),
    /// An event with this id and another fingerprint (of the same version) is there; nothing written.
    IdReused,
    /// The tenant has the category switched off; nothing written.
    NotRecorded,
    /// The tenant is closed; nothing written.
    TenantClosed,
    /// There is no such tenant; nothing written.
    TenantNotFound,
}

/// An event as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place.
    pub sequence: u64,
    /// When it was recorded.
    pub recorded: Timestamp,
    /// SHA-256(0x00 || payload).
    pub leaf_hash: [u8; 32],
    /// The encoded `vidne.v1.Event` that was hashed.
    pub payload: Bytes,
    /// Salt and encoded `personal` field.
    pub personal: Option<Bytes>,
}

/// What readers are sent of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Its place.
    pub sequence: u64,
    /// The encoded `vidne.v1.Event` that was hashed.
    pub payload: Bytes,
    /// Salt and encoded `personal` field.
    pub personal: Option<Bytes>,
}

impl From<StoredEvent> for Payload {
    fn from(event: StoredEvent) -> Self {
        let StoredEvent { sequence, recorded: _, leaf_hash: _, payload, personal } = event;
        Self { sequence, payload, personal }
    }
}

/// Where a log ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The place of the newest event; 0 if there is none.
    pub sequence: u64,
    /// The last recorded time given.
    pub recorded: Timestamp,
}

/// One bounded step of a scan.
#[derive(Clone, Debug)]
pub struct ScanRequest<'a> {
    /// The log.
    pub tenant: &'a TenantId,
    /// Upwards or downwards.
    pub order: Order,
    /// The first position to look at.
    pub from: u64,
    /// The last position to look at; at or after `from` ascending, at or before it descending. Not past the head:
    /// what is not there yet counts as looked at.
    pub through: u64,
    /// A store MUST leave out events that do not match it where it [`EventFilter::asks_columns_only`], and MAY
    /// otherwise, as far as it can tell; it MUST NOT leave out one that does.
    pub filter: &'a EventFilter,
    /// At most this many events, at least 1.
    pub max_events: usize,
    /// Stop after the event that reaches this many bytes of payload.
    pub max_bytes: usize,
    /// Read `personal` too.
    pub with_personal: bool,
    /// Positions after which the page will be full, as the steps before had it; 0: not known. A store MAY look at two
    /// parts of so long a range side by side.
    pub full_after: u64,
}

/// What one step of a scan found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanPage<E = StoredEvent> {
    /// In the order asked for.
    pub events: Vec<E>,
    /// Every position from `from` up to and including this one has been looked at. A store may stop short of
    /// `through` to bound its work, but MUST get at least one position further.
    pub scanned: u64,
}

/// One bounded step of a count, upwards.
#[derive(Clone, Debug)]
pub struct CountRequest<'a> {
    /// The log.
    pub tenant: &'a TenantId,
    /// The first position to look at.
    pub from: u64,
    /// The last position to look at; at or after `from`, not past the head.
    pub through: u64,
    /// Which events. One that [`EventFilter::asks_columns_only`].
    pub filter: &'a EventFilter,
}

/// What one step of a count found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CountPage {
    /// How many events from `from` up to `scanned` match.
    pub count: u64,
    /// Every position from `from` up to and including this one has been looked at; at least one, at most `through`.
    pub scanned: u64,
}

/// Keeps events.
#[async_trait]
pub trait EventStore: Send + Sync + 'static {
    /// Appends events in their order, one outcome each.
    ///
    /// Under the locks of the tenants' heads (taken in one order by all): looks the id up; if it is new,
    /// checks that the tenant is open and keeps the category; gives the next sequence, and as recorded time
    /// the later of `now` and the tenant's last one. Sequences MUST have no holes, and whoever can see n MUST
    /// be able to see all before n. Ids repeated within `events` count as already there. `Ok` MUST mean
    /// committed and on disk. `Busy` if somebody else holds a head for longer than the lock time-out.
    async fn append(&self, events: &[NewEvent], now: Timestamp) -> Result<Vec<AppendOutcome>, StoreError>;

    /// As [`EventStore::append`], but SHOULD NOT wait for heads: `Busy` at once if somebody else holds one. For
    /// whoever appends for several tenants and must not let one's head delay the others.
    async fn try_append(
        &self,
        events: &[NewEvent],
        now: Timestamp,
    ) -> Result<Vec<AppendOutcome>, StoreError> {
        self.append(events, now).await
    }

    /// The event with this id.
    async fn event_by_id(&self, tenant: &TenantId, id: EventId) -> Result<Option<StoredEvent>, StoreError>;

    /// The event at this place.
    async fn event_at(&self, tenant: &TenantId, sequence: u64) -> Result<Option<StoredEvent>, StoreError>;

    /// Where the log ends. `TenantNotFound` if there is no such tenant.
    async fn head(&self, tenant: &TenantId) -> Result<Head, StoreError>;

    /// The place of the first event recorded at `time` or later; one past the newest event if there is none. Recorded
    /// times never go back, so it is found by looking at few events, whatever the length of the log. Events that are
    /// gone from its beginning count as recorded before. `TenantNotFound` if there is no such tenant.
    async fn first_recorded(&self, tenant: &TenantId, time: Timestamp) -> Result<u64, StoreError> {
        let (mut low, mut high) = (1, self.head(tenant).await?.sequence.saturating_add(1));
        while low < high {
            let middle = low + (high - low) / 2;
            match self.event_at(tenant, middle).await? {
                Some(event) if event.recorded >= time => high = middle,
                _ => low = middle + 1,
            }
        }
        Ok(low)
    }

    /// Reads one step of the log. MUST be bounded in time and memory whatever the filter; MUST hold no
    /// connection after it returns.
    async fn scan(&self, request: ScanRequest<'_>) -> Result<ScanPage, StoreError>;

    /// As [`EventStore::scan`], but reads only what readers are sent.
    async fn scan_payloads(&self, request: ScanRequest<'_>) -> Result<ScanPage<Payload>, StoreError> {
        let ScanPage { events, scanned } = self.scan(request).await?;
        Ok(ScanPage { events: events.into_iter().map(Payload::from).collect(), scanned })
    }

    /// Counts one step of the log. The count MUST be exact; no payload is read. MUST be bounded in time and
    /// memory whatever the filter; MUST hold no connection after it returns.
    async fn count(&self, request: CountRequest<'_>) -> Result<CountPage, StoreError>;

    /// Tells of new events: changes after a commit of this process, and MAY change for no reason. Commits of
    /// other processes may go untold, so whoever waits also polls [`EventStore::head`].
    fn wakeups(&self, tenant: &TenantId) -> watch::Receiver<u64>;

    /// A cheap round trip to the database: whether it answers.
    async fn ping(&self) -> Result<(), StoreError>;
}
