//! Databases of a test's own on the PostgreSQL server that `tests/run` starts.

use std::{
    str::FromStr,
    sync::atomic::{AtomicU32, Ordering},
};

use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use vidne::{domain::secret::Secret, store::sql::Database};

/// An empty database, dropped with the value.
pub struct TestDatabase {
    name: String,
}

impl TestDatabase {
    /// Creates it; panics, naming the way out, if there is no server.
    pub async fn create() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("vidne_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        admin(&format!("CREATE DATABASE {name}")).await;
        Self { name }
    }

    /// Where it is, for a store.
    pub fn database(&self) -> Database {
        Database::from_url(&Secret::new(self.url())).expect("a PostgreSQL URL")
    }

    /// Its URL.
    pub fn url(&self) -> String {
        let url = server();
        let (server, parameters) = url.split_once('?').map_or((url.as_str(), ""), |(s, p)| (s, p));
        let host = server.find("://").map_or(0, |at| at + 3);
        let path = server[host..].find('/').map_or(server.len(), |at| host + at);
        format!("{}/{}?{parameters}", &server[..path], self.name)
    }

    /// A connection of the test's own.
    pub async fn connect(&self) -> PgConnection {
        let options = PgConnectOptions::from_str(&self.url()).expect("a PostgreSQL URL");
        PgConnection::connect_with(&options).await.expect("a connection to the test's database")
    }

    /// Ends all other connections to it, as an administrator or a restart would.
    pub async fn terminate_connections(&self) {
        admin(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
            self.name
        ))
        .await;
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A runtime of its own: the test's may be going away.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(admin(&sql));
        });
        drop(dropping.join());
    }
}

async fn admin(sql: &str) {
    let options = PgConnectOptions::from_str(&server()).expect("VIDNE_TEST_POSTGRES_URL is a URL");
    let mut connection =
        PgConnection::connect_with(&options).await.expect("the PostgreSQL server of VIDNE_TEST_POSTGRES_URL");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("administrate databases");
    connection.close().await.expect("close");
}

fn server() -> String {
    std::env::var("VIDNE_TEST_POSTGRES_URL").expect(
        "VIDNE_TEST_POSTGRES_URL must name a PostgreSQL server as superuser; tests/run starts one and sets it",
    )
}
