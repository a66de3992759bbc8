//! A store to test, with what a test needs around it.

use std::sync::Arc;

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use vidne::{
    domain::time::{Clock, ManualClock, Timestamp},
    store::{
        Store,
        memory::MemoryStore,
        sql::{Database, PoolOptions, SqlStore, migrate},
    },
};

use super::harness::{TestDatabase, mysql_database};
use crate::support::mysql::TestMySql;

/// In microseconds; longer than any lease of a test.
const DAY: i64 = 24 * 3_600 * 1_000_000;

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Memory,
    Sqlite,
    Postgres,
    /// PostgreSQL over its Unix socket, where batches go another way.
    PostgresSocket,
    MySql,
}

/// One store, freshly migrated, and the ways into it.
pub struct Bed {
    first: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    folder: Option<TempDir>,
    postgres: Option<TestDatabase>,
    mysql: Option<TestMySql>,
}

impl Bed {
    pub async fn new(kind: Kind) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_000_000)));
        let folder = (kind == Kind::Sqlite).then(|| TempDir::new().expect("a folder"));
        let postgres = match kind {
            Kind::Postgres => Some(TestDatabase::create().await),
            Kind::PostgresSocket => Some(TestDatabase::create().await.over_its_socket().await),
            _ => None,
        };
        let mysql = match kind {
            Kind::MySql => Some(TestMySql::create().await),
            _ => None,
        };
        let database = match (&folder, &postgres, &mysql) {
            (Some(folder), _, _) => Some(Database::sqlite(folder.path())),
            (_, Some(postgres), _) => Some(postgres.database()),
            (_, _, Some(mysql)) => Some(mysql_database(mysql)),
            _ => None,
        };
        let first: Arc<dyn Store> = match &database {
            Some(database) => {
                migrate(database).await.expect("migrate");
                Arc::new(open(database).await)
            }
            None => Arc::new(MemoryStore::new(clock.clone())),
        };
        Self { first, clock, folder, postgres, mysql }
    }

    /// The store.
    pub fn store(&self) -> Arc<dyn Store> {
        self.first.clone()
    }

    /// The store as another server sees it. Only database servers have several; the others give the same one again.
    pub async fn another_server(&self) -> Arc<dyn Store> {
        match (&self.postgres, &self.mysql) {
            (Some(postgres), _) => Arc::new(open(&postgres.database()).await),
            (_, Some(mysql)) => Arc::new(open(&mysql_database(mysql)).await),
            _ => self.store(),
        }
    }

    /// The store as a server sees it that has just been started. The model store is the same one again.
    pub async fn opened_anew(&self) -> Arc<dyn Store> {
        match &self.folder {
            Some(folder) => Arc::new(open(&Database::sqlite(folder.path())).await),
            None => self.another_server().await,
        }
    }

    /// The database itself, if the store is PostgreSQL.
    pub fn postgres(&self) -> Option<&TestDatabase> {
        self.postgres.as_ref()
    }

    /// Makes every lease run out now.
    pub async fn expire_leases(&self) {
        const SQL: &str = "UPDATE export_jobs SET lease_until = 1 WHERE lease_until IS NOT NULL; \
                           UPDATE subscriptions SET lease_until = 1 WHERE lease_until IS NOT NULL";
        if let Some(postgres) = &self.postgres {
            sqlx::raw_sql(SQL).execute(&mut postgres.connect().await).await.expect("expire");
        } else if let Some(mysql) = &self.mysql {
            sqlx::raw_sql(SQL).execute(&mut mysql.connect().await).await.expect("expire");
        } else if let Some(folder) = &self.folder {
            let file = SqliteConnectOptions::new().filename(folder.path().join("vidne.db"));
            let mut connection = SqliteConnection::connect_with(&file).await.expect("open");
            sqlx::raw_sql(SQL).execute(&mut connection).await.expect("expire");
        } else {
            self.clock.set(self.clock.now().plus_micros(DAY));
        }
    }
}

async fn open(database: &Database) -> SqlStore {
    let options = PoolOptions { max_connections: 4, ..PoolOptions::default() };
    SqlStore::open(database, &options).await.expect("open")
}
