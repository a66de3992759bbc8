//! `vidne export status`: how every job of a tenant is doing.

use clap::Args;
use serde_json::{Value as Json, json};

use super::{
    super::{
        CliError,
        output::{
            job,
            json::{self, without_empty},
            stdout::Stdout,
            style::Style,
            table,
        },
    },
    Common, schedule,
    show::all_jobs,
    words,
};
use crate::codec::proto::v1::{ExportHealth, ExportJob};

const ERROR_CHARACTERS: usize = 80;

/// Arguments of `vidne export status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    common: Common,
}

/// Shows how every job is doing.
///
/// # Errors
///
/// If there is no such tenant.
pub async fn run(args: StatusArgs) -> Result<(), CliError> {
    let jobs = all_jobs(&args.common.server.client()?, &args.common.tenant).await?;
    let now = jiff::Timestamp::now().as_second();
    let mut out = Stdout::new();
    if args.common.json {
        for job in &jobs {
            out.json(&to_json(job, now))?;
        }
    } else {
        let header =
            ["NAME", "STATE", "SCHEDULE", "WAITING", "FOR", "LAST SUCCESS", "NEXT RUN", "LAST ERROR"];
        let mut table = table::new(&header, table::width(), Style::stdout());
        for job in &jobs {
            table::row(&mut table, cells(job, now));
        }
        for line in table::lines(&table) {
            out.line(&line)?;
        }
    }
    Ok(out.flush()?)
}

/// One word: `paused`, `failing`, `waiting` for its first run, or `ok`.
pub fn state(job: &ExportJob) -> &'static str {
    match job.health() {
        _ if job.paused => "paused",
        ExportHealth::Failing => "failing",
        ExportHealth::Unspecified => "waiting",
        ExportHealth::Ok => "ok",
    }
}

/// Events that wait, whether they match or not.
pub fn lag_events(job: &ExportJob) -> u64 {
    job.head_sequence.saturating_sub(job.scanned_sequence)
}

/// For how many seconds the first of them has waited, by this machine's clock.
fn lag_seconds(job: &ExportJob, now: i64) -> i64 {
    job.waiting_since_time.as_ref().map_or(0, |since| (now - since.seconds).max(0))
}

fn cells(job: &ExportJob, now: i64) -> [String; 8] {
    let waits = lag_events(job) > 0;
    [
        job.name.clone(),
        state(job).to_owned(),
        schedule::describe(job.schedule.as_ref()),
        format!("{} events", lag_events(job)),
        if waits { words::short(lag_seconds(job, now)) } else { String::new() },
        words::relative(job.last_success_time.as_ref(), now),
        if job.paused { String::new() } else { words::relative(job.next_run_time.as_ref(), now) },
        words::cut(&job.last_error, ERROR_CHARACTERS),
    ]
}

fn to_json(job: &ExportJob, now: i64) -> Json {
    without_empty(json!({
        "job_id": job.job_id,
        "name": job.name,
        "tenant_id": job.tenant_id,
        "state": state(job),
        "schedule": schedule::describe(job.schedule.as_ref()),
        "lag_events": lag_events(job),
        "lag_seconds": lag_seconds(job, now),
        "last_success_time": json::time(job.last_success_time.as_ref()),
        "next_run_time": json::time(job.next_run_time.as_ref()),
        "failing_since_time": json::time(job.failing_since_time.as_ref()),
        "failures": job.failures,
        "failure": job::failure(job.failure()),
        "last_error": job.last_error,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_paused_failing_waiting_or_ok() {
        let job = |health: ExportHealth, paused| ExportJob {
            health: health.into(),
            paused,
            ..ExportJob::default()
        };
        assert_eq!(state(&job(ExportHealth::Failing, true)), "paused");
        assert_eq!(state(&job(ExportHealth::Failing, false)), "failing");
        assert_eq!(state(&job(ExportHealth::Unspecified, false)), "waiting");
        assert_eq!(state(&job(ExportHealth::Ok, false)), "ok");
    }

    #[test]
    fn a_row_tells_how_far_behind_a_job_is_and_why() {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let job = ExportJob {
            name: "siem".into(),
            health: ExportHealth::Failing.into(),
            scanned_sequence: 10,
            head_sequence: 17,
            waiting_since_time: at(900),
            last_success_time: at(880),
            next_run_time: at(1_060),
            last_error: "x".repeat(200),
            ..ExportJob::default()
        };
        let cells = cells(&job, 1_000);
        assert_eq!(cells[..7], ["siem", "failing", "", "7 events", "1m 40s", "2m ago", "in 1m"]);
        assert_eq!(cells[7].len(), ERROR_CHARACTERS);
        assert_eq!(to_json(&job, 1_000)["lag_seconds"], 100);
    }
}
