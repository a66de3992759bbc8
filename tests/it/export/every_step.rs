//! G5: a run is harmed at every one of its steps; afterwards what was delivered equals the log.

use std::collections::BTreeMap;

use vidne::{domain::export::Manifest, service::ServiceError};

use super::{
    bed::{Bed, TERM, default_tenant, settings},
    faults::{Harm, Plan},
};

/// Ten wanted events, so three files.
async fn bed(consumer: bool) -> Bed {
    let bed = Bed { consumer, ..Bed::new() };
    bed.record_some(10).await;
    let mut settings = settings();
    settings.delivery.manifest = Manifest::In { directory: "manifests".to_owned() };
    bed.create(settings).await;
    bed
}

/// What has its final name stays as it is.
fn assert_untouched(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) {
    for (name, bytes) in before {
        assert_eq!(after.get(name), Some(bytes), "{name} was changed or replaced");
    }
}

/// A consumer that waits for manifests never finds one whose file is not there yet.
fn assert_files_before_manifests(bed: &Bed, delivered: &BTreeMap<String, Vec<u8>>) {
    let Ok(entries) = std::fs::read_dir(bed.folder().join("manifests")) else { return };
    for entry in entries {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let of = name.strip_suffix(".manifest.json").filter(|of| !of.starts_with('.'));
        assert!(of.is_none_or(|of| delivered.contains_key(of)), "{name} came before its file");
    }
}

async fn goes_on_after(bed: &Bed) {
    let before = bed.delivered();
    assert_files_before_manifests(bed, &before);
    bed.run_well().await;
    assert_untouched(&before, &bed.delivered());
    assert!(bed.job().await.scanned_sequence >= 13);
    bed.assert_delivered_equals_log().await;
    assert_eq!(bed.delivered().len(), 3);
    assert_eq!(bed.run_well().await.files, 0, "the same events again");
}

/// Harms each step in turn; `harmed` runs until the harm is done, and says whether it was.
async fn at_every_step(
    harm: Harm,
    consumer: bool,
    harmed: impl AsyncFn(&Bed, &std::sync::Arc<Plan>),
) -> usize {
    for at in 0.. {
        let bed = bed(consumer).await;
        let plan = Plan::new(at, harm);
        harmed(&bed, &plan).await;
        if !plan.hit.is_cancelled() {
            return at;
        }
        goes_on_after(&bed).await;
    }
    unreachable!()
}

async fn fails(bed: &Bed, plan: &std::sync::Arc<Plan>) {
    let server = bed.server(plan);
    // A failed rename whose effect is seen afterwards is no failure of the run.
    let _ = bed.run(&server).await;
    server.tasks.close();
    server.tasks.wait().await;
}

async fn is_stopped(bed: &Bed, plan: &std::sync::Arc<Plan>) {
    let server = bed.server(plan);
    let run = bed.run(&server);
    tokio::pin!(run);
    tokio::select! {
        result = &mut run => {
            result.unwrap();
        }
        () = plan.hit.cancelled() => {
            server.shutdown.cancel();
            // The store's answers are paused too where the step is one of those around the run itself.
            plan.release.cancel();
            match run.await {
                Err(ServiceError::ShuttingDown) | Ok(_) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    server.tasks.close();
    server.tasks.wait().await;
}

async fn is_killed(bed: &Bed, plan: &std::sync::Arc<Plan>) {
    let server = bed.server(plan);
    let job = bed.job().await;
    let lease = bed.store.lease_job(&job.id, "killed", TERM).await.unwrap();
    let (files, _unheard) = tokio::sync::mpsc::channel(100);
    let (tenant, never) = (default_tenant(), Default::default());
    tokio::select! {
        result = server.runner.run(&tenant, &lease, files, &never) => {
            result.unwrap();
        }
        () = plan.hit.cancelled() => {}
    }
    // Nobody gave the lease up: it runs out.
    bed.clock.set(vidne::domain::time::Clock::now(&*bed.clock).plus_micros(TERM.as_micros() as i64 + 1));
}

#[tokio::test]
async fn g5_a_step_that_fails_costs_nothing() {
    for consumer in [false, true] {
        let steps = at_every_step(Harm::FailBefore, consumer, fails).await;
        assert!(steps > 30, "{steps}");
    }
}

#[tokio::test]
async fn g5_a_step_whose_answer_is_lost_costs_nothing() {
    for consumer in [false, true] {
        at_every_step(Harm::FailAfter, consumer, fails).await;
    }
}

#[tokio::test]
async fn g5_a_run_that_is_stopped_at_any_step_costs_nothing() {
    for consumer in [false, true] {
        at_every_step(Harm::PauseBefore, consumer, is_stopped).await;
        at_every_step(Harm::PauseAfter, consumer, is_stopped).await;
    }
}

#[tokio::test]
async fn g5_a_server_that_is_killed_at_any_step_costs_nothing() {
    for consumer in [false, true] {
        at_every_step(Harm::PauseBefore, consumer, is_killed).await;
        at_every_step(Harm::PauseAfter, consumer, is_killed).await;
    }
}
