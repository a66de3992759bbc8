//! A store that counts what readers ask of it, and that can be away.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use tokio::sync::{Semaphore, watch};
use vidne::{
    domain::{
        id::{EventId, TenantId},
        tenant::Tenant,
        time::Timestamp,
    },
    store::{
        EventStore, Store, StoreError, TenantStore,
        contract::{
            AppendOutcome, CountPage, CountRequest, Head, Installation, NewEvent, NewTenant, ScanPage,
            ScanRequest, StoredEvent, TenantUpdate,
        },
    },
};

/// More steps than any test takes.
pub const OPEN: usize = Semaphore::MAX_PERMITS / 2;

pub struct Watched {
    inner: Arc<dyn Store>,
    /// Each step takes a permit.
    pub gate: Semaphore,
    scans: AtomicUsize,
    counts: AtomicUsize,
    under_way: AtomicUsize,
    away: AtomicBool,
}

/// A step that is under way for as long as this value is there.
struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Watched {
    pub fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Self::gated(inner, OPEN)
    }

    /// One that takes so many steps and then waits for more permits.
    pub fn gated(inner: Arc<dyn Store>, permits: usize) -> Arc<Self> {
        Arc::new(Self {
            inner,
            gate: Semaphore::new(permits),
            scans: AtomicUsize::new(0),
            counts: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            away: AtomicBool::new(false),
        })
    }

    /// Counts of the log so far.
    pub fn counts(&self) -> usize {
        self.counts.load(Ordering::SeqCst)
    }

    /// Reads of the log so far.
    pub fn scans(&self) -> usize {
        self.scans.load(Ordering::SeqCst)
    }

    /// Steps begun and neither ended nor dropped.
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::SeqCst)
    }

    fn begin(&self) -> UnderWay<'_> {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        UnderWay(&self.under_way)
    }

    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    fn reached(&self) -> Result<&dyn Store, StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the test took the database away".into()));
        }
        Ok(&*self.inner)
    }
}

#[async_trait]
impl EventStore for Watched {
    async fn append(&self, events: &[NewEvent], now: Timestamp) -> Result<Vec<AppendOutcome>, StoreError> {
        self.reached()?.append(events, now).await
    }

    async fn event_by_id(&self, tenant: &TenantId, id: EventId) -> Result<Option<StoredEvent>, StoreError> {
        self.reached()?.event_by_id(tenant, id).await
    }

    async fn event_at(&self, tenant: &TenantId, sequence: u64) -> Result<Option<StoredEvent>, StoreError> {
        self.reached()?.event_at(tenant, sequence).await
    }

    async fn head(&self, tenant: &TenantId) -> Result<Head, StoreError> {
        self.reached()?.head(tenant).await
    }

    async fn scan(&self, request: ScanRequest<'_>) -> Result<ScanPage, StoreError> {
        self.scans.fetch_add(1, Ordering::SeqCst);
        let _under_way = self.begin();
        self.gate.acquire().await.unwrap().forget();
        self.reached()?.scan(request).await
    }

    async fn count(&self, request: CountRequest<'_>) -> Result<CountPage, StoreError> {
        self.counts.fetch_add(1, Ordering::SeqCst);
        let _under_way = self.begin();
        self.gate.acquire().await.unwrap().forget();
        self.reached()?.count(request).await
    }

    fn wakeups(&self, tenant: &TenantId) -> watch::Receiver<u64> {
        self.inner.wakeups(tenant)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.reached()?.ping().await
    }
}

#[async_trait]
impl TenantStore for Watched {
    async fn installation(&self, propose: Installation) -> Result<Installation, StoreError> {
        self.reached()?.installation(propose).await
    }

    async fn create_tenant(&self, tenant: NewTenant, witness: NewEvent) -> Result<Tenant, StoreError> {
        self.reached()?.create_tenant(tenant, witness).await
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
        self.reached()?.tenant(id).await
    }

    async fn tenants(&self, after: Option<&TenantId>, limit: usize) -> Result<Vec<Tenant>, StoreError> {
        self.reached()?.tenants(after, limit).await
    }

    async fn update_tenant(
        &self,
        update: TenantUpdate,
        witness: Option<NewEvent>,
    ) -> Result<Tenant, StoreError> {
        self.reached()?.update_tenant(update, witness).await
    }

    async fn close_tenant(
        &self,
        id: &TenantId,
        now: Timestamp,
        witness: NewEvent,
    ) -> Result<Tenant, StoreError> {
        self.reached()?.close_tenant(id, now, witness).await
    }
}
