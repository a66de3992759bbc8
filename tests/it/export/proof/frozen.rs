//! Two `vidne serve` processes on one PostgreSQL. One is frozen (SIGSTOP) at each step of its conversation with an SFTP
//! server until its lease has run out and the other has taken over; then it wakes up and goes on as if nothing had been.

use std::{collections::BTreeSet, sync::Arc};

use futures::future::join_all;
use tokio::{sync::Semaphore, task::block_in_place, time::timeout};
use tokio_util::sync::CancellationToken;
use vidne::{
    client::{Client, ClientError},
    codec::proto::v1::ExportRunResult,
};

use super::{
    fleet::{AGAIN, AT_ONCE, Fleet, PATIENCE, client, configuration, may_pass, run, run_all, run_once},
    killed::{fleet_and_steps, one_job_for_each},
};
use crate::support::{
    postgres::TestDatabase,
    processes::kill,
    scripted::{
        Fault::Hold,
        Moment::{After, Before},
    },
    server::Server,
};

/// How many runs it takes at most until a left-over is found.
pub const CLEANED_EVERY: usize = 32;

/// When the first owner wakes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wakes {
    /// When the second one is done.
    Afterwards,
    /// In the middle of the second one's work.
    Meanwhile,
}

/// Runs a job until its step is `hit`, then on to its end; only some at once get that far.
async fn run_into(
    hit: CancellationToken,
    client: Client,
    job: String,
    gate: Arc<Semaphore>,
) -> Result<ExportRunResult, ClientError> {
    let mut permit = Some(gate.acquire_owned().await.unwrap());
    loop {
        let run = run_once(&client, &job);
        tokio::pin!(run);
        let ended = tokio::select! {
            ended = &mut run => ended,
            () = hit.cancelled(), if permit.is_some() => {
                permit = None;
                run.await
            }
        };
        if hit.is_cancelled() || ended.is_ok() {
            return ended;
        }
        assert!(ended.as_ref().is_err_and(may_pass), "{job}: {ended:?}");
        tokio::time::sleep(AGAIN).await;
    }
}

async fn frozen_at_each_step(wakes: Wakes) {
    let database = TestDatabase::create().await;
    let mut fleet = Fleet::new();
    let configuration = configuration(fleet.folder());
    let arguments =
        ["--database-url", database.url(), "--migrate", "--config", configuration.to_str().unwrap()];
    let first = block_in_place(|| Server::with_arguments(&arguments));
    let second = block_in_place(|| Server::with_arguments(&arguments));
    let steps = fleet_and_steps(&mut fleet, &first).await;
    let held = one_job_for_each(&mut fleet, &first, 0..steps.len(), &[Hold(Before), Hold(After)]).await;
    let (jobs, asleep) = (&fleet.jobs[1..], client(&first));

    let traps: Vec<_> =
        jobs.iter().zip(&held).map(|(job, (at, fault))| job.sftp.script.set(*at, *fault)).collect();
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let runs: Vec<_> = jobs
        .iter()
        .zip(&traps)
        .map(|(job, trap)| {
            tokio::spawn(run_into(trap.hit.clone(), asleep.clone(), job.name.clone(), gate.clone()))
        })
        .collect();
    let all_hit = join_all(traps.iter().map(|trap| trap.hit.cancelled()));
    timeout(PATIENCE, all_hit).await.expect("every job gets to its step");
    kill("STOP", &[first.process()]);

    let other = client(&second);
    let at = |number: usize| if wakes == Wakes::Meanwhile { number * 5 % steps.len() } else { usize::MAX };
    let more: Vec<_> =
        jobs.iter().enumerate().map(|(n, job)| job.sftp.script.set(at(n), Hold(Before))).collect();
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let taking_over: Vec<_> = jobs
        .iter()
        .zip(&more)
        .map(|(job, trap)| {
            tokio::spawn(run_into(trap.hit.clone(), other.clone(), job.name.clone(), gate.clone()))
        })
        .collect();
    let busy = taking_over.iter().zip(&more).map(|(run, trap)| async move {
        while !run.is_finished() && !trap.hit.is_cancelled() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    timeout(PATIENCE, join_all(busy)).await.expect("the second owner takes over");
    let delivered = fleet.delivered();

    traps.iter().for_each(|trap| trap.release.cancel());
    kill("CONT", &[first.process()]);
    let woken = timeout(PATIENCE, join_all(runs)).await.expect("the first owner's runs end");
    let lost = woken.iter().filter(|run| run.as_ref().unwrap().is_err()).count();
    more.iter().for_each(|trap| trap.release.cancel());
    let taken_over = join_all(taking_over).await;
    if wakes == Wakes::Afterwards {
        assert!(taken_over.iter().all(|run| run.as_ref().unwrap().is_ok()), "{taken_over:?}");
    }
    run_all(&fleet, &other).await;
    if wakes == Wakes::Afterwards {
        assert!(fleet.delivered() == delivered, "the first owner has changed what was delivered");
    }
    let left = fleet.check(&other).await;
    eprintln!("{} jobs, {lost} runs of the first owner failed, left for later: {left:?}", jobs.len());

    // Both are owners like any other again.
    fleet.record(&other, 4).await;
    for server in [&first, &second] {
        run_all(&fleet, &client(server)).await;
    }
    let left = fleet.check(&other).await;
    // What the frozen owner had begun, at most one for each job, under its own fence.
    let jobs_with_some: BTreeSet<_> = left.iter().map(|path| path.parent()).collect();
    assert_eq!(jobs_with_some.len(), left.len(), "{left:?}");
    assert!(
        left.iter().all(|path| path.extension().is_some_and(|extension| extension == "part")),
        "{left:?}"
    );
    if let Some(part) = left.first() {
        // Now and then a run looks for those.
        let job = part.parent().unwrap().file_name().unwrap().to_str().unwrap();
        for _ in 0..CLEANED_EVERY {
            run(&other, job).await.unwrap();
        }
        assert!(!part.exists(), "{} is never removed", part.display());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_a_server_that_was_frozen_past_its_lease_harms_nothing_when_it_wakes_up() {
    frozen_at_each_step(Wakes::Afterwards).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_a_frozen_server_that_wakes_up_beside_its_successor_harms_nothing() {
    frozen_at_each_step(Wakes::Meanwhile).await;
}
