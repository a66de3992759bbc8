//! Testing a destination, and pinning the host key that the caller accepts.

use super::{Exports, testimony};
use crate::{
    domain::{
        catalogue::EventType,
        export::{Destination, DestinationSecrets, ExportJob},
        id::TenantId,
        violation::Violations,
    },
    export::{
        probe::{self, TestReport},
        sftp::HostKeyPin,
    },
    service::ServiceError,
};

/// What to test.
#[expect(clippy::large_enum_variant, reason = "one is made per call")]
#[derive(Clone, Debug)]
pub enum TestTarget {
    /// The destination of this job (id or name), with the secrets that are kept.
    Job(String),
    /// A destination that is not kept anywhere.
    Destination(Destination, DestinationSecrets),
}

/// What a test found and did.
#[derive(Clone, Debug)]
pub struct TestedDestination {
    /// The steps.
    pub report: TestReport,
    /// The job's new revision, if the host key was pinned to it.
    pub pinned: Option<ExportJob>,
}

impl Exports {
    /// Tests a destination. A destination that does not work is an answer, not an error. With
    /// `accepted_host_key` (a `SHA256:...` fingerprint) that key is trusted for this test, if it is exactly
    /// what the server presents, and pinned to the job; another key presented is a hard stop.
    pub async fn test_destination(
        &self,
        tenant: &TenantId,
        target: TestTarget,
        accepted_host_key: Option<&str>,
        caller: &str,
    ) -> Result<TestedDestination, ServiceError> {
        let accepted = accepted_host_key.map(fingerprint).transpose()?;
        let (job, destination, secrets) = match target {
            TestTarget::Job(key) => {
                let kept = self.kept(tenant, &key).await?;
                let secrets = self.secrets(&kept)?;
                let destination = kept.job.settings.destination.clone();
                (Some(kept.job), destination, secrets)
            }
            TestTarget::Destination(destination, secrets) => (None, destination, secrets),
        };
        let destinations = &*self.parts().destinations;
        let report = probe::test(destinations, &destination, &secrets, accepted.as_deref()).await;
        let pinned = match (job, accepted) {
            (Some(job), Some(accepted)) if shows(&report, &accepted) => {
                self.pin(job, accepted, &secrets, caller).await?
            }
            _ => None,
        };
        Ok(TestedDestination { report, pinned })
    }

    /// Pins a key beside those that are pinned already, so that a server can change its key.
    async fn pin(
        &self,
        job: ExportJob,
        accepted: String,
        secrets: &DestinationSecrets,
        caller: &str,
    ) -> Result<Option<ExportJob>, ServiceError> {
        let mut settings = job.settings.clone();
        let Destination::Sftp(sftp) = &mut settings.destination else { return Ok(None) };
        let is_accepted = |key: &String| key.parse::<HostKeyPin>().is_ok_and(|k| k.fingerprint() == accepted);
        if sftp.host_keys.iter().any(is_accepted) {
            return Ok(None);
        }
        let testimony = testimony::host_key_accepted(&job, &accepted, caller);
        sftp.host_keys.push(accepted);
        let event_type = EventType::SERVICE_HOST_KEY_ACCEPTED;
        let witness = self.parts().witness.event(event_type, &job.tenant, testimony)?;
        self.revise(&job, settings, secrets, job.standing.declared, witness).await.map(Some)
    }
}

fn shows(report: &TestReport, accepted: &str) -> bool {
    report.host_key_trusted && report.host_key.as_ref().is_some_and(|key| key.fingerprint == accepted)
}

/// The fingerprint in its one spelling.
fn fingerprint(text: &str) -> Result<String, Violations> {
    match text.parse::<HostKeyPin>() {
        Ok(pin @ HostKeyPin::Fingerprint(_)) => Ok(pin.fingerprint()),
        _ => Err(Violations::one(
            "accept_host_key",
            "not a fingerprint; give SHA256: and 43 letters of base64, as ssh-keygen -l prints it",
        )),
    }
}
