//! A `vidne serve` process is killed with -9 at each step of its conversation with an SFTP server, and again while the next
//! one finishes what it left.

use futures::{StreamExt, stream};
use tokio::{task::block_in_place, time::timeout};

use super::fleet::{AT_ONCE, Fleet, PATIENCE, client, configuration, run, run_all};
use crate::support::{
    effort::rounds,
    postgres::TestDatabase,
    scripted::{
        Fault::{self, Hold, HoldAndCut},
        Moment::{After, Before},
        Nature, Step,
    },
    server::Server,
};

/// What becomes of the request that was on the way.
const FATES: [Fault; 3] = [HoldAndCut, Hold(After), Hold(Before)];

/// A fleet whose first job has run to its end, and the steps that it took.
pub async fn fleet_and_steps(fleet: &mut Fleet, server: &Server) -> Vec<Step> {
    let client = client(server);
    fleet.record(&client, 4).await;
    let job = fleet.add(&client, Nature::default()).await;
    job.sftp.script.listen();
    run(&client, &job.name).await.unwrap();
    job.sftp.script.steps()
}

/// A job for each step, and for each of its fates in long runs; every second one has a consumer.
pub async fn one_job_for_each(
    fleet: &mut Fleet,
    server: &Server,
    steps: impl Iterator<Item = usize>,
    fates: &[Fault],
) -> Vec<(usize, Fault)> {
    let client = client(server);
    let mut held = Vec::new();
    for at in steps {
        for turn in 0..rounds(1, 2 * fates.len() as u32) as usize {
            let consumer = (at / fates.len() + turn / fates.len()) % 2 == 1;
            fleet.add(&client, Nature { consumer, ..Nature::default() }).await;
            held.push((at, fates[(at + turn) % fates.len()]));
        }
    }
    held
}

/// `every`: in short runs, only every so many steps.
async fn killed_at_each_step(mut server: Server, mut fleet: Fleet, every: usize) {
    let steps = fleet_and_steps(&mut fleet, &server).await;
    assert!(steps.len() > 25, "{steps:?}");
    let every = rounds(every as u32, 1) as usize;
    let at = (0..steps.len()).step_by(every);
    let mut held = one_job_for_each(&mut fleet, &server, at, &FATES).await;
    for round in 0..rounds(2, 8) as usize {
        let first = round == 0;
        if !first {
            // Somewhere in what a run that finishes another's does; one that ends before is not harmed.
            for (number, (at, _)) in held.iter_mut().enumerate() {
                *at = (number * 7 + round * 5) % (steps.len() / round.min(2));
            }
        }
        let client = client(&server);
        let jobs = &fleet.jobs[1..];
        let traps: Vec<_> =
            jobs.iter().zip(&held).map(|(job, (at, fate))| job.sftp.script.set(*at, *fate)).collect();
        let runs = jobs.iter().zip(&traps).map(|(job, trap)| {
            let client = client.clone();
            async move {
                tokio::select! {
                    () = trap.hit.cancelled() => true,
                    ended = run(&client, &job.name) => {
                        assert!(!first, "{} ended before its step: {ended:?}", job.name);
                        ended.unwrap();
                        false
                    }
                }
            }
        });
        let runs = stream::iter(runs).buffered(AT_ONCE).collect::<Vec<_>>();
        let hit = timeout(PATIENCE, runs).await.expect("every job gets to its step or ends");
        block_in_place(|| server.kill9());
        traps.iter().for_each(|trap| trap.release.cancel());
        jobs.iter().for_each(|job| job.sftp.script.listen());
        block_in_place(|| server.restart());
        eprintln!(
            "round {round}: {} of {} jobs were killed at a step",
            hit.iter().filter(|hit| **hit).count(),
            hit.len()
        );
    }
    let client = client(&server);
    run_all(&fleet, &client).await;
    let left = fleet.check(&client).await;
    fleet.record(&client, 4).await;
    let again = run_all(&fleet, &client).await;
    assert!(again.iter().all(|run| run.events == 4), "{again:?}");
    let still_left = fleet.check(&client).await;
    // A request that was on the way when its sender died may make a file after everything was cleaned up.
    let late = |path: &std::path::PathBuf| {
        let job = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let number: usize = job["job-".len()..].parse().unwrap();
        held[number - 1].1 == Hold(Before)
    };
    assert!(still_left.iter().all(late), "temporary files are left: {left:?}, {still_left:?}");
    eprintln!("{} jobs, {} late temporary files", fleet.jobs.len(), still_left.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_a_server_that_is_killed_at_any_step_of_sftp_costs_nothing_on_sqlite() {
    let fleet = Fleet::new();
    let configuration = configuration(fleet.folder());
    let server = block_in_place(|| Server::with_arguments(&["--config", configuration.to_str().unwrap()]));
    killed_at_each_step(server, fleet, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_a_server_that_is_killed_at_any_step_of_sftp_costs_nothing_on_postgresql() {
    let database = TestDatabase::create().await;
    let fleet = Fleet::new();
    let configuration = configuration(fleet.folder());
    let arguments =
        ["--database-url", database.url(), "--migrate", "--config", configuration.to_str().unwrap()];
    let server = block_in_place(|| Server::with_arguments(&arguments));
    killed_at_each_step(server, fleet, 4).await;
}
