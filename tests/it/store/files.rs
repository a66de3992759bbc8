//! Files of export jobs, and the leases under which they are made.

use std::time::Duration;

use vidne::{
    domain::export::{FileState, Health, RunState},
    store::{
        Store, StoreError,
        contract::{FileCut, Lease, NewEvent},
    },
};

use super::{
    bed::Bed,
    export::{TERM, add_job, cut, get, lost, new_job, outcome, random_witness},
    on_every_store,
    sample::{add_tenant, at, event_in, id, tenant, witness},
};

on_every_store! {
    one_owner_at_a_time_has_the_lease,
    a_file_walks_through_its_states_and_moves_the_positions,
    a_state_cannot_be_skipped_or_repeated,
    a_cut_is_forgotten_and_its_range_cut_again,
    a_paused_owner_harms_nothing_after_a_take_over,
    a_lease_that_was_given_up_is_worth_nothing,
    the_scanned_position_never_goes_back,
    a_run_in_a_closed_tenant_ends_without_its_witness,
}

fn damaged<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Damaged(_))), "{result:?}");
}

async fn one_owner_at_a_time_has_the_lease(bed: &Bed) {
    let store = bed.store();
    let job = add_job(&*store, "aaaaaaaaaa", "siem").await;
    let mut takers = Vec::new();
    for n in 0..6 {
        let (store, id) = (bed.another_server().await, job.id.clone());
        takers.push(tokio::spawn(async move { store.lease_job(&id, &format!("owner {n}"), TERM).await }));
    }
    let mut taken = Vec::new();
    for taker in takers {
        match taker.await.unwrap() {
            Ok(lease) => taken.push(lease),
            Err(StoreError::JobBusy) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(taken.len(), 1);
    assert!(matches!(store.lease_job(&job.id, "late", TERM).await, Err(StoreError::JobBusy)));

    // One that ran out, but that nobody took, is still good.
    bed.expire_leases().await;
    store.renew_lease(&taken[0], Duration::ZERO).await.unwrap();
    let next = store.lease_job(&job.id, "next", TERM).await.unwrap();
    assert!(next.fence > taken[0].fence);
    lost(store.renew_lease(&taken[0], TERM).await);
    lost(store.finish_run(&taken[0], outcome(RunState::Ok, ""), vec![witness(1)]).await);
    assert_eq!(store.event_by_id(&job.tenant, id(1)).await.unwrap(), None);
    store.finish_run(&next, outcome(RunState::Ok, ""), Vec::new()).await.unwrap();
    assert!(store.lease_job(&job.id, "after", TERM).await.unwrap().fence > next.fence);
    assert!(matches!(store.lease_job("zzzzzzzzzz", "me", TERM).await, Err(StoreError::JobNotFound)));
}

async fn a_file_walks_through_its_states_and_moves_the_positions(bed: &Bed) {
    let store = bed.store();
    let job = add_job(&*store, "aaaaaaaaaa", "siem").await;
    let lease = store.lease_job(&job.id, "me", TERM).await.unwrap();
    assert_eq!(store.pending_file(&job.id).await.unwrap(), None);

    let file = store.cut_file(&lease, cut(1, 5)).await.unwrap();
    assert_eq!((file.number, file.state, file.fence, file.size_bytes), (1, FileState::Cut, lease.fence, 0));
    assert_eq!((file.name.as_str(), file.event_count, file.sha256), ("file_1-5.csv", 5, [0; 32]));
    assert_eq!(store.pending_file(&job.id).await.unwrap(), Some(file));
    let file = store.mark_uploaded(&lease, 1, 700, [9; 32]).await.unwrap();
    assert_eq!((file.state, file.size_bytes, file.sha256), (FileState::Uploaded, 700, [9; 32]));
    assert_eq!(store.pending_file(&job.id).await.unwrap(), Some(file));
    assert_eq!(get(&*store, "siem").await.scanned_sequence, 0, "nothing moves before it is published");
    let file = store.mark_published(&lease, 1, at(25)).await.unwrap();
    assert_eq!((file.state, file.published), (FileState::Published, Some(at(25))));
    assert_eq!(store.pending_file(&job.id).await.unwrap(), None);
    let moved = get(&*store, "siem").await;
    assert_eq!((moved.scanned_sequence, moved.published_sequence), (5, 5));

    store.advance_scanned(&lease, 8).await.unwrap();
    let second = store.cut_file(&lease, cut(6, 9)).await.unwrap();
    assert_eq!(second.number, 2);
    store.mark_uploaded(&lease, 2, 1, [1; 32]).await.unwrap();
    store.mark_published(&lease, 2, at(26)).await.unwrap();
    store.cut_file(&lease, cut(10, 12)).await.unwrap();

    let numbers = async |before, limit| {
        let files = store.files(&job.id, before, limit).await.unwrap();
        files.into_iter().map(|file| file.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(None, 10).await, [3, 2, 1]);
    assert_eq!(numbers(Some(3), 1).await, [2]);
    assert_eq!(store.files(&job.id, Some(2), 9).await.unwrap(), [file]);
}

async fn a_state_cannot_be_skipped_or_repeated(bed: &Bed) {
    let store = bed.store();
    let job = add_job(&*store, "aaaaaaaaaa", "siem").await;
    let lease = store.lease_job(&job.id, "me", TERM).await.unwrap();
    damaged(store.mark_uploaded(&lease, 1, 7, [7; 32]).await);
    for wrong in [cut(2, 5), cut(0, 5), cut(1, 0)] {
        damaged(store.cut_file(&lease, wrong).await);
    }
    store.cut_file(&lease, cut(1, 5)).await.unwrap();
    damaged(store.cut_file(&lease, cut(1, 5)).await);
    damaged(store.cut_file(&lease, cut(6, 7)).await);
    damaged(store.advance_scanned(&lease, 5).await);
    damaged(store.mark_published(&lease, 1, at(25)).await);
    store.mark_uploaded(&lease, 1, 7, [7; 32]).await.unwrap();
    damaged(store.mark_uploaded(&lease, 1, 8, [8; 32]).await);
    damaged(store.take_over_cut(&lease, 1).await);
    damaged(store.cut_file(&lease, cut(1, 5)).await);
    store.mark_published(&lease, 1, at(25)).await.unwrap();
    damaged(store.mark_published(&lease, 1, at(26)).await);
    let files = store.files(&job.id, None, 10).await.unwrap();
    assert_eq!((files.len(), files[0].size_bytes, files[0].published), (1, 7, Some(at(25))));
}

async fn a_cut_is_forgotten_and_its_range_cut_again(bed: &Bed) {
    let store = bed.store();
    let job = add_job(&*store, "aaaaaaaaaa", "siem").await;
    let lease = store.lease_job(&job.id, "me", TERM).await.unwrap();
    damaged(store.abandon_cut(&lease, 1).await);
    store.cut_file(&lease, cut(1, 5)).await.unwrap();
    let late = Lease { fence: lease.fence + 1, ..lease.clone() };
    lost(store.abandon_cut(&late, 1).await);
    assert!(store.pending_file(&job.id).await.unwrap().is_some());
    store.abandon_cut(&lease, 1).await.unwrap();
    assert_eq!(store.pending_file(&job.id).await.unwrap(), None);
    damaged(store.abandon_cut(&lease, 1).await);
    let again = store.cut_file(&lease, cut(1, 3)).await.unwrap();
    assert_eq!((again.number, again.last_sequence), (1, 3));
    store.mark_uploaded(&lease, 1, 7, [7; 32]).await.unwrap();
    damaged(store.abandon_cut(&lease, 1).await);
    store.mark_published(&lease, 1, at(25)).await.unwrap();
    damaged(store.abandon_cut(&lease, 1).await);
}

async fn a_paused_owner_harms_nothing_after_a_take_over(bed: &Bed) {
    let store = bed.store();
    let job = add_job(&*store, "aaaaaaaaaa", "siem").await;
    let paused = store.lease_job(&job.id, "paused", TERM).await.unwrap();
    store.cut_file(&paused, cut(1, 5)).await.unwrap();
    bed.expire_leases().await;
    let other = bed.another_server().await;
    let owner = other.lease_job(&job.id, "owner", TERM).await.unwrap();

    damaged(other.mark_uploaded(&owner, 1, 7, [7; 32]).await);
    assert_eq!(other.take_over_cut(&owner, 1).await.unwrap().fence, owner.fence);
    refuse_all(&*store, &paused, 1).await;
    other.mark_uploaded(&owner, 1, 7, [7; 32]).await.unwrap();
    refuse_all(&*store, &paused, 1).await;

    // Uploaded by one, renamed by the next: the same temporary name.
    bed.expire_leases().await;
    let third = store.lease_job(&job.id, "third", TERM).await.unwrap();
    let uploaded = store.pending_file(&job.id).await.unwrap().unwrap();
    assert_eq!((uploaded.state, uploaded.fence), (FileState::Uploaded, owner.fence));
    lost(other.mark_published(&owner, 1, at(25)).await);
    store.mark_published(&third, 1, at(26)).await.unwrap();
    refuse_all(&*store, &paused, 1).await;
    refuse_all(&*other, &owner, 1).await;
    let files = store.files(&job.id, None, 10).await.unwrap();
    assert_eq!((files.len(), files[0].published), (1, Some(at(26))));
    assert_eq!(get(&*store, "siem").await.scanned_sequence, 5);
}

/// Every write with a lost lease fails and changes nothing.
async fn refuse_all(store: &dyn Store, lease: &Lease, number: u64) {
    let before = (get(store, "siem").await, store.files(&lease.job_id, None, 10).await.unwrap());
    lost(store.renew_lease(lease, TERM).await);
    lost(store.cut_file(lease, cut(before.0.published_sequence + 1, 100)).await);
    lost(store.take_over_cut(lease, number).await);
    lost(store.mark_uploaded(lease, number, 9, [9; 32]).await);
    lost(store.mark_published(lease, number, at(99)).await);
    lost(store.advance_scanned(lease, 1_000).await);
    lost(store.finish_run(lease, outcome(RunState::Failed, "late"), Vec::new()).await);
    let after = (get(store, "siem").await, store.files(&lease.job_id, None, 10).await.unwrap());
    assert_eq!(after, before);
}

async fn a_lease_that_was_given_up_is_worth_nothing(bed: &Bed) {
    let store = bed.store();
    let job = add_job(&*store, "aaaaaaaaaa", "siem").await;
    let lease = store.lease_job(&job.id, "me", TERM).await.unwrap();
    store.finish_run(&lease, outcome(RunState::Ok, ""), Vec::new()).await.unwrap();
    refuse_all(&*store, &lease, 1).await;
}

async fn the_scanned_position_never_goes_back(bed: &Bed) {
    let store = bed.store();
    let job = add_job(&*store, "aaaaaaaaaa", "siem").await;
    let lease = store.lease_job(&job.id, "me", TERM).await.unwrap();
    store.advance_scanned(&lease, 7).await.unwrap();
    store.advance_scanned(&lease, 3).await.unwrap();
    let moved = get(&*store, "siem").await;
    assert_eq!((moved.scanned_sequence, moved.published_sequence), (7, 0));
    let not_after_the_last = FileCut { first_event_sequence: 9, ..cut(8, 9) };
    damaged(store.cut_file(&lease, not_after_the_last).await);
    let looked_at = FileCut { first_event_sequence: 7, ..cut(1, 9) };
    damaged(store.cut_file(&lease, looked_at).await);
    let file = store.cut_file(&lease, FileCut { first_event_sequence: 8, ..cut(1, 9) }).await.unwrap();
    assert_eq!((file.first_sequence, file.first_event_sequence, file.last_sequence), (1, 8, 9));
}

async fn a_run_in_a_closed_tenant_ends_without_its_witness(bed: &Bed) {
    let store = bed.store();
    add_tenant(&*store, "a").await;
    let log = tenant("a");
    store.create_job(new_job("a", "aaaaaaaaaa", "siem", 10), random_witness()).await.unwrap();
    let lease = store.lease_job("aaaaaaaaaa", "me", TERM).await.unwrap();
    store.close_tenant(&log, at(90), random_witness()).await.unwrap();
    let late = NewEvent { switch: None, ..event_in("a", 1) };
    store.finish_run(&lease, outcome(RunState::Failed, "no"), vec![late]).await.unwrap();
    let job = store.job(&log, "siem").await.unwrap().unwrap().job;
    assert_eq!((job.health, job.last_error.as_str()), (Health::Failing, "no"));
    assert_eq!(store.event_by_id(&log, id(1)).await.unwrap(), None);
    let refused = store.create_job(new_job("a", "bbbbbbbbbb", "other", 10), random_witness()).await;
    assert!(matches!(refused, Err(StoreError::TenantClosed)));
}
