//! Export jobs.

use std::time::Duration;

use async_trait::async_trait;

use super::{MemoryStore, state::Job};
use crate::{
    domain::{
        export::{ExportFile, ExportJob, ExportRun, FileState, Health, JobSettings, ManifestState},
        id::TenantId,
        time::Timestamp,
    },
    store::{
        ExportStore, StoreError,
        contract::{
            Due, DueJob, FileCut, JobGlance, JobUpdate, KeptJob, Lease, NewEvent, NewJob, RunOutcome,
        },
    },
};

#[async_trait]
impl ExportStore for MemoryStore {
    async fn create_job(&self, new: NewJob, witness: NewEvent) -> Result<ExportJob, StoreError> {
        self.change(|state| {
            if state.log(&new.tenant)?.tenant.closed {
                return Err(StoreError::TenantClosed);
            }
            if state.live(&new.tenant).any(|job| job.job.settings.name == new.settings.name) {
                return Err(StoreError::JobExists);
            }
            state.witness(&witness, new.created)?;
            let job = ExportJob {
                id: new.id,
                tenant: new.tenant,
                settings: new.settings.clone(),
                revision: 1,
                scanned_sequence: new.start_after,
                published_sequence: new.start_after,
                health: Health::Unknown,
                last_error: String::new(),
                created: new.created,
                updated: new.created,
                last_run: None,
                standing: new.standing,
            };
            state.jobs.push(Job {
                job: job.clone(),
                revisions: vec![new.settings],
                sealed_secrets: new.sealed_secrets,
                deleted: false,
                fence: 0,
                lease_until: None,
                files: Vec::new(),
                runs: Vec::new(),
            });
            Ok(job)
        })
    }

    async fn job(&self, tenant: &TenantId, key: &str) -> Result<Option<KeptJob>, StoreError> {
        let state = self.state();
        state.log(tenant)?;
        let by_id = state.live(tenant).find(|job| job.job.id == key);
        let job = by_id.or_else(|| state.live(tenant).find(|job| job.job.settings.name == key));
        Ok(job.map(|job| KeptJob { job: job.job.clone(), sealed_secrets: job.sealed_secrets.clone() }))
    }

    async fn jobs(
        &self,
        tenant: &TenantId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ExportJob>, StoreError> {
        let state = self.state();
        state.log(tenant)?;
        let place = |job: &ExportJob| (job.created, job.id.clone());
        let after = match after {
            Some(id) => {
                let mut jobs = state.jobs.iter().filter(|job| job.job.tenant == *tenant);
                let after = jobs.find(|job| job.job.id == id).ok_or(StoreError::JobNotFound)?;
                Some(place(&after.job))
            }
            None => None,
        };
        let mut jobs: Vec<ExportJob> = state.live(tenant).map(|job| job.job.clone()).collect();
        jobs.sort_by_key(place);
        Ok(jobs.into_iter().filter(|job| Some(place(job)) > after).take(limit).collect())
    }

    async fn update_job(&self, update: JobUpdate, witness: NewEvent) -> Result<ExportJob, StoreError> {
        self.change(|state| {
            state.log(&update.tenant)?;
            let others = |job: &&Job| job.job.id != update.id;
            let taken = state
                .live(&update.tenant)
                .filter(others)
                .any(|job| job.job.settings.name == update.settings.name);
            let job = state.live_mut(&update.tenant, &update.id)?;
            if job.job.revision != update.expected_revision {
                return Err(StoreError::RevisionMismatch { current: job.job.revision });
            }
            if taken {
                return Err(StoreError::JobExists);
            }
            job.revisions.push(update.settings.clone());
            job.job.settings = update.settings;
            job.job.revision += 1;
            job.job.updated = update.updated;
            job.job.standing.next_run = update.next_run;
            job.job.standing.declared = update.declared;
            if update.rescan {
                job.job.scanned_sequence = job.job.published_sequence;
            }
            job.sealed_secrets = update.sealed_secrets;
            let changed = job.job.clone();
            state.witness(&witness, update.updated)?;
            Ok(changed)
        })
    }

    async fn delete_job(&self, tenant: &TenantId, id: &str, witness: NewEvent) -> Result<(), StoreError> {
        self.change(|state| {
            state.log(tenant)?;
            let job = state.live_mut(tenant, id)?;
            let declared = job.job.standing.declared;
            job.deleted = true;
            job.sealed_secrets = None;
            job.lease_until = None;
            state.witness(&witness, witness.occurred)?;
            // After the witness: in a closed tenant that is the trouble, and no restart helps.
            if declared { Err(StoreError::JobDeclared) } else { Ok(()) }
        })
    }

    async fn job_settings(&self, job_id: &str, revision: u64) -> Result<JobSettings, StoreError> {
        let state = self.state();
        let job = state.any_job(job_id)?;
        let settings = revision.checked_sub(1).and_then(|index| job.revisions.get(index as usize));
        settings.cloned().ok_or_else(|| StoreError::Damaged("no such revision".to_owned()))
    }

    async fn pause_job(
        &self,
        tenant: &TenantId,
        id: &str,
        paused: bool,
        next_run: Option<Timestamp>,
        witness: NewEvent,
    ) -> Result<ExportJob, StoreError> {
        self.change(|state| {
            state.log(tenant)?;
            let job = state.live_mut(tenant, id)?;
            job.job.standing.paused = paused;
            job.job.standing.next_run = next_run;
            if !paused {
                job.job.standing.silent_since = Some(witness.occurred);
            }
            let changed = job.job.clone();
            state.witness(&witness, witness.occurred)?;
            Ok(changed)
        })
    }

    async fn due_jobs(&self, now: Timestamp, limit: usize) -> Result<Vec<DueJob>, StoreError> {
        let state = self.state();
        let leases = self.clock.now();
        let due = state.jobs.iter().filter_map(|job| {
            let tenant = job.job.tenant.clone();
            let log = &state.log(&tenant).ok()?.tenant;
            let due = job.due(now, leases, log)?;
            Some(DueJob { tenant, id: job.job.id.clone(), due })
        });
        let mut due: Vec<DueJob> = due.collect();
        due.sort_by_key(|job| match job.due {
            Due::Abandoned => (0, None),
            Due::Time(next) => (0, Some(next)),
            Due::Heartbeat => (1, None),
            Due::Events | Due::Bytes { .. } => (2, None),
        });
        due.truncate(limit);
        Ok(due)
    }

    async fn postpone_job(
        &self,
        tenant: &TenantId,
        id: &str,
        expected: Timestamp,
        next_run: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.change(|state| {
            let job = state.live_mut(tenant, id)?;
            if job.job.standing.next_run == Some(expected) {
                job.job.standing.next_run = next_run;
            }
            Ok(())
        })
    }

    async fn pass_over(&self, read: &ExportJob, through: u64) -> Result<(), StoreError> {
        self.change(|state| {
            let job = state.live_mut(&read.tenant, &read.id)?;
            let same = |job: &ExportJob| (job.revision, job.scanned_sequence);
            if job.lease_until.is_none() && same(&job.job) == same(read) {
                job.job.scanned_sequence = read.scanned_sequence.max(through);
            }
            Ok(())
        })
    }

    async fn stored_bytes(&self, tenant: &TenantId, from: u64, through: u64) -> Result<u64, StoreError> {
        let state = self.state();
        let events = state.log(tenant)?.events.iter();
        let within = events.filter(|kept| (from..=through).contains(&kept.stored.sequence));
        Ok(within.map(|kept| kept.stored.payload.len() as u64).sum())
    }

    async fn glance(&self, limit: usize) -> Result<Vec<JobGlance>, StoreError> {
        let state = self.state();
        let mut live: Vec<&Job> = state.jobs.iter().filter(|job| !job.deleted).collect();
        live.sort_by_key(|job| job.job.health != Health::Failing);
        live.into_iter().take(limit).map(|job| state.glance(job)).collect()
    }

    async fn lease_job(&self, job_id: &str, _owner: &str, term: Duration) -> Result<Lease, StoreError> {
        let now = self.clock.now();
        self.change(|state| {
            let tenant = state.any_job(job_id)?.job.tenant.clone();
            let job = state.live_mut(&tenant, job_id)?;
            if job.lease_until.is_some_and(|until| until > now) {
                return Err(StoreError::JobBusy);
            }
            job.fence += 1;
            job.lease_until = Some(now.plus_micros(term.as_micros() as i64));
            Ok(Lease { job_id: job_id.to_owned(), fence: job.fence })
        })
    }

    async fn renew_lease(&self, lease: &Lease, term: Duration) -> Result<(), StoreError> {
        let until = self.clock.now().plus_micros(term.as_micros() as i64);
        self.change(|state| {
            state.held(lease)?.lease_until = Some(until);
            Ok(())
        })
    }

    async fn finish_run(
        &self,
        lease: &Lease,
        outcome: RunOutcome,
        witnesses: Vec<NewEvent>,
    ) -> Result<(), StoreError> {
        self.change(|state| {
            let job = state.held(lease)?;
            job.lease_until = None;
            job.end(&outcome);
            for witness in &witnesses {
                match state.witness(witness, outcome.ended) {
                    Err(StoreError::TenantClosed) => {}
                    written => written?,
                }
            }
            Ok(())
        })
    }

    async fn record_heartbeat(&self, lease: &Lease, heartbeat: NewEvent) -> Result<bool, StoreError> {
        self.change(|state| {
            state.held(lease)?;
            match state.witness(&heartbeat, heartbeat.occurred) {
                Err(StoreError::TenantClosed) => Ok(false),
                written => written.map(|()| true),
            }
        })
    }

    async fn pending_file(&self, job_id: &str) -> Result<Option<ExportFile>, StoreError> {
        Ok(self.state().any_job(job_id)?.pending().cloned())
    }

    async fn cut_file(&self, lease: &Lease, cut: FileCut) -> Result<ExportFile, StoreError> {
        self.change(|state| {
            let job = state.held(lease)?;
            let follows = cut.first_sequence == job.job.published_sequence + 1;
            let new = job.job.scanned_sequence + 1..=cut.last_sequence;
            if job.pending().is_some() || !follows || !new.contains(&cut.first_event_sequence) {
                return Err(StoreError::Damaged("not the next file".to_owned()));
            }
            let file = ExportFile {
                job_id: lease.job_id.clone(),
                number: job.files.len() as u64 + 1,
                directory: cut.directory,
                name: cut.name,
                state: FileState::Cut,
                manifest: if cut.with_manifest { ManifestState::Due } else { ManifestState::None },
                first_sequence: cut.first_sequence,
                last_sequence: cut.last_sequence,
                first_event_sequence: cut.first_event_sequence,
                first_recorded: Some(cut.first_recorded),
                last_recorded: Some(cut.last_recorded),
                event_count: cut.event_count,
                size_bytes: 0,
                sha256: [0; 32],
                job_revision: cut.job_revision,
                fence: lease.fence,
                created: cut.created,
                published: None,
            };
            job.files.push(file.clone());
            Ok(file)
        })
    }

    async fn take_over_cut(&self, lease: &Lease, number: u64) -> Result<ExportFile, StoreError> {
        self.change(|state| {
            let file = state.held(lease)?.file(number, FileState::Cut)?;
            file.fence = lease.fence;
            Ok(file.clone())
        })
    }

    async fn take_over_uploaded(&self, lease: &Lease, number: u64) -> Result<ExportFile, StoreError> {
        self.change(|state| {
            let file = state.held(lease)?.file(number, FileState::Uploaded)?;
            file.fence = lease.fence;
            Ok(file.clone())
        })
    }

    async fn abandon_cut(&self, lease: &Lease, number: u64) -> Result<(), StoreError> {
        self.change(|state| {
            let job = state.held(lease)?;
            job.file(number, FileState::Cut)?;
            // Only the newest file can be in this state.
            job.files.pop();
            Ok(())
        })
    }

    async fn mark_uploaded(
        &self,
        lease: &Lease,
        number: u64,
        size_bytes: u64,
        sha256: [u8; 32],
    ) -> Result<ExportFile, StoreError> {
        self.change(|state| {
            let file = state.held(lease)?.file(number, FileState::Cut)?;
            if file.fence != lease.fence {
                return Err(StoreError::Damaged("cut under another lease".to_owned()));
            }
            file.state = FileState::Uploaded;
            file.size_bytes = size_bytes;
            file.sha256 = sha256;
            Ok(file.clone())
        })
    }

    async fn mark_published(
        &self,
        lease: &Lease,
        number: u64,
        published: Timestamp,
    ) -> Result<ExportFile, StoreError> {
        self.change(|state| {
            let job = state.held(lease)?;
            let file = job.file(number, FileState::Uploaded)?;
            file.state = FileState::Published;
            file.published = Some(published);
            let file = file.clone();
            job.job.scanned_sequence = file.last_sequence;
            job.job.published_sequence = file.last_sequence;
            job.job.standing.silent_since = Some(published);
            Ok(file)
        })
    }

    async fn mark_manifest(&self, lease: &Lease, number: u64) -> Result<ExportFile, StoreError> {
        self.change(|state| {
            let file = state.held(lease)?.file(number, FileState::Published)?;
            if file.manifest != ManifestState::Due {
                return Err(StoreError::Damaged("no manifest is due".to_owned()));
            }
            file.manifest = ManifestState::Published;
            Ok(file.clone())
        })
    }

    async fn advance_scanned(&self, lease: &Lease, sequence: u64) -> Result<(), StoreError> {
        self.change(|state| {
            let job = state.held(lease)?;
            if job.pending().is_some() {
                return Err(StoreError::Damaged("a file is pending".to_owned()));
            }
            job.job.scanned_sequence = job.job.scanned_sequence.max(sequence);
            Ok(())
        })
    }

    async fn files(
        &self,
        job_id: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ExportFile>, StoreError> {
        let state = self.state();
        let files = state.any_job(job_id)?.files.iter().rev();
        Ok(files.filter(|file| before.is_none_or(|n| file.number < n)).take(limit).cloned().collect())
    }

    async fn runs(
        &self,
        job_id: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ExportRun>, StoreError> {
        let state = self.state();
        let runs = state.any_job(job_id)?.runs.iter().rev();
        Ok(runs.filter(|run| before.is_none_or(|n| run.number < n)).take(limit).cloned().collect())
    }
}
