//! Jobs that are made what a declaration says, and those that are left alone.

use vidne::{
    domain::{
        declared::DeclaredJob,
        delivery::Start,
        export::{Destination, DestinationSecrets, ExportJob, JobSettings, SftpDestination},
        secret::Secret,
    },
    service::exports::{Made, NewAs},
};

use super::{
    bed::{Bed, CALLER, Server, default_tenant, settings},
    faults::{Harm, Plan},
};

fn declared(settings: JobSettings) -> DeclaredJob {
    DeclaredJob { tenant: default_tenant(), settings, paused: false, adopt: false }
}

fn sftp(address: &str) -> JobSettings {
    let destination = SftpDestination {
        address: address.to_owned(),
        user_name: "xflow".to_owned(),
        ..SftpDestination::default()
    };
    JobSettings { destination: Destination::Sftp(destination), ..settings() }
}

async fn declare(server: &Server, job: &DeclaredJob) -> Made {
    server.exports.declare(job, CALLER).await.unwrap()
}

async fn get(server: &Server, name: &str) -> ExportJob {
    server.exports.get(&default_tenant(), name).await.unwrap()
}

/// Changes the destination and the secrets of the job "siem", as a call does.
async fn change(server: &Server, change: fn(&mut SftpDestination, &mut DestinationSecrets)) {
    let revision = get(server, "siem").await.revision;
    let change = |old: &JobSettings, mut secrets| {
        let mut new = old.clone();
        let Destination::Sftp(sftp) = &mut new.destination else { panic!("{:?}", new.destination) };
        change(sftp, &mut secrets);
        Ok((new, secrets))
    };
    server.exports.update(&default_tenant(), "siem", revision, change, CALLER).await.unwrap();
}

fn host_keys(job: &ExportJob) -> &[String] {
    let Destination::Sftp(sftp) = &job.settings.destination else { panic!("{:?}", job.settings.destination) };
    &sftp.host_keys
}

#[tokio::test]
async fn a_declared_job_keeps_its_beginning_and_while_its_address_stays_its_host_keys() {
    let server = Bed::new().good_server();
    let mut job = declared(sftp("siem.example.org"));
    job.settings.delivery.start = Start::Sequence(3);
    assert_eq!(declare(&server, &job).await, Made::Created);
    job.settings.delivery.start = Start::Now;
    assert_eq!(declare(&server, &job).await, Made::Unchanged);
    let key = format!("SHA256:{}", "A".repeat(43));
    change(&server, |sftp, _| sftp.host_keys.push(format!("SHA256:{}", "A".repeat(43)))).await;
    assert_eq!(declare(&server, &job).await, Made::Unchanged);
    let kept = get(&server, "siem").await;
    assert_eq!((kept.revision, host_keys(&kept)), (2, &[key][..]));

    job.settings = sftp("another.example.org");
    assert_eq!(declare(&server, &job).await, Made::Updated);
    let moved = get(&server, "siem").await;
    assert_eq!(host_keys(&moved), [] as [String; 0], "the keys are another server's");
    assert_eq!(moved.settings.delivery.start, Start::Sequence(3));
}

#[tokio::test]
async fn only_a_job_made_by_hand_of_the_declared_name_is_adopted() {
    let bed = Bed::new();
    bed.record_some(2).await;
    let by_hand = bed.create(settings()).await;
    bed.run_well().await;
    let server = bed.good_server();
    let again = server.exports.export_again(&default_tenant(), "siem", 1, 1, CALLER).await.unwrap();
    let mut job = declared(settings());
    assert_eq!(declare(&server, &job).await, Made::ByHand, "unless it is said");
    job.adopt = true;
    // A job's id, and the name of a job that ends with its range.
    for name in [&by_hand.id, &again.settings.name] {
        let named = JobSettings { name: name.clone(), ..settings() };
        assert_eq!(declare(&server, &DeclaredJob { settings: named, ..job.clone() }).await, Made::ByHand);
    }
    assert_eq!(get(&server, "siem").await.revision, 1);
    job.paused = true;
    assert_eq!(declare(&server, &job).await, Made::Adopted);
    let adopted = get(&server, "siem").await;
    assert!(adopted.standing.declared && adopted.standing.paused);
    assert_eq!((adopted.id, adopted.published_sequence), (by_hand.id, 3));
    job.paused = false;
    assert_eq!(declare(&server, &job).await, Made::Unchanged, "who pauses and resumes it decides later on");
}

/// A job made by hand, with a file that ends sooner than those of the declared one.
async fn by_hand(bed: &Bed, paused: bool) {
    let settings = JobSettings { max_events: 1, ..settings() };
    let (none, as_what) = (DestinationSecrets::default(), NewAs { paused, declared: false });
    bed.good_server().exports.create(default_tenant(), settings, none, as_what, CALLER).await.unwrap();
}

/// Adopts it where the step `at` goes wrong, and begins again as the next start does. Whether anything went wrong.
async fn adopt(bed: &Bed, job: &DeclaredJob, at: usize, harm: Harm) -> bool {
    let before = bed.job().await.standing.paused;
    let stopped = bed.server(&Plan::new(at, harm)).exports.declare(job, CALLER).await.is_err();
    let left = bed.job().await;
    let declared = left.settings == job.settings;
    assert!(declared || left.standing.paused >= before, "step {at}: it runs with old settings: {left:?}");
    declare(&bed.good_server(), job).await;
    stopped
}

#[tokio::test]
async fn an_adoption_that_stopped_anywhere_ends_as_one_that_did_not_when_it_is_begun_again() {
    for (was, paused) in [(false, false), (false, true), (true, false), (true, true)] {
        let job = DeclaredJob { paused, adopt: true, ..declared(settings()) };
        let undisturbed = Bed::new();
        by_hand(&undisturbed, was).await;
        assert!(!adopt(&undisturbed, &job, usize::MAX, Harm::FailBefore).await);
        let expected = undisturbed.job().await.standing;
        assert!(expected.declared && expected.paused == paused);
        for harm in [Harm::FailBefore, Harm::FailAfter] {
            for step in 0.. {
                let bed = Bed::new();
                by_hand(&bed, was).await;
                let stopped = adopt(&bed, &job, step, harm).await;
                let adopted = bed.job().await;
                let case = format!("{was} -> {paused}, {harm:?} at step {step}");
                assert_eq!((&adopted.standing, &adopted.settings), (&expected, &job.settings), "{case}");
                if !stopped {
                    assert!(step > 2, "nothing was stopped: {case}");
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_job_that_is_released_keeps_the_secrets_that_one_that_is_declared_loses() {
    let bed = Bed::new();
    let server = bed.good_server();
    let job = declared(sftp("siem.example.org"));
    assert_eq!(declare(&server, &job).await, Made::Created);
    let password = async || {
        change(&server, |sftp, secrets| {
            sftp.has_password = true;
            secrets.password = Some(Secret::new("hunter2"));
        })
        .await;
    };
    let kept = async || {
        let kept = bed.store.job(&default_tenant(), "siem").await.unwrap().unwrap();
        vidne::export::secrets::open(&bed.vault, &kept.job.id, kept.sealed_secrets.as_deref()).unwrap()
    };
    password().await;
    assert_eq!(kept().await.password.unwrap().expose(), "hunter2");
    assert_eq!(declare(&server, &job).await, Made::Updated);
    assert!(kept().await.password.is_none());

    password().await;
    let released = server.exports.undeclare(&default_tenant(), "siem", CALLER).await.unwrap();
    assert!(!released.standing.declared && released.standing.paused);
    assert_eq!(kept().await.password.unwrap().expose(), "hunter2");
}
