//! G1, durable: what was acknowledged survives a server that is killed, and the log goes on where it was.

use std::sync::{Arc, Mutex};

use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::{Code, transport::Channel};
use uuid::Uuid;
use vidne::{
    client::proto::audit_service_client::AuditServiceClient,
    codec::proto::v1::{
        Disposition, Event, EventType, GetEventRequest, Receipt, RecordEventRequest, get_event_request::Key,
    },
};

use crate::support::{mariadb::MariaDb, mysql::TestMySql, postgres::TestDatabase, server::Server};

/// Clients that record at the same time.
const WRITERS: usize = 8;
/// Receipts after which the server is killed, in the midst of more.
const ENOUGH: u32 = 200;

#[tokio::test]
async fn g1_nothing_acknowledged_is_lost_by_kill_nine_on_sqlite() {
    kill_while_recording(&mut Server::on_sqlite()).await;
}

#[tokio::test]
async fn g1_nothing_acknowledged_is_lost_by_kill_nine_on_postgresql() {
    let database = TestDatabase::create().await;
    kill_while_recording(&mut Server::on_postgres(&database)).await;
}

#[tokio::test]
async fn g1_nothing_acknowledged_is_lost_by_kill_nine_on_mariadb() {
    let database = TestMySql::create().await;
    kill_while_recording(&mut Server::on_mysql(&database)).await;
}

/// The database is killed three times under load, and vidne goes on by itself each time it is back.
#[tokio::test]
async fn g1_nothing_acknowledged_is_lost_by_kill_nine_of_mariadb_itself() {
    let mut mariadb = MariaDb::start(&[]);
    let database = TestMySql::create_on(&mariadb.url()).await;
    let server = Server::on_mysql(&database);
    let receipts = Arc::new(Mutex::new(Vec::new()));
    let acknowledged = Arc::new(Semaphore::new(0));
    let stop = CancellationToken::new();
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (receipts, acknowledged) = (Arc::clone(&receipts), Arc::clone(&acknowledged));
        let (mut client, stop) = (connect(&server).await, stop.clone());
        writers.spawn(async move {
            while !stop.is_cancelled() {
                match record(&mut client).await {
                    Ok(receipt) => {
                        receipts.lock().unwrap().push(receipt);
                        acknowledged.add_permits(1);
                    }
                    Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status}"),
                }
            }
        });
    }
    for _ in 0..3 {
        enough(&acknowledged, &mut writers).await;
        mariadb.kill9();
        assert!(mariadb.restart(), "MariaDB starts again");
    }
    enough(&acknowledged, &mut writers).await;
    stop.cancel();
    writers.join_all().await;
    let mut client = connect(&server).await;
    let next = record(&mut client).await.unwrap();
    let receipts = std::mem::take(&mut *receipts.lock().unwrap());
    assert_all_kept(&mut client, &receipts, &next).await;
}

/// Waits for receipts.
async fn enough(acknowledged: &Semaphore, writers: &mut JoinSet<()>) {
    tokio::select! {
        enough = acknowledged.acquire_many(ENOUGH) => enough.unwrap().forget(),
        early = writers.join_next() => panic!("a writer stopped: {early:?}"),
    }
}

#[tokio::test]
async fn a_server_that_is_asked_to_stop_ends_well_and_serves_the_same_log_again() {
    let mut server = Server::on_sqlite();
    let receipt = record(&mut connect(&server).await).await.unwrap();
    let status = server.terminate();
    assert!(status.success(), "{status}");
    server.restart();
    assert_kept(&mut connect(&server).await, &receipt).await;
}

async fn kill_while_recording(server: &mut Server) {
    let receipts = Arc::new(Mutex::new(Vec::new()));
    let acknowledged = Arc::new(Semaphore::new(0));
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (receipts, acknowledged) = (Arc::clone(&receipts), Arc::clone(&acknowledged));
        let mut client = connect(server).await;
        // Until the server is gone.
        writers.spawn(async move {
            loop {
                match record(&mut client).await {
                    Ok(receipt) => receipts.lock().unwrap().push(receipt),
                    Err(status) => return status,
                }
                acknowledged.add_permits(1);
            }
        });
    }
    tokio::select! {
        enough = acknowledged.acquire_many(ENOUGH) => drop(enough),
        early = writers.join_next() => panic!("a writer stopped before the server was killed: {early:?}"),
    }
    server.kill9();
    writers.join_all().await;

    server.restart();
    let mut client = connect(server).await;
    let receipts = std::mem::take(&mut *receipts.lock().unwrap());
    let next = record(&mut client).await.unwrap();
    assert_all_kept(&mut client, &receipts, &next).await;
}

/// Every receipt is in the log, which has no holes, and `next` comes after all of them.
async fn assert_all_kept(client: &mut AuditServiceClient<Channel>, receipts: &[Receipt], next: &Receipt) {
    for receipt in receipts {
        assert_kept(client, receipt).await;
    }
    let newest = receipts.iter().map(|receipt| receipt.sequence).max().unwrap();
    for sequence in 1..=newest {
        let found = get(client, Key::Sequence(sequence)).await;
        assert_eq!(found.sequence, sequence, "a hole in the log");
    }
    assert!(next.sequence > newest, "{} was given again after the crash", next.sequence);
}

async fn connect(server: &Server) -> AuditServiceClient<Channel> {
    AuditServiceClient::connect(server.endpoint()).await.unwrap()
}

async fn record(client: &mut AuditServiceClient<Channel>) -> Result<Receipt, tonic::Status> {
    let event = Event {
        event_id: Uuid::now_v7().to_string(),
        r#type: EventType::RecordRead.into(),
        ..Event::default()
    };
    let answer = client.record_event(RecordEventRequest { event: Some(event) }).await?.into_inner();
    let receipt = answer.receipt.expect("an answer without a receipt");
    // A commit whose answer died with the database is found by its id: then it is there already.
    assert!(matches!(receipt.disposition(), Disposition::Recorded | Disposition::Duplicate), "{receipt:?}");
    Ok(receipt)
}

async fn get(client: &mut AuditServiceClient<Channel>, key: Key) -> Event {
    let request = GetEventRequest { key: Some(key.clone()), ..GetEventRequest::default() };
    match client.get_event(request).await {
        Ok(answer) => answer.into_inner().event.unwrap(),
        Err(status) => panic!("{key:?} is lost: {status}"),
    }
}

async fn assert_kept(client: &mut AuditServiceClient<Channel>, receipt: &Receipt) {
    let found = get(client, Key::EventId(receipt.event_id.clone())).await;
    assert_eq!(found.sequence, receipt.sequence);
    assert_eq!(found.recorded_time, receipt.recorded_time);
}
