//! Settings under which a database loses acknowledged events are found in what is really in force.

use vidne::store::sql::{Database, PoolOptions, SqlStore, migrate};

use super::{harness::TestDatabase, outage::migrated};

async fn weaknesses(database: &Database) -> Vec<String> {
    let store = SqlStore::open(database, &PoolOptions::default()).await.unwrap();
    store.weaknesses().await.unwrap()
}

async fn set_synchronous_commit(database: &TestDatabase, value: &str) {
    let name = database.text("SELECT current_database()::text").await;
    let sql = format!("ALTER DATABASE {name} SET synchronous_commit = {value}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut database.connect().await).await.unwrap();
}

#[tokio::test]
async fn g1_a_postgresql_that_commits_before_the_disk_has_it_is_found() {
    let database = migrated().await;
    assert_eq!(weaknesses(&database.database()).await, [""; 0], "the tests' server is as it should be");
    for value in ["off", "local", "remote_write"] {
        set_synchronous_commit(&database, value).await;
        let found = weaknesses(&database.database()).await;
        assert!(
            matches!(&found[..], [words] if words.contains(&format!("synchronous_commit={value}"))),
            "{found:?}"
        );
    }
    set_synchronous_commit(&database, "\"on\"").await;
    assert_eq!(weaknesses(&database.database()).await, [""; 0]);
}

#[tokio::test]
async fn g1_sqlite_as_it_is_opened_has_no_weakness() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::sqlite(folder.path());
    migrate(&database).await.unwrap();
    assert_eq!(weaknesses(&database).await, [""; 0]);
}

#[tokio::test]
async fn g1_serve_warns_of_a_database_that_loses_events_and_refuses_it_if_told_to() {
    use crate::support::server::Server;
    use std::process::Command;

    let database = migrated().await;
    set_synchronous_commit(&database, "off").await;
    let server = Server::with_arguments(&["--database-url", database.url()]);
    let log = server.log();
    assert!(
        log.contains("ACKNOWLEDGED EVENTS CAN BE LOST") && log.contains("synchronous_commit=off"),
        "{log}"
    );
    assert!(log.contains("keeps events in PostgreSQL, WHICH CAN LOSE THEM"), "{log}");

    let folder = tempfile::tempdir().unwrap();
    let refused = Command::new(env!("CARGO_BIN_EXE_vidne"))
        .args(["serve", "--require-durable", "--listen", "127.0.0.1:0", "--health-listen", ""])
        .args(["--metrics-listen", "", "--database-url", database.url(), "--data-dir"])
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(78), "{said}");
    assert!(said.contains("--require-durable") && said.contains("synchronous_commit=off"), "{said}");
}
