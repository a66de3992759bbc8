//! Databases of a test's own, and ways to disturb them.

use std::str::FromStr;

use sqlx::{Connection, PgConnection, Row, postgres::PgConnectOptions};
use vidne::{domain::secret::Secret, store::sql::Database};

use crate::support::{mysql::TestMySql, postgres};

/// Where a MariaDB database is, for a store.
pub fn mysql_database(database: &TestMySql) -> Database {
    Database::from_url(&Secret::new(database.url())).expect("a MariaDB URL")
}

/// An empty PostgreSQL database, dropped with the value.
pub struct TestDatabase {
    database: postgres::TestDatabase,
    url: String,
}

impl TestDatabase {
    /// Creates it; panics, naming the way out, if there is no server.
    pub async fn create() -> Self {
        let database = postgres::TestDatabase::create().await;
        let url = database.url().to_owned();
        Self { database, url }
    }

    /// The same one, reached over the server's Unix socket.
    pub async fn over_its_socket(self) -> Self {
        let folder = self.text("SHOW unix_socket_directories").await;
        assert!(folder.starts_with('/'), "the server has one Unix socket, not {folder:?}");
        let url = format!("{}?host={folder}", self.database.url());
        Self { url, ..self }
    }

    /// The one text that a query gives.
    pub async fn text(&self, sql: &'static str) -> String {
        sqlx::query(sql).fetch_one(&mut self.connect().await).await.expect("one row").get(0)
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it is, for a store.
    pub fn database(&self) -> Database {
        Database::from_url(&Secret::new(self.url())).expect("a PostgreSQL URL")
    }

    /// A connection of the test's own.
    pub async fn connect(&self) -> PgConnection {
        let options = PgConnectOptions::from_str(self.url()).expect("a PostgreSQL URL");
        PgConnection::connect_with(&options).await.expect("a connection to the test's database")
    }

    /// Ends all connections to it that are vidne's, and none of the test's own.
    pub async fn terminate_vidnes_connections(&self) {
        const SQL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                           WHERE datname = current_database() AND application_name = 'vidne'";
        sqlx::raw_sql(SQL).execute(&mut self.connect().await).await.expect("terminate");
    }

    /// Ends all other connections to it, as an administrator or a restart would.
    pub async fn terminate_connections(&self) {
        const SQL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                           WHERE datname = current_database() AND pid <> pg_backend_pid()";
        sqlx::raw_sql(SQL).execute(&mut self.connect().await).await.expect("terminate");
    }
}
