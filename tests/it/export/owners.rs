//! G5: two owners of one job can never harm the folder.

use vidne::{
    domain::{export::Trigger, time::Clock},
    service::ServiceError,
    store::StoreError,
};

use super::{
    bed::{Bed, TERM, default_tenant, last_step, settings},
    faults::{Harm, Plan},
};

#[tokio::test]
async fn g5_a_second_runner_is_told_that_the_job_is_busy() {
    let bed = Bed::new();
    bed.record_some(3).await;
    bed.create(settings()).await;
    let plan = Plan::new(5, Harm::PauseBefore);
    let first = bed.server(&plan);
    let listener = first.exports.run(&default_tenant(), "siem", Trigger::Request).await.unwrap();
    plan.hit.cancelled().await;
    let second = bed.run(&bed.good_server()).await;
    assert!(matches!(second, Err(ServiceError::Store(StoreError::JobBusy))), "{second:?}");
    plan.release.cancel();
    assert_eq!(last_step(listener).await.unwrap().events, 3);
    bed.assert_delivered_equals_log().await;
}

/// The first owner is paused at each step until its lease has run out and another one has finished; then it
/// wakes up and goes on as if nothing had been.
#[tokio::test]
async fn g5_an_owner_that_was_paused_past_its_lease_harms_nothing() {
    for (harm, consumer) in [
        (Harm::PauseBefore, false),
        (Harm::PauseAfter, false),
        (Harm::PauseBefore, true),
        (Harm::PauseAfter, true),
    ] {
        for at in 0.. {
            let bed = Bed { consumer, ..Bed::new() };
            bed.record_some(10).await;
            let job = bed.create(settings()).await;
            let plan = Plan::new(at, harm);
            let first = bed.server(&plan);
            let lease = bed.store.lease_job(&job.id, "paused", TERM).await.unwrap();
            let (files, _unheard) = tokio::sync::mpsc::channel(100);
            let (tenant, never) = (default_tenant(), Default::default());
            let run = first.runner.run(&tenant, &lease, files, &never);
            tokio::pin!(run);
            tokio::select! {
                result = &mut run => {
                    result.unwrap();
                    break;
                }
                () = plan.hit.cancelled() => {}
            }
            bed.clock.set(bed.clock.now().plus_micros(TERM.as_micros() as i64 + 1));
            bed.run_well().await;
            let before = bed.delivered();
            plan.release.cancel();
            let woken = run.await;
            assert!(woken.is_err() || bed.delivered() == before, "step {at} {harm:?}: {woken:?}");
            assert_eq!(bed.delivered(), before, "step {at} {harm:?}");
            bed.record_some(3).await;
            bed.run_well().await;
            bed.assert_delivered_equals_log().await;
        }
    }
}
