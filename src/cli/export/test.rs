//! `vidne export test`, and how a host key gets trusted.

use clap::Args;
use serde_json::json;

use crate::{
    client::Client,
    codec::proto::v1::{
        HostKey, TestDestinationRequest, TestDestinationResponse, destination,
        test_destination_request::Target,
    },
};

use super::{
    super::{
        CliError,
        error::can_ask,
        output::{
            consent,
            escape::escape,
            progress,
            stdout::{Stdout, note},
            style::Style,
        },
    },
    Common,
    destination::DestinationArgs,
};

/// Arguments of `vidne export test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The job's id or name; without it, the destination that the flags describe.
    #[arg(value_name = "JOB", conflicts_with_all = ["sftp", "fs", "s3", "azblob", "gcs"], required_unless_present_any = ["sftp", "fs", "s3", "azblob", "gcs"])]
    job: Option<String>,
    #[command(flatten)]
    destination: DestinationArgs,
    #[command(flatten)]
    common: Common,
}

/// Runs `vidne export test`.
///
/// # Errors
///
/// If the destination does not work.
pub async fn run(args: TestArgs) -> Result<(), CliError> {
    let client = args.common.server.client()?;
    let (target, pinned) = match &args.job {
        Some(job) => {
            let job = client.get_export_job(&args.common.tenant, job).await?;
            let sftp = job.destination.and_then(|destination| destination.kind);
            let pinned = matches!(sftp, Some(destination::Kind::Sftp(sftp)) if !sftp.host_keys.is_empty());
            (Target::JobId(job.job_id), pinned)
        }
        None => {
            let pinned = !args.destination.host_keys.is_empty();
            (Target::Destination(args.destination.destination()?), pinned)
        }
    };
    let accept = args.destination.accept_host_key.as_deref();
    let test = Test { client: &client, tenant: &args.common.tenant, pinned, quiet: args.common.json };
    let answer = test.with_consent(target, accept).await?;
    let mut out = Stdout::new();
    if args.common.json {
        out.json(&to_json(&answer))?;
    } else {
        for line in describe(&answer, Style::stdout()) {
            out.line(&line)?;
        }
        if answer.ok {
            out.line(&Style::stdout().green("The destination works."))?;
        }
    }
    out.flush()?;
    if answer.ok { Ok(()) } else { Err(failure(&answer)) }
}

/// How destinations are tried.
pub struct Test<'a> {
    /// The server that tries them.
    pub client: &'a Client,
    /// The log.
    pub tenant: &'a str,
    /// A key is pinned already, so that another one is alarming.
    pub pinned: bool,
    /// Say nothing on standard error but questions.
    pub quiet: bool,
}

impl Test<'_> {
    /// Tries a destination. If only its host key is in the way, shows it and, on consent (or if it is `accept`), tries
    /// again with it trusted; then the answer's key is the one that was accepted.
    pub async fn with_consent(
        &self,
        target: Target,
        accept: Option<&str>,
    ) -> Result<TestDestinationResponse, CliError> {
        let first = self.once(target.clone(), accept.unwrap_or_default()).await?;
        let Some(key) = first.host_key.as_ref().filter(|key| !key.trusted && !first.ok) else {
            return Ok(first);
        };
        if let Some(accepted) = accept {
            return Err(CliError::failed_hint(
                format!("the server presents the key {}, not {accepted}", key.fingerprint),
                "somebody may be in between, or the fingerprint is of another key of the server: compare with \
                 `ssh-keygen -lf` on the server",
            ));
        }
        self.ask(key)?;
        self.once(target, &key.fingerprint).await
    }

    async fn once(&self, target: Target, accept: &str) -> Result<TestDestinationResponse, CliError> {
        let spinner = progress::spinner("testing the destination");
        let request = TestDestinationRequest {
            tenant_id: self.tenant.to_owned(),
            target: Some(target),
            accept_host_key: accept.to_owned(),
        };
        let answer = self.client.test_destination(request).await;
        spinner.finish_and_clear();
        Ok(answer?)
    }

    fn ask(&self, key: &HostKey) -> Result<(), CliError> {
        let style = Style::stderr();
        let fingerprint = escape(&key.fingerprint);
        if !can_ask() {
            return Err(CliError::failed_hint(
                format!("the server's host key is not trusted: {} {fingerprint}", key.algorithm),
                format!(
                    "compare it with `ssh-keygen -lf` on the server, then say --accept-host-key {fingerprint}"
                ),
            ));
        }
        if self.pinned {
            note(&style.red("The server presents another host key than the one that is pinned."));
            note(
                "Somebody may be in between, or the server was reinstalled. Ask whoever runs it before you go on.",
            );
        } else if !self.quiet {
            note(
                "The server is not known yet. Compare this with what whoever runs it says (`ssh-keygen -lf` there):",
            );
        }
        note(&format!("  {} {}", escape(&key.algorithm), style.bold(&fingerprint)));
        if consent::confirm("Trust this key, and only this one, from now on?")? {
            Ok(())
        } else {
            Err(CliError::failed("the host key was not accepted; no secret was sent"))
        }
    }
}

/// The steps, one per line.
pub fn describe(answer: &TestDestinationResponse, style: Style) -> Vec<String> {
    let key = answer.host_key.iter().map(|key| {
        let trusted = if key.trusted { "" } else { " (not trusted)" };
        format!("{} {}{trusted}", escape(&key.algorithm), escape(&key.fingerprint))
    });
    let steps = answer.steps.iter().map(|step| {
        let mark = if step.ok { style.green("ok    ") } else { style.red("failed") };
        format!("{mark}  {:<11}{}", escape(&step.name), escape(&step.message)).trim_end().to_owned()
    });
    key.chain(steps).collect()
}

/// What a destination that does not work means for the command.
pub fn failure(answer: &TestDestinationResponse) -> CliError {
    match answer.steps.iter().find(|step| !step.ok) {
        Some(step) => {
            CliError::failed(format!("the destination does not work: {}: {}", step.name, step.message))
        }
        None => CliError::failed("the destination does not work"),
    }
}

fn to_json(answer: &TestDestinationResponse) -> serde_json::Value {
    let steps =
        answer.steps.iter().map(|step| json!({ "name": step.name, "ok": step.ok, "message": step.message }));
    let mut value = json!({ "ok": answer.ok, "steps": steps.collect::<Vec<_>>() });
    if let Some(key) = &answer.host_key {
        value["host_key"] =
            json!({ "algorithm": key.algorithm, "fingerprint": key.fingerprint, "trusted": key.trusted });
    }
    value
}
