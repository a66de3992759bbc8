//! A fresh PostgreSQL database for one test.

use std::{str::FromStr, thread};

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

use super::from_tests_run;

/// An empty database of its own on the PostgreSQL that `tests/run` started. Dropped with this value, also when
/// connections to it are still open.
pub struct TestDatabase {
    administrator: PgConnectOptions,
    name: String,
    url: String,
}

impl TestDatabase {
    /// Makes one.
    ///
    /// # Panics
    ///
    /// If `VIDNE_TEST_POSTGRES_URL` is not set, or if PostgreSQL does not answer there.
    pub async fn create() -> Self {
        let administrator_url = from_tests_run("VIDNE_TEST_POSTGRES_URL");
        let administrator = PgConnectOptions::from_str(&administrator_url)
            .unwrap_or_else(|error| panic!("VIDNE_TEST_POSTGRES_URL is not a PostgreSQL URL: {error}"));
        let name = format!("vidne_test_{}", Uuid::new_v4().simple());
        execute(&administrator, format!("CREATE DATABASE {name}")).await.unwrap_or_else(|error| {
            panic!("cannot make a database on the PostgreSQL of `tests/run`; is it still running? {error}")
        });
        let Some((server, _)) = administrator_url.rsplit_once('/') else {
            panic!("VIDNE_TEST_POSTGRES_URL names no database");
        };
        let url = format!("{server}/{name}");
        Self { administrator, name, url }
    }

    /// Where it is, with user name and password: for `--database-url`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let options = self.administrator.clone();
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // On a thread, since a test's own runtime cannot be waited for from within. What fails here disappears
        // with the cluster.
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(execute(&options, statement)).map_err(std::io::Error::other)
        });
        if !matches!(dropping.join(), Ok(Ok(()))) {
            eprintln!("could not drop the test database {}", self.name);
        }
    }
}

async fn execute(options: &PgConnectOptions, statement: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect_with(options).await?;
    // Safe as it is: nothing in the statement comes from outside.
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await?;
    connection.close().await
}

#[tokio::test]
async fn each_test_has_a_postgresql_database_of_its_own_that_goes_with_it() {
    let (first, second) = (TestDatabase::create().await, TestDatabase::create().await);
    assert_ne!(first.url(), second.url());
    let options = PgConnectOptions::from_str(first.url()).unwrap();
    execute(&options, "CREATE TABLE only_here (id bigint)".to_owned()).await.unwrap();
    let elsewhere = PgConnectOptions::from_str(second.url()).unwrap();
    execute(&elsewhere, "SELECT id FROM only_here".to_owned()).await.unwrap_err();

    let still_open = PgConnection::connect_with(&options).await.unwrap();
    drop(first);
    PgConnection::connect_with(&options).await.unwrap_err();
    drop(still_open);
}
