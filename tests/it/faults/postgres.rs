//! PostgreSQL is killed, and vidne has to get on with it.

use std::{sync::Arc, time::Duration};

use tonic::{Code, transport::Channel};
use tonic_health::{
    ServingStatus,
    pb::{HealthCheckRequest, health_client::HealthClient},
};
use tonic_types::StatusExt as _;
use uuid::Uuid;
use vidne::{
    client::proto::audit_service_client::AuditServiceClient,
    codec::proto::v1::{Event, EventType, RecordEventRequest},
};

use super::{
    ledger::Ledger,
    load::{LetDown, Load, TENANTS, make_tenants, more_receipts},
    log::check,
    vidne::connect,
    watchdog::Watchdog,
};
use crate::support::{
    cluster::Cluster,
    effort::{random, rounds},
    server::Server,
};

/// vidne gives up on a database soon here, so that the outage is told within the test's time.
const SETTINGS: &str = "[database]\nacquire_timeout = \"1s\"\n[log]\nfilter = \"warn\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g3_g9_every_receipt_holds_after_postgresql_is_killed_and_vidne_recovers_by_itself() {
    let name = "PostgreSQL killed";
    let mut random = random(name);
    let rounds = rounds(2, 20);
    let mut cluster = Cluster::start().await;
    let settings = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(settings.path(), SETTINGS).unwrap();
    let file = settings.path().to_str().unwrap();
    let server = Server::with_arguments(&["--config", file, "--database-url", cluster.url(), "--migrate"]);
    let channel = connect(&server);
    make_tenants(&channel).await;
    let (ledger, watchdog) = (Arc::new(Ledger::default()), Watchdog::default());
    let mut load = Load::start(&channel, &ledger, &watchdog, LetDown::ByAnswer, &mut random);
    for round in 1..=rounds {
        let (receipts, then) = (50 + random.below(1_500), Duration::from_micros(random.below(60_000)));
        watchdog.doing("the run", format!("round {round}: {receipts} more receipts"));
        let under_load = watchdog.within(Duration::from_secs(120), more_receipts(&ledger, receipts as usize));
        tokio::select! {
            () = under_load => {}
            () = load.failure() => {}
        }
        tokio::time::sleep(then).await;
        tokio::task::block_in_place(|| cluster.kill9());
        // Every other time it is back before anybody has looked.
        let noticed = round % 2 == 1;
        if noticed {
            watchdog.doing("the run", format!("round {round}: the outage is said"));
            watchdog.within(Duration::from_secs(60), outage_is_said(&channel)).await;
        }
        watchdog.doing("the run", format!("round {round}: PostgreSQL starts"));
        watchdog.within(Duration::from_secs(120), cluster.restart()).await;
        if noticed {
            watchdog.doing("the run", format!("round {round}: vidne serves again"));
            let serves = health(&channel, ServingStatus::Serving);
            watchdog.within(Duration::from_secs(60), serves).await;
        }
    }
    watchdog.doing("the run", "stopping");
    watchdog.within(Duration::from_secs(120), load.stop()).await;
    let figures = watchdog.within(Duration::from_secs(120), check(channel, &TENANTS, &ledger)).await;
    eprintln!("{name}, {rounds} times: {figures}");
}

/// Readiness says that the service does not serve, and so does a call. What this call was refused is in no ledger, so
/// the check in the end fails if it is there.
async fn outage_is_said(channel: &Channel) {
    health(channel, ServingStatus::NotServing).await;
    let event = Event {
        event_id: Uuid::new_v4().to_string(),
        tenant_id: TENANTS[0].to_owned(),
        r#type: EventType::RecordRead.into(),
        ..Event::default()
    };
    let mut client = AuditServiceClient::new(channel.clone());
    let status = client.record_event(RecordEventRequest { event: Some(event) }).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "DATABASE_UNAVAILABLE");
    assert!(details.retry_info().is_some());
}

/// Waits until health says this of the service. The process itself serves all the time.
async fn health(channel: &Channel, expected: ServingStatus) {
    let mut client = HealthClient::new(channel.clone());
    loop {
        let mut check = async |service: &str| {
            let request = HealthCheckRequest { service: service.to_owned() };
            client.check(request).await.unwrap().into_inner().status
        };
        assert_eq!(check("").await, ServingStatus::Serving as i32);
        if check("vidne.v1.AuditService").await == expected as i32 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
