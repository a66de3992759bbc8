//! Carries a plan out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinSet;
use vidne::{
    domain::{
        tenant::TenantSettings,
        time::{Clock, ManualClock, SystemClock},
    },
    service::{
        ServiceError,
        journal::{Admission, Journal, JournalOptions},
    },
    store::{
        Store, StoreError,
        contract::{AppendOutcome, TenantUpdate},
    },
};

use super::{
    model::{self, Answered, Change},
    plan::{CLOSED, Disturbance, LOGS, Plan, Spec},
    watch,
};
use crate::{
    faults::watchdog::Watchdog,
    store::{
        bed::{Bed, Kind},
        sample::{add_tenant, all, at, tenant, witness},
    },
};

/// How long a plan may take. Generous: on a busy machine, with heads held and connections ended.
const LIMIT: Duration = Duration::from_secs(90);
/// How often a writer tries a batch.
const TRIES: usize = 200;

/// By which door writers come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    Store,
    Journal,
}

/// Numbers moments: what has the smaller number was earlier.
#[derive(Clone, Default)]
pub struct Moments(Arc<AtomicU64>);

impl Moments {
    pub fn now(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// Carries a plan out and holds what came of it against the model.
pub async fn run(kind: Kind, through: Through, plan: &Plan) -> Result<(), String> {
    let watchdog = Watchdog::default();
    watchdog.within(LIMIT, run_watched(kind, through, plan, &watchdog)).await
}

async fn run_watched(kind: Kind, through: Through, plan: &Plan, watchdog: &Watchdog) -> Result<(), String> {
    let bed = Bed::new(kind).await;
    for log in LOGS {
        add_tenant(&*bed.store(), log).await;
    }
    let (moments, done) = (Moments::default(), Arc::new(AtomicBool::new(false)));
    // Two servers where there can be two.
    let servers = [bed.store(), bed.another_server().await];
    let clock: Arc<dyn Clock> = match kind {
        Kind::Memory => Arc::new(ManualClock::at(at(7))),
        _ => Arc::new(SystemClock),
    };
    let journals = servers.clone().map(|server| Journal::start(server, clock.clone(), &options()));
    let watchers = watch::start(&bed, &done).await;

    let mut writers = JoinSet::new();
    for (number, batches) in plan.writers.iter().enumerate() {
        let door = match through {
            Through::Store => Door::Store(servers[number % 2].clone(), clock.clone()),
            Through::Journal => Door::Journal(journals[number % 2].0.clone()),
        };
        let (name, watchdog) = (format!("writer {number}"), watchdog.clone());
        writers.spawn(write(door, batches.clone(), moments.clone(), name, watchdog));
    }
    let turning = tokio::spawn(turn(servers[1].clone(), plan.turns, moments.clone(), watchdog.clone()));
    let closing = tokio::spawn(close(servers[0].clone(), plan.closes, moments.clone()));
    for disturbance in &plan.disturbances {
        watchdog.doing("the disturber", format!("{disturbance:?}"));
        disturb(&bed, *disturbance).await;
    }
    watchdog.done("the disturber");

    let mut answered = Vec::new();
    while let Some(writer) = writers.join_next().await {
        answered.extend(writer.map_err(|failed| format!("a writer failed: {failed}"))??);
    }
    let turns = turning.await.map_err(|failed| failed.to_string())?;
    let closed = closing.await.map_err(|failed| failed.to_string())?;
    done.store(true, Ordering::SeqCst);
    watchdog.doing("the watchers", "looking a last time");
    watchers.ended().await?;
    for (log, name) in LOGS.into_iter().enumerate() {
        let kept = all(&*bed.store(), name).await;
        let turns = if name == "a" { &turns[..] } else { &[] };
        let closed = if name == CLOSED { closed } else { None };
        let answered = answered.iter().filter(|answered| answered.spec.log == log);
        model::check(name, &kept, answered, turns, closed)?;
    }
    for (journal, committers) in journals {
        drop(journal);
        watchdog.doing("the journals", "ending");
        committers.ended().await;
    }
    Ok(())
}

fn options() -> JournalOptions {
    // Two for three logs, and batches that are smaller than what waits.
    JournalOptions { committers: 2, batch_events: 16, ..JournalOptions::default() }
}

#[derive(Clone)]
enum Door {
    Store(Arc<dyn Store>, Arc<dyn Clock>),
    Journal(Journal),
}

impl Door {
    /// What became of each event; `None` for those that have to be sent again.
    async fn append(&self, specs: &[Spec]) -> Result<Vec<Option<AppendOutcome>>, String> {
        let events: Vec<_> = specs.iter().map(|spec| spec.event()).collect();
        match self {
            Self::Store(store, clock) => match store.append(&events, clock.now()).await {
                Ok(outcomes) => Ok(outcomes.into_iter().map(Some).collect()),
                Err(StoreError::Unavailable(_) | StoreError::Busy(_)) => Ok(vec![None; specs.len()]),
                Err(other) => Err(format!("the store says {other:?}")),
            },
            Self::Journal(journal) => {
                let pending = journal.enqueue(events, Admission::Wait).await.map_err(|e| format!("{e:?}"))?;
                let outcomes = pending.outcomes().await.into_iter().map(|outcome| match outcome {
                    Ok(outcome) => Ok(Some(outcome)),
                    Err(ServiceError::StoreAway) => Ok(None),
                    Err(other) => Err(format!("the journal says {other:?}")),
                });
                outcomes.collect()
            }
        }
    }
}

async fn write(
    door: Door,
    batches: Vec<Vec<Spec>>,
    moments: Moments,
    name: String,
    watchdog: Watchdog,
) -> Result<Vec<Answered>, String> {
    let mut answered = Vec::new();
    for (number, batch) in batches.into_iter().enumerate() {
        let mut open = batch;
        let began = moments.now();
        for attempt in 1.. {
            watchdog.doing(&name, format!("batch {number} of {} events, attempt {attempt}", open.len()));
            let outcomes = door.append(&open).await?;
            let ended = moments.now();
            let mut again = Vec::new();
            for (spec, outcome) in open.into_iter().zip(outcomes) {
                match outcome {
                    // It may have been recorded by an attempt whose answer was lost, so it began with the first.
                    Some(outcome) => answered.push(Answered { spec, outcome, began, ended, attempt }),
                    None => again.push(spec),
                }
            }
            open = again;
            if open.is_empty() {
                break;
            }
            if attempt == TRIES {
                return Err(format!("{name}: batch {number} was refused {TRIES} times"));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    watchdog.done(&name);
    Ok(answered)
}

/// Turns the switch of data access of log `a` off, on, off ...
async fn turn(store: Arc<dyn Store>, turns: usize, moments: Moments, watchdog: Watchdog) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut on = true;
    for number in 0..turns {
        on = !on;
        let began = moments.now();
        watchdog.doing("the switch", format!("turn {number}"));
        for _ in 0..TRIES {
            let Ok(Some(old)) = store.tenant(&tenant("a")).await else { continue };
            let update = TenantUpdate {
                id: old.id.clone(),
                expected_revision: old.revision,
                display_name: old.display_name,
                settings: TenantSettings { data_access_events_enabled: on, ..old.settings },
                updated: at(80),
            };
            match store.update_tenant(update, None).await {
                Ok(_) => break,
                // Of an attempt whose answer was lost, maybe: the next look tells.
                Err(_)
                    if store.tenant(&tenant("a")).await.is_ok_and(|now| {
                        now.is_some_and(|now| now.settings.data_access_events_enabled == on)
                    }) =>
                {
                    break;
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
        changes.push(Change { began, ended: moments.now(), on });
    }
    watchdog.done("the switch");
    changes
}

async fn close(store: Arc<dyn Store>, closes: bool, moments: Moments) -> Option<(u64, u64)> {
    if !closes {
        return None;
    }
    let began = moments.now();
    for attempt in 0..TRIES {
        if store.close_tenant(&tenant(CLOSED), at(90), witness(9_000 + attempt as u128)).await.is_ok() {
            return Some((began, moments.now()));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("{CLOSED} cannot be closed");
}

async fn disturb(bed: &Bed, disturbance: Disturbance) {
    let database = bed.postgres().expect("only PostgreSQL is disturbed");
    match disturbance {
        Disturbance::Hold(log, milliseconds) => {
            let mut other = database.connect().await;
            let hold = "SELECT 1 FROM heads JOIN tenants USING (tenant_key) WHERE tenants.id = '";
            let sql = format!("BEGIN; {hold}{}' FOR UPDATE OF heads", LOGS[log]);
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut other).await.unwrap();
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
        }
        Disturbance::EndConnections => database.terminate_vidnes_connections().await,
    }
}
