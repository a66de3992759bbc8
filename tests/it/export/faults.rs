//! A store and a destination that go wrong at one chosen step of a run.
//!
//! Every call that a run makes is a step; the plan counts them and harms one of them.

use std::{
    future::Future,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use vidne::{
    domain::{
        export::{
            Destination, DestinationSecrets, ExportFile, ExportJob, ExportRun, JobSettings, SftpDestination,
        },
        id::{EventId, TenantId},
        subscription::Subscription,
        tenant::Tenant,
        time::Timestamp,
    },
    export::{
        ExportError,
        destination::{Destinations, DropFolder, NewFile, Published},
        host_key::HostKey,
    },
    store::{
        EventStore, ExportStore, Store, StoreError, SubscriptionStore, TenantStore,
        contract::{
            AppendOutcome, CountPage, CountRequest, DueJob, FileCut, Head, Holding, Installation, JobGlance,
            JobUpdate, KeptJob, Lease, NewEvent, NewJob, NewSubscription, NewTenant, RunOutcome, ScanPage,
            ScanRequest, StoredEvent, SubscriptionRef, Taken, TenantUpdate,
        },
    },
};

/// What happens at the chosen step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// It fails and has not happened.
    FailBefore,
    /// It fails although it has happened: its answer got lost.
    FailAfter,
    /// It waits until it is released, and happens then.
    PauseBefore,
    /// It happens, and its answer waits until it is released.
    PauseAfter,
}

/// Which step is harmed, and how.
#[derive(Debug)]
pub struct Plan {
    next: AtomicUsize,
    at: usize,
    harm: Harm,
    /// The chosen step has been reached.
    pub hit: CancellationToken,
    /// Paused steps go on.
    pub release: CancellationToken,
}

impl Plan {
    pub fn new(at: usize, harm: Harm) -> Arc<Self> {
        let (hit, release) = (CancellationToken::new(), CancellationToken::new());
        Arc::new(Self { next: AtomicUsize::new(0), at, harm, hit, release })
    }

    /// Nothing goes wrong.
    pub fn none() -> Arc<Self> {
        Self::new(usize::MAX, Harm::FailBefore)
    }

    /// Steps so far.
    pub fn steps(&self) -> usize {
        self.next.load(Ordering::SeqCst)
    }

    async fn step<T, E>(
        &self,
        error: impl FnOnce() -> E,
        act: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        if self.next.fetch_add(1, Ordering::SeqCst) != self.at {
            return act.await;
        }
        match self.harm {
            Harm::FailBefore => {
                self.hit.cancel();
                Err(error())
            }
            Harm::FailAfter => {
                let done = act.await;
                self.hit.cancel();
                done.and(Err(error()))
            }
            Harm::PauseBefore => {
                self.hit.cancel();
                self.release.cancelled().await;
                act.await
            }
            Harm::PauseAfter => {
                let done = act.await;
                self.hit.cancel();
                self.release.cancelled().await;
                done
            }
        }
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("the test cut the connection".into())
}

fn cut_off() -> ExportError {
    ExportError::unavailable("the test cut the connection")
}

/// A store whose export calls are steps.
pub struct FaultyStore {
    pub inner: Arc<dyn Store>,
    pub plan: Arc<Plan>,
    /// Taking a lease is a step of this one, before all others.
    pub leasing: Arc<Plan>,
}

#[async_trait]
impl EventStore for FaultyStore {
    async fn append(&self, events: &[NewEvent], now: Timestamp) -> Result<Vec<AppendOutcome>, StoreError> {
        self.inner.append(events, now).await
    }

    async fn event_by_id(&self, tenant: &TenantId, id: EventId) -> Result<Option<StoredEvent>, StoreError> {
        self.inner.event_by_id(tenant, id).await
    }

    async fn event_at(&self, tenant: &TenantId, sequence: u64) -> Result<Option<StoredEvent>, StoreError> {
        self.inner.event_at(tenant, sequence).await
    }

    async fn head(&self, tenant: &TenantId) -> Result<Head, StoreError> {
        self.plan.step(gone, self.inner.head(tenant)).await
    }

    async fn scan(&self, request: ScanRequest<'_>) -> Result<ScanPage, StoreError> {
        self.plan.step(gone, self.inner.scan(request)).await
    }

    async fn count(&self, request: CountRequest<'_>) -> Result<CountPage, StoreError> {
        self.inner.count(request).await
    }

    fn wakeups(&self, tenant: &TenantId) -> watch::Receiver<u64> {
        self.inner.wakeups(tenant)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }
}

#[async_trait]
impl TenantStore for FaultyStore {
    async fn installation(&self, propose: Installation) -> Result<Installation, StoreError> {
        self.inner.installation(propose).await
    }

    async fn create_tenant(&self, tenant: NewTenant, witness: NewEvent) -> Result<Tenant, StoreError> {
        self.inner.create_tenant(tenant, witness).await
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
        self.inner.tenant(id).await
    }

    async fn tenants(&self, after: Option<&TenantId>, limit: usize) -> Result<Vec<Tenant>, StoreError> {
        self.inner.tenants(after, limit).await
    }

    async fn update_tenant(
        &self,
        update: TenantUpdate,
        witness: Option<NewEvent>,
    ) -> Result<Tenant, StoreError> {
        self.inner.update_tenant(update, witness).await
    }

    async fn close_tenant(
        &self,
        id: &TenantId,
        now: Timestamp,
        witness: NewEvent,
    ) -> Result<Tenant, StoreError> {
        self.inner.close_tenant(id, now, witness).await
    }
}

/// No run touches a subscription.
#[async_trait]
impl SubscriptionStore for FaultyStore {
    async fn create_subscription(
        &self,
        new: NewSubscription,
        witness: NewEvent,
    ) -> Result<Subscription, StoreError> {
        self.inner.create_subscription(new, witness).await
    }

    async fn subscription(&self, of: &SubscriptionRef) -> Result<Option<Subscription>, StoreError> {
        self.inner.subscription(of).await
    }

    async fn subscriptions(
        &self,
        tenant: &TenantId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Subscription>, StoreError> {
        self.inner.subscriptions(tenant, after, limit).await
    }

    async fn delete_subscription(&self, of: &SubscriptionRef, witness: NewEvent) -> Result<(), StoreError> {
        self.inner.delete_subscription(of, witness).await
    }

    async fn take_subscription(
        &self,
        holding: &Holding,
        consumer: &str,
        term: Duration,
    ) -> Result<Taken, StoreError> {
        self.inner.take_subscription(holding, consumer, term).await
    }

    async fn renew_subscription(&self, holding: &Holding, term: Duration) -> Result<(), StoreError> {
        self.inner.renew_subscription(holding, term).await
    }

    async fn acknowledge(&self, holding: &Holding, sequence: u64, now: Timestamp) -> Result<(), StoreError> {
        self.inner.acknowledge(holding, sequence, now).await
    }

    async fn release_subscription(&self, holding: &Holding) -> Result<(), StoreError> {
        self.inner.release_subscription(holding).await
    }
}

#[async_trait]
impl ExportStore for FaultyStore {
    async fn create_job(&self, job: NewJob, witness: NewEvent) -> Result<ExportJob, StoreError> {
        self.inner.create_job(job, witness).await
    }

    async fn job(&self, tenant: &TenantId, key: &str) -> Result<Option<KeptJob>, StoreError> {
        self.plan.step(gone, self.inner.job(tenant, key)).await
    }

    async fn jobs(
        &self,
        tenant: &TenantId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ExportJob>, StoreError> {
        self.inner.jobs(tenant, after, limit).await
    }

    async fn update_job(&self, update: JobUpdate, witness: NewEvent) -> Result<ExportJob, StoreError> {
        self.plan.step(gone, self.inner.update_job(update, witness)).await
    }

    async fn delete_job(&self, tenant: &TenantId, id: &str, witness: NewEvent) -> Result<(), StoreError> {
        self.inner.delete_job(tenant, id, witness).await
    }

    async fn job_settings(&self, job_id: &str, revision: u64) -> Result<JobSettings, StoreError> {
        self.plan.step(gone, self.inner.job_settings(job_id, revision)).await
    }

    async fn pause_job(
        &self,
        tenant: &TenantId,
        id: &str,
        paused: bool,
        next_run: Option<Timestamp>,
        witness: NewEvent,
    ) -> Result<ExportJob, StoreError> {
        self.plan.step(gone, self.inner.pause_job(tenant, id, paused, next_run, witness)).await
    }

    async fn due_jobs(&self, now: Timestamp, limit: usize) -> Result<Vec<DueJob>, StoreError> {
        self.inner.due_jobs(now, limit).await
    }

    async fn postpone_job(
        &self,
        tenant: &TenantId,
        id: &str,
        expected: Timestamp,
        next_run: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.inner.postpone_job(tenant, id, expected, next_run).await
    }

    async fn pass_over(&self, job: &ExportJob, through: u64) -> Result<(), StoreError> {
        self.inner.pass_over(job, through).await
    }

    async fn stored_bytes(&self, tenant: &TenantId, from: u64, through: u64) -> Result<u64, StoreError> {
        self.inner.stored_bytes(tenant, from, through).await
    }

    async fn glance(&self, limit: usize) -> Result<Vec<JobGlance>, StoreError> {
        self.inner.glance(limit).await
    }

    async fn runs(
        &self,
        job_id: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ExportRun>, StoreError> {
        self.inner.runs(job_id, before, limit).await
    }

    async fn mark_manifest(&self, lease: &Lease, number: u64) -> Result<ExportFile, StoreError> {
        self.plan.step(gone, self.inner.mark_manifest(lease, number)).await
    }

    async fn lease_job(&self, job_id: &str, owner: &str, term: Duration) -> Result<Lease, StoreError> {
        self.leasing.step(gone, self.inner.lease_job(job_id, owner, term)).await
    }

    async fn renew_lease(&self, lease: &Lease, term: Duration) -> Result<(), StoreError> {
        self.plan.step(gone, self.inner.renew_lease(lease, term)).await
    }

    async fn finish_run(
        &self,
        lease: &Lease,
        outcome: RunOutcome,
        witnesses: Vec<NewEvent>,
    ) -> Result<(), StoreError> {
        self.inner.finish_run(lease, outcome, witnesses).await
    }

    async fn record_heartbeat(&self, lease: &Lease, heartbeat: NewEvent) -> Result<bool, StoreError> {
        self.plan.step(gone, self.inner.record_heartbeat(lease, heartbeat)).await
    }

    async fn pending_file(&self, job_id: &str) -> Result<Option<ExportFile>, StoreError> {
        self.plan.step(gone, self.inner.pending_file(job_id)).await
    }

    async fn cut_file(&self, lease: &Lease, cut: FileCut) -> Result<ExportFile, StoreError> {
        self.plan.step(gone, self.inner.cut_file(lease, cut)).await
    }

    async fn take_over_cut(&self, lease: &Lease, number: u64) -> Result<ExportFile, StoreError> {
        self.plan.step(gone, self.inner.take_over_cut(lease, number)).await
    }

    async fn take_over_uploaded(&self, lease: &Lease, number: u64) -> Result<ExportFile, StoreError> {
        self.plan.step(gone, self.inner.take_over_uploaded(lease, number)).await
    }

    async fn abandon_cut(&self, lease: &Lease, number: u64) -> Result<(), StoreError> {
        self.plan.step(gone, self.inner.abandon_cut(lease, number)).await
    }

    async fn mark_uploaded(
        &self,
        lease: &Lease,
        number: u64,
        size_bytes: u64,
        sha256: [u8; 32],
    ) -> Result<ExportFile, StoreError> {
        self.plan.step(gone, self.inner.mark_uploaded(lease, number, size_bytes, sha256)).await
    }

    async fn mark_published(
        &self,
        lease: &Lease,
        number: u64,
        published: Timestamp,
    ) -> Result<ExportFile, StoreError> {
        self.plan.step(gone, self.inner.mark_published(lease, number, published)).await
    }

    async fn advance_scanned(&self, lease: &Lease, sequence: u64) -> Result<(), StoreError> {
        self.plan.step(gone, self.inner.advance_scanned(lease, sequence)).await
    }

    async fn files(
        &self,
        job_id: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ExportFile>, StoreError> {
        self.inner.files(job_id, before, limit).await
    }
}

/// Destinations whose calls are steps.
pub struct FaultyDestinations {
    pub inner: Arc<dyn Destinations>,
    pub plan: Arc<Plan>,
    /// A consumer that moves each file from the first folder to the second as soon as it has its final name.
    pub consumer: Option<(PathBuf, PathBuf)>,
    /// Completing a file silently loses its last bytes, as a server with a full disk does.
    pub loses_bytes: Option<(PathBuf, Arc<AtomicBool>)>,
}

#[async_trait]
impl Destinations for FaultyDestinations {
    async fn open(
        &self,
        destination: &Destination,
        secrets: &DestinationSecrets,
    ) -> Result<Arc<dyn DropFolder>, ExportError> {
        let inner = self.plan.step(cut_off, self.inner.open(destination, secrets)).await?;
        Ok(Arc::new(FaultyFolder {
            inner,
            plan: self.plan.clone(),
            consumer: self.consumer.clone(),
            loses_bytes: self.loses_bytes.clone(),
        }))
    }

    async fn resolve(&self, destination: &SftpDestination) -> Result<(), ExportError> {
        self.inner.resolve(destination).await
    }

    async fn host_key(&self, destination: &SftpDestination) -> Result<HostKey, ExportError> {
        self.inner.host_key(destination).await
    }
}

struct FaultyFolder {
    inner: Arc<dyn DropFolder>,
    plan: Arc<Plan>,
    consumer: Option<(PathBuf, PathBuf)>,
    loses_bytes: Option<(PathBuf, Arc<AtomicBool>)>,
}

impl FaultyFolder {
    async fn publish_and_take(&self, part: &str, name: &str) -> Result<Published, ExportError> {
        let done = self.inner.publish(part, name).await?;
        let data = !name.contains('/');
        if let Some((from, to)) = self.consumer.as_ref().filter(|_| done == Published::Done && data) {
            // The consumer remembers what it has taken: the same file again would be its events twice.
            assert!(!to.join(name).exists(), "{name} was delivered twice");
            std::fs::rename(from.join(name), to.join(name)).unwrap();
        }
        Ok(done)
    }
}

#[async_trait]
impl DropFolder for FaultyFolder {
    async fn is_there(&self) -> Result<bool, ExportError> {
        self.plan.step(cut_off, self.inner.is_there()).await
    }

    async fn size(&self, name: &str) -> Result<Option<u64>, ExportError> {
        self.plan.step(cut_off, self.inner.size(name)).await
    }

    async fn sha256(&self, name: &str) -> Result<Option<[u8; 32]>, ExportError> {
        self.plan.step(cut_off, self.inner.sha256(name)).await
    }

    async fn create(&self, name: &str) -> Result<Box<dyn NewFile>, ExportError> {
        let inner = self.plan.step(cut_off, self.inner.create(name)).await?;
        let lost = self.loses_bytes.as_ref().map(|(folder, still)| (folder.join(name), still.clone()));
        Ok(Box::new(FaultyFile { inner, plan: self.plan.clone(), lost }))
    }

    async fn publish(&self, part: &str, name: &str) -> Result<Published, ExportError> {
        self.plan.step(cut_off, self.publish_and_take(part, name)).await
    }

    async fn delete(&self, name: &str) -> Result<(), ExportError> {
        self.plan.step(cut_off, self.inner.delete(name)).await
    }

    async fn parts(&self, directory: &str, limit: usize) -> Result<Vec<String>, ExportError> {
        self.plan.step(cut_off, self.inner.parts(directory, limit)).await
    }
}

struct FaultyFile {
    inner: Box<dyn NewFile>,
    plan: Arc<Plan>,
    lost: Option<(PathBuf, Arc<AtomicBool>)>,
}

#[async_trait]
impl NewFile for FaultyFile {
    async fn write(&mut self, bytes: Bytes) -> Result<(), ExportError> {
        self.plan.step(cut_off, self.inner.write(bytes)).await
    }

    async fn close(&mut self) -> Result<(), ExportError> {
        self.plan.step(cut_off, self.inner.close()).await?;
        if let Some((path, _)) = self.lost.as_ref().filter(|(_, still)| still.load(Ordering::SeqCst)) {
            let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        }
        Ok(())
    }
}
