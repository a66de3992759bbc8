//! A fresh MariaDB database for one test.

use std::{str::FromStr, thread};

use sqlx::{Connection, MySqlConnection, mysql::MySqlConnectOptions};
use uuid::Uuid;

use super::from_tests_run;

/// An empty database of its own on the MariaDB that `tests/run` started. Dropped with this value.
pub struct TestMySql {
    administrator: MySqlConnectOptions,
    name: String,
    url: String,
}

impl TestMySql {
    /// Makes one.
    ///
    /// # Panics
    ///
    /// If `VIDNE_TEST_MYSQL_URL` is not set, or if MariaDB does not answer there.
    pub async fn create() -> Self {
        Self::create_on(&from_tests_run("VIDNE_TEST_MYSQL_URL")).await
    }

    /// Makes one on the server of this administrator's URL, which ends with a slash.
    pub async fn create_on(server: &str) -> Self {
        let administrator = MySqlConnectOptions::from_str(server)
            .unwrap_or_else(|error| panic!("{server} is not a MariaDB URL: {error}"));
        let name = format!("vidne_test_{}", Uuid::new_v4().simple());
        // With the worst defaults: vidne says itself what it needs.
        let create = format!("CREATE DATABASE {name} CHARACTER SET latin1 COLLATE latin1_swedish_ci");
        execute(&administrator, create).await.unwrap_or_else(|error| {
            panic!("cannot make a database on the MariaDB of `tests/run`; is it still running? {error}")
        });
        let url = format!("{}/{name}", server.trim_end_matches('/'));
        Self { administrator, name, url }
    }

    /// Where it is, with user name and password: for `--database-url`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A connection of the test's own, with the server's defaults.
    pub async fn connect(&self) -> MySqlConnection {
        let options = self.administrator.clone().database(&self.name);
        MySqlConnection::connect_with(&options).await.expect("a connection to the test's database")
    }
}

impl Drop for TestMySql {
    fn drop(&mut self) {
        let options = self.administrator.clone();
        let statement = format!("SET lock_wait_timeout = 10; DROP DATABASE IF EXISTS {}", self.name);
        // On a thread, since a test's own runtime cannot be waited for from within. What fails here disappears
        // with the server.
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(execute(&options, statement)).map_err(std::io::Error::other)
        });
        if !matches!(dropping.join(), Ok(Ok(()))) {
            eprintln!("could not drop the test database {}", self.name);
        }
    }
}

async fn execute(options: &MySqlConnectOptions, statement: String) -> Result<(), sqlx::Error> {
    let mut connection = MySqlConnection::connect_with(options).await?;
    // Safe as it is: nothing in the statement comes from outside.
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await?;
    connection.close().await
}

#[tokio::test]
async fn each_test_has_a_mariadb_database_of_its_own_that_goes_with_it() {
    let (first, second) = (TestMySql::create().await, TestMySql::create().await);
    assert_ne!(first.url(), second.url());
    let options = MySqlConnectOptions::from_str(first.url()).unwrap();
    execute(&options, "CREATE TABLE only_here (id bigint)".to_owned()).await.unwrap();
    let elsewhere = MySqlConnectOptions::from_str(second.url()).unwrap();
    execute(&elsewhere, "SELECT id FROM only_here".to_owned()).await.unwrap_err();
    drop(first);
    MySqlConnection::connect_with(&options).await.unwrap_err();
}
