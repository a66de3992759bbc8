//! Exporting a past range once more.

use super::{Exports, new_job_id, testimony};
use crate::{
    domain::{
        catalogue::EventType,
        export::{ExportJob, JobSettings, ReExport, Schedule, Standing, Start},
        id::TenantId,
        text::cut,
        violation::Violations,
    },
    export::secrets,
    service::ServiceError,
    store::{StoreError, contract::NewJob},
};

/// Names tried before giving up: `_r1` to `_r99`.
const NAMES: u32 = 99;
/// Bytes of a job's name.
const NAME_BYTES: usize = 63;

impl Exports {
    /// Makes a job that exports `first..=last` of what `key` has published once more, with its present settings, under
    /// names of its own (its id is in them), and then ends. 0 stands for the first, or the last.
    pub async fn export_again(
        &self,
        tenant: &TenantId,
        key: &str,
        first: u64,
        last: u64,
        caller: &str,
    ) -> Result<ExportJob, ServiceError> {
        let kept = self.kept(tenant, key).await?;
        let job = &kept.job;
        let first = first.max(1);
        let last = if last == 0 { job.published_sequence } else { last };
        check(first, last, job.published_sequence)?;
        let opened = self.secrets(&kept)?;
        for number in 1..=NAMES {
            let id = new_job_id()?;
            let created = self.parts().clock.now();
            // Of an export of a past range, the job that it was first exported by: its heartbeats belong to the range.
            let of = job.standing.reexport.as_ref().map_or(&job.id, |again| &again.of);
            let reexport = ReExport { of: of.clone(), end: last };
            let settings = settings(&job.settings, number, first);
            let testimony = testimony::reexported(job, &reexport, &id, &settings.name, first, caller);
            let event_type = EventType::SERVICE_EXPORT_JOB_CREATED;
            let witness = self.parts().witness.event(event_type, tenant, testimony)?;
            let new = NewJob {
                sealed_secrets: secrets::seal(&self.parts().vault, &id, &opened)?,
                id,
                tenant: tenant.clone(),
                settings,
                created,
                start_after: first - 1,
                standing: Standing {
                    next_run: Some(created),
                    reexport: Some(reexport),
                    ..Standing::default()
                },
            };
            match self.store().create_job(new, witness).await {
                Err(StoreError::JobExists) => {}
                made => return Ok(made?),
            }
        }
        Err(StoreError::JobExists.into())
    }
}

fn check(first: u64, last: u64, published: u64) -> Result<(), Violations> {
    let mut wrong = Violations::new();
    if last > published {
        let message = format!("not exported yet; give at most {published}, or nothing for all of it");
        wrong.add("last_sequence", message);
    }
    if first > last {
        wrong.add("first_sequence", format!("after the last position, which is {last}"));
    }
    wrong.into_result(())
}

fn settings(of: &JobSettings, number: u32, first: u64) -> JobSettings {
    let ending = format!("_r{number}");
    let mut settings = of.clone();
    cut(&mut settings.name, NAME_BYTES - ending.len());
    settings.name.push_str(&ending);
    settings.delivery.schedule = Schedule::default();
    settings.delivery.start = Start::Sequence(first);
    settings
}
