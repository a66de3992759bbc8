//! Two `vidne serve` processes on one PostgreSQL behind one address are replaced one after the other, as a Deployment does
//! it, while clients record and export jobs run by themselves.
//!
//! A lease lasts an hour here: a job that goes on within the test goes on because its lease was given up, not because it
//! ran out. `jobs` is what runs, `writers` who records, `check` what must be true in the end.

mod check;
mod jobs;
mod writers;

use std::{fs, time::Duration};

use tokio::{
    task::block_in_place,
    time::{Instant, sleep, timeout},
};
use vidne::{
    client::{Client, ClientOptions, ExportRun},
    codec::proto::v1::run_export_job_response::Kind,
};

use self::{
    check::{check, not_well, parts},
    jobs::{JOBS, STEADY, published},
    writers::Writers,
};
use super::{fleet::may_pass, frozen::CLEANED_EVERY};
use crate::support::{
    effort::rounds,
    postgres::TestDatabase,
    processes::kill,
    proxy::Proxy,
    server::Server,
    sshd::{Login, Sshd},
};

/// Much longer than the test.
const LEASE: &str = "1h";
/// For everything that takes as long as the machine likes. Still shorter than a lease by far.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// After which a run whose destination is frozen is taken to stand still.
const SILENCE: Duration = Duration::from_millis(100);

/// The delays are shorter than a chart's.
fn configuration(folder: &std::path::Path) -> String {
    let path = folder.join("vidne.toml");
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let text = format!(
        "[export]\nlease = \"{LEASE}\"\npoll_interval = \"100ms\"\n[keys]\nkey = \"{key}\"\n\
         [server]\nmax_connection_age = \"1s\"\n[shutdown]\ndelay = \"100ms\"\ndeadline = \"20s\"\n"
    );
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A client that goes on asking while servers come and go.
fn patient(endpoint: &str) -> Client {
    let options = ClientOptions {
        first_backoff: Duration::from_millis(10),
        longest_backoff: Duration::from_millis(200),
        max_retries: 1_000,
        ..ClientOptions::default()
    };
    Client::connect(endpoint, options).unwrap()
}

/// Begins a run as soon as nobody else's goes on.
async fn begin(client: &Client, job: &str) -> ExportRun {
    let end = Instant::now() + PATIENCE;
    loop {
        match client.run_export_job("default", job).await {
            // Or its connection was just about to become too old.
            Err(error) if (may_pass(&error) || error.is_transient()) && Instant::now() < end => {
                sleep(LOOK).await;
            }
            begun => return begun.unwrap_or_else(|error| panic!("{job}: {error:?}")),
        }
    }
}

/// Runs a job once; how many files that gave.
async fn run_to_the_end(client: &Client, job: &str) -> u64 {
    let mut run = begin(client, job).await;
    loop {
        let step = run.next().await.unwrap().expect("a run ends with a result");
        if let Some(Kind::Result(result)) = step.kind {
            return result.files;
        }
    }
}

/// A run of this server's that stands in the middle of a file, since no session of the destination moves.
async fn stand_in_the_middle(server: &Server, sshd: &Sshd) -> ExportRun {
    let client = patient(&server.endpoint());
    loop {
        let mut run = begin(&client, STEADY).await;
        // Connected and logged in when there is a file; without one there was nothing to do.
        let begun = matches!(run.next().await.unwrap().and_then(|step| step.kind), Some(Kind::File(_)));
        if !begun {
            continue;
        }
        signal(sshd, "STOP");
        let ended = loop {
            match timeout(SILENCE, run.next()).await {
                Err(_) => break false,
                Ok(step) => {
                    if !matches!(step.unwrap().and_then(|step| step.kind), Some(Kind::File(_))) {
                        break true;
                    }
                }
            }
        };
        if !ended {
            return run;
        }
        signal(sshd, "CONT");
    }
}

/// To every session there is, if any.
fn signal(sshd: &Sshd, signal: &str) {
    block_in_place(|| kill(signal, &sshd.server.sessions()));
}

/// How a run ends that nobody lets end.
async fn is_stopped(mut run: ExportRun) -> bool {
    loop {
        match run.next().await {
            Ok(Some(step)) if matches!(step.kind, Some(Kind::File(_))) => {}
            Ok(_) => return false,
            Err(error) => {
                assert!(error.is_transient(), "{error:?}");
                return true;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_no_job_runs_twice_and_none_stands_still_while_two_servers_are_upgraded_under_load() {
    let sshd = Sshd::start(Login::PasswordOrKey);
    let folder = tempfile::tempdir().unwrap();
    let configuration = configuration(folder.path());
    let database = TestDatabase::create().await;
    let arguments = ["--database-url", database.url(), "--migrate", "--config", &configuration];
    let mut servers = block_in_place(|| [(); 2].map(|()| Server::with_arguments(&arguments)));
    let proxy = Proxy::start(servers.iter().map(|server| server.addresses().listen).collect()).await;
    let client = patient(&proxy.endpoint());
    for job in &JOBS {
        client.create_export_job(job.message(&sshd)).await.unwrap();
    }
    let writers = Writers::start(|| patient(&proxy.endpoint()));

    let (mut stopped, mut waited) = (0, Duration::ZERO);
    for round in 0..rounds(2, 30) as usize {
        let (ends, stays) = (round % 2, 1 - round % 2);
        let run = stand_in_the_middle(&servers[ends], &sshd).await;
        let ended = block_in_place(|| servers[ends].terminate());
        assert!(ended.success(), "{ended}: {}", servers[ends].log());
        assert_eq!(not_well(&servers[ends].log()), Vec::<String>::new());
        signal(&sshd, "CONT");
        stopped += usize::from(is_stopped(run).await);
        // All of them go on with the one server that is left.
        let (left, since) = (patient(&servers[stays].endpoint()), Instant::now());
        let before = published(&left).await;
        let all = async {
            while published(&left).await.iter().zip(&before).any(|(now, before)| now <= before) {
                sleep(LOOK).await;
            }
        };
        if timeout(PATIENCE, all).await.is_err() {
            panic!("jobs stand still: {before:?}, {:?}; {}", published(&left).await, servers[stays].log());
        }
        waited = waited.max(since.elapsed());
        block_in_place(|| servers[ends].restart());
    }
    assert!(stopped > 0, "no run was stopped in its middle");
    let sent = timeout(PATIENCE, writers.stop()).await.expect("every client is answered");

    // What no schedule has taken yet. What a server that ended had asked for may be done after others have cleaned up;
    // now and then a run looks for that.
    for job in &JOBS {
        while run_to_the_end(&client, job.name).await > 0 {}
        for _ in 0..CLEANED_EVERY {
            if parts(&sshd.landing_folder(), job).is_empty() {
                break;
            }
            run_to_the_end(&client, job.name).await;
        }
    }
    for server in &servers {
        assert_eq!(not_well(&server.log()), Vec::<String>::new());
    }
    let figures = check(&client, &sshd.landing_folder(), &sent, stopped).await;
    eprintln!("{figures}; all jobs went on within {} ms", waited.as_millis());
}
