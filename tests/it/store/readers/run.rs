//! Carries a plan out.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;
use vidne::{
    domain::receipt::Disposition,
    service::{ServiceError, record::Caller},
    store::StoreError,
    vault::{MasterKey, Vault},
};

use super::{
    chain::Chain,
    model,
    plan::{Batch, LOGS, Plan, Spec, Trouble},
    replica::Replica,
};
use crate::{
    faults::watchdog::Watchdog,
    store::{
        bed::{Bed, Kind},
        sample::{add_tenant, at, tenant, witness},
    },
};

/// How long a plan may take. Generous: on a busy machine, with connections ended.
const LIMIT: Duration = Duration::from_secs(90);
/// How often something is tried that a trouble may prevent.
const TRIES: usize = 500;

/// Where an event came to lie, and what is in it.
type Placed = (usize, u64, Spec);

/// Carries a plan out and holds what each reader got against the model.
pub async fn run(kind: Kind, plan: &Plan) -> Result<(), String> {
    let watchdog = Watchdog::default();
    watchdog.within(LIMIT, run_watched(kind, plan, &watchdog)).await
}

async fn run_watched(kind: Kind, plan: &Plan, watchdog: &Watchdog) -> Result<(), String> {
    let bed = Arc::new(Bed::new(kind).await);
    for log in LOGS {
        add_tenant(&*bed.store(), log).await;
    }
    let vault = Vault::new(&MasterKey::generate().map_err(|error| error.to_string())?);
    let options = plan.bounds.options();
    let mut replicas = vec![Replica::start(bed.opened_anew().await, &vault, &options)];
    // SQLite has one server.
    while kind != Kind::Sqlite && replicas.len() < 3 {
        replicas.push(Replica::start(bed.another_server().await, &vault, &options));
    }
    let replicas = Arc::new(replicas);

    let mut readers = JoinSet::new();
    for (number, reader) in plan.readers.iter().cloned().enumerate() {
        let (name, watchdog) = (format!("reader {number}"), watchdog.clone());
        let chain = Chain::new(reader, bed.store(), replicas.clone());
        readers.spawn(async move { chain.run(name, watchdog).await.map(|story| (number, story)) });
    }
    let mut writers = JoinSet::new();
    for (number, batches) in plan.writers.iter().cloned().enumerate() {
        writers.spawn(write(number, batches, replicas.clone(), watchdog.clone()));
    }
    for trouble in &plan.troubles {
        watchdog.doing("the troubles", format!("{trouble:?}"));
        make(*trouble, &bed, &replicas).await;
    }
    watchdog.done("the troubles");

    let mut logs: [BTreeMap<u64, Spec>; LOGS.len()] = Default::default();
    while let Some(written) = writers.join_next().await {
        for (log, sequence, spec) in written.map_err(|failed| failed.to_string())?? {
            if logs[log].insert(sequence, spec).is_some() {
                return Err(format!("two events of {} are number {sequence}", LOGS[log]));
            }
        }
    }
    for log in LOGS {
        watchdog.doing("the closing", log);
        close(&bed, log).await?;
    }
    watchdog.done("the closing");
    let mut stories = Vec::new();
    while let Some(read) = readers.join_next().await {
        stories.push(read.map_err(|failed| failed.to_string())??);
    }
    for (number, story) in stories {
        let reader = &plan.readers[number];
        let log: Vec<Spec> = logs[reader.log].values().copied().collect();
        if logs[reader.log].keys().next_back().is_some_and(|&last| last != log.len() as u64) {
            return Err(format!("{} has a hole", LOGS[reader.log]));
        }
        model::check(reader, &story, &log).map_err(|wrong| format!("reader {number}: {wrong}"))?;
    }
    for replica in Arc::into_inner(replicas).into_iter().flatten() {
        watchdog.doing("the servers", "stopping");
        replica.stop().await;
    }
    Ok(())
}

/// Records batches one after the other, again and again until it is known where each event lies.
async fn write(
    number: usize,
    batches: Vec<Batch>,
    replicas: Arc<Vec<Replica>>,
    watchdog: Watchdog,
) -> Result<Vec<Placed>, String> {
    let name = format!("writer {number}");
    let caller = Caller { name: "a test".to_owned(), trace: String::new() };
    let mut placed = Vec::new();
    let mut id = (number as u128 + 1) << 64;
    for Batch { log, replica, pause, events } in batches {
        sleep(Duration::from_millis(pause)).await;
        let mut open = Vec::new();
        for spec in events {
            id += 1;
            open.push((spec, id));
        }
        for attempt in 1.. {
            watchdog.doing(&name, format!("{} events, attempt {attempt}", open.len()));
            let inputs = open.iter().map(|(spec, id)| spec.event(log, *id)).collect();
            let server = replicas[replica % replicas.len()].up().await;
            let recorded = server.recorder.record_batch(inputs, &caller).await;
            drop(server);
            let recorded = recorded.map_err(|error| format!("{name}: {error:?}"))?;
            let mut again = Vec::new();
            for (event, recorded) in open.into_iter().zip(recorded) {
                match recorded.map(|receipt| receipt.disposition) {
                    Ok(Disposition::Recorded(stamp) | Disposition::Duplicate(stamp)) => {
                        placed.push((log, stamp.sequence, event.0));
                    }
                    Err(ServiceError::StoreAway) => again.push(event),
                    other => return Err(format!("{name}: {other:?}")),
                }
            }
            open = again;
            if open.is_empty() {
                break;
            }
            if attempt == TRIES {
                return Err(format!("{name}: refused {TRIES} times"));
            }
            sleep(Duration::from_millis(2)).await;
        }
    }
    watchdog.done(&name);
    Ok(placed)
}

async fn make(trouble: Trouble, bed: &Bed, replicas: &[Replica]) {
    match trouble {
        Trouble::Restart(after, replica) => {
            sleep(Duration::from_millis(after)).await;
            replicas[replica % replicas.len()].restart(bed).await;
        }
        Trouble::EndConnections(after) => {
            sleep(Duration::from_millis(after)).await;
            let database = bed.postgres().expect("only PostgreSQL's connections are ended");
            database.terminate_vidnes_connections().await;
        }
    }
}

async fn close(bed: &Bed, log: &str) -> Result<(), String> {
    for _ in 0..TRIES {
        let witness = witness(Uuid::new_v4().as_u128());
        match bed.store().close_tenant(&tenant(log), at(90), witness).await {
            // An attempt whose answer was lost may have closed it.
            Ok(_) | Err(StoreError::TenantClosed) => return Ok(()),
            Err(StoreError::Unavailable(_) | StoreError::Busy(_)) => sleep(Duration::from_millis(2)).await,
            Err(error) => return Err(error.to_string()),
        }
    }
    Err(format!("{log} cannot be closed"))
}
