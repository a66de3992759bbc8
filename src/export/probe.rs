//! Trying a destination out, step by step, without leaving anything there.

use std::fmt::Write;

use super::{
    ExportError,
    destination::{Destinations, DropFolder, Published},
    host_key::HostKey,
    secrets::scrub,
    sftp::HostKeyPin,
};
use crate::domain::export::{Destination, DestinationSecrets, SftpDestination};

const PROBE: &[u8] = b"vidne was here to test this folder; this file may be deleted\n";

/// What a test found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestReport {
    /// The key that the server presented; `None` for a local folder, or if there was no connection.
    pub host_key: Option<HostKey>,
    /// It is pinned, or was accepted with this call.
    pub host_key_trusted: bool,
    /// What was tried, in order; the last one may have failed.
    pub steps: Vec<TestStep>,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestStep {
    /// `resolve`, `connect`, `host_key`, `login`, `directory`, `write`, `mode`, `rename` or `delete`.
    pub name: &'static str,
    /// What went wrong and what to do about it; `None` if it worked.
    pub failure: Option<String>,
    /// What to know although it worked.
    pub note: Option<String>,
}

impl TestReport {
    /// Whether every step worked.
    pub fn ok(&self) -> bool {
        self.steps.iter().all(|step| step.failure.is_none())
    }

    /// Keeps how a step went; `None` if it failed, which ends the test.
    fn step<T>(&mut self, name: &'static str, tried: Result<T, ExportError>) -> Option<T> {
        let (value, failure) = match tried {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(error.to_string())),
        };
        self.steps.push(TestStep { name, failure, note: None });
        value
    }
}

/// Tests a destination: finds the server and shows its host key, and if that is pinned or is the `accepted`
/// fingerprint, logs in, looks at the folder, and writes, renames and deletes a probe. Sends no secret to a server
/// whose key is not trusted.
pub async fn test(
    destinations: &dyn Destinations,
    destination: &Destination,
    secrets: &DestinationSecrets,
    accepted: Option<&str>,
) -> TestReport {
    let mut report = TestReport::default();
    run(&mut report, destinations, destination, secrets, accepted).await;
    for failure in report.steps.iter_mut().filter_map(|step| step.failure.as_mut()) {
        *failure = scrub(failure, secrets);
    }
    report
}

/// `None` as soon as a step has failed.
async fn run(
    report: &mut TestReport,
    destinations: &dyn Destinations,
    destination: &Destination,
    secrets: &DestinationSecrets,
    accepted: Option<&str>,
) -> Option<()> {
    let Destination::Sftp(sftp) = destination else {
        let folder = destinations.open(destination, secrets).await;
        let folder = match folder {
            Ok(folder) => folder,
            // Buckets have no folders.
            Err(error) if !matches!(destination, Destination::Fs { .. }) => {
                return report.step("write", Err(error));
            }
            Err(error) => return report.step("directory", Err(error)),
        };
        if matches!(destination, Destination::Fs { .. }) {
            // One that is not there yet is made with the first file.
            report.step("directory", folder.is_there().await)?;
        }
        return probe(report, &*folder).await;
    };
    report.step("resolve", destinations.resolve(sftp).await)?;
    let presented = report.step("connect", destinations.host_key(sftp).await)?;
    report.host_key = Some(presented.clone());
    let trusted = match trust(sftp, &presented, accepted) {
        Ok(trusted) => trusted,
        Err(error) => return report.step("host_key", Err(error)),
    };
    let folder = match destinations.open(&Destination::Sftp(trusted.clone()), secrets).await {
        Ok(folder) => folder,
        Err(error) => return report.step("login", Err(error)),
    };
    // Connects once more, now with the pins: should another key be presented, nothing is sent.
    let looked = folder.is_there().await;
    if let Err(ExportError::HostKey { presented, .. }) = &looked {
        report.host_key = Some(presented.clone());
        return report.step("host_key", looked.map(drop));
    }
    let logged_in = !looked.as_ref().is_err_and(ExportError::is_before_the_folder);
    let other = other_pinned_key(&trusted, &presented);
    if other.is_none() || logged_in {
        report.host_key_trusted = true;
        report.host_key = other.or(report.host_key.take());
        report.step("host_key", Ok(()))?;
    }
    if !logged_in {
        return report.step("login", looked.map(drop));
    }
    report.step("login", Ok(()))?;
    report.step("directory", looked.and_then(|there| is_a_folder(there, &trusted.directory)))?;
    probe(report, &*folder).await
}

/// vidne makes folders below a destination's, but never that one itself: with a slip in its spelling, files would go
/// where nobody looks for them.
fn is_a_folder(there: bool, directory: &str) -> Result<(), ExportError> {
    if there {
        return Ok(());
    }
    Err(ExportError::destination(match directory {
        "" => "the folder where the login lands does not exist: have it made, or name another one".to_owned(),
        directory => format!(
            "there is no folder {directory:?}: check its spelling and that it begins where the login lands (or with a \
             slash), or have it made"
        ),
    }))
}

/// The destination with what is trusted of it, if the presented key can be.
fn trust(
    sftp: &SftpDestination,
    presented: &HostKey,
    accepted: Option<&str>,
) -> Result<SftpDestination, ExportError> {
    let refuse = |message: String| {
        let pinned = !sftp.host_keys.is_empty();
        ExportError::HostKey { message, presented: presented.clone(), pinned }
    };
    let HostKey { algorithm, fingerprint } = presented;
    let mut trusted = sftp.clone();
    match accepted {
        Some(accepted) if accepted == fingerprint => trusted.host_keys.push(accepted.to_owned()),
        Some(accepted) => {
            return Err(refuse(format!(
                "the server presented {algorithm} {fingerprint}, not the accepted {accepted}: stop, and ask the \
                 server's administrator which is right; nothing secret was sent"
            )));
        }
        None => {}
    }
    if trusted.host_keys.is_empty() {
        return Err(refuse(format!(
            "the server's key {algorithm} {fingerprint} is not trusted yet: compare it with what the server's \
             administrator says, then accept it"
        )));
    }
    let pins: Vec<HostKeyPin> = trusted.host_keys.iter().filter_map(|key| key.parse().ok()).collect();
    let known = pins.iter().any(|pin| pin.fingerprint() == *fingerprint);
    // With whole keys pinned the server is asked for those, which may be others than it presented unasked.
    let may_have_others = pins.iter().any(|pin| algorithm_of(pin).is_some_and(|pinned| pinned != *algorithm));
    if known || may_have_others {
        return Ok(trusted);
    }
    let list = pins.iter().map(HostKeyPin::fingerprint).collect::<Vec<_>>().join(" or ");
    Err(refuse(format!(
        "the server presented {algorithm} {fingerprint}, but pinned is {list}: stop, and ask the server's \
         administrator whether its key was changed; nothing secret was sent"
    )))
}

/// The pinned key by which a server was known that presented another one when it was not asked for any.
fn other_pinned_key(sftp: &SftpDestination, presented: &HostKey) -> Option<HostKey> {
    let pins: Vec<HostKeyPin> = sftp.host_keys.iter().filter_map(|key| key.parse().ok()).collect();
    if pins.iter().any(|pin| pin.fingerprint() == presented.fingerprint) {
        return None;
    }
    let key =
        |pin: &HostKeyPin| Some(HostKey { algorithm: algorithm_of(pin)?, fingerprint: pin.fingerprint() });
    pins.iter().find_map(key)
}

fn algorithm_of(pin: &HostKeyPin) -> Option<String> {
    match pin {
        HostKeyPin::Key(key) => Some(key.algorithm().as_str().to_owned()),
        HostKeyPin::Fingerprint(_) => None,
    }
}

async fn probe(report: &mut TestReport, folder: &dyn DropFolder) -> Option<()> {
    let (part, moved) = match probe_names() {
        Ok(names) => names,
        Err(error) => return report.step("write", Err(error)),
    };
    let done = try_out(report, folder, &part, &moved).await;
    if done.is_none() {
        // Best effort: the step that failed is the news.
        for name in [&part, &moved] {
            if let Err(error) = folder.delete(name).await {
                tracing::debug!(file.name = %name, %error, "a probe file may be left over");
            }
        }
    }
    done
}

async fn try_out(report: &mut TestReport, folder: &dyn DropFolder, part: &str, moved: &str) -> Option<()> {
    report.step("write", write(folder, part).await)?;
    if let Some(note) = folder.mode_refused() {
        report.steps.push(TestStep { name: "mode", failure: None, note: Some(note) });
    }
    let renamed = match folder.publish(part, moved).await {
        Ok(Published::Done) => Ok(()),
        Ok(Published::NameTaken | Published::PartMissing) => Err(ExportError::destination(
            "the probe disappeared: something takes hidden .part files from the folder; let it leave them alone",
        )),
        Err(error) => Err(error),
    };
    report.step("rename", renamed)?;
    report.step("delete", folder.delete(moved).await)
}

async fn write(folder: &dyn DropFolder, name: &str) -> Result<(), ExportError> {
    let mut file = folder.create(name).await?;
    file.write(PROBE.into()).await?;
    file.close().await?;
    match folder.size(name).await? {
        Some(size) if size == PROBE.len() as u64 => Ok(()),
        _ => Err(ExportError::unavailable(
            "the destination did not take the whole probe; its disk may be full or a quota reached",
        )),
    }
}

/// Names of a probe before and after it is published, such as nobody has.
pub(super) fn probe_names() -> Result<(String, String), ExportError> {
    let mut random = [0; 8];
    getrandom::fill(&mut random)
        .map_err(|_| ExportError::unavailable("the system's random generator failed"))?;
    let random = random.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    Ok((format!(".vidne-probe-{random}.part"), format!(".vidne-probe-{random}.moved.part")))
}
