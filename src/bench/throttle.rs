//! Makes a database slow: somebody else holds what the server needs for most of the time.

use std::{path::Path, str::FromStr, time::Duration};

use sqlx::{
    Connection, PgConnection, SqliteConnection, postgres::PgConnectOptions, sqlite::SqliteConnectOptions,
};
use tokio::time;

use super::error::{BenchError, database};
use crate::domain::secret::Secret;

/// Held and let go within this time.
const PERIOD: Duration = Duration::from_secs(1);
/// How long the server's own transactions may be in the way.
const PATIENCE: Duration = Duration::from_secs(60);

/// One that holds the logs of a database.
pub(super) struct Throttle {
    held: Held,
    working: f64,
}

enum Held {
    Sqlite(Box<SqliteConnectOptions>),
    Postgres(Secret),
}

impl Throttle {
    /// Lets the SQLite in a data folder work for this share of the time.
    pub(super) fn sqlite(folder: &Path, working: f64) -> Self {
        let file = SqliteConnectOptions::new().filename(folder.join("vidne.db")).busy_timeout(PATIENCE);
        Self { held: Held::Sqlite(Box::new(file)), working }
    }

    /// The same for a PostgreSQL database.
    pub(super) fn postgres(url: &Secret, working: f64) -> Self {
        Self { held: Held::Postgres(url.clone()), working }
    }

    /// Holds and lets go until it is dropped; ends only if it fails.
    pub(super) async fn run(self) -> Result<(), BenchError> {
        let (held, free) = (PERIOD.mul_f64(1.0 - self.working), PERIOD.mul_f64(self.working));
        match self.held {
            Held::Sqlite(file) => {
                let mut connection =
                    SqliteConnection::connect_with(&file).await.map_err(database("be held"))?;
                loop {
                    // Takes the one right to write that there is.
                    sqlx::raw_sql("BEGIN IMMEDIATE")
                        .execute(&mut connection)
                        .await
                        .map_err(database("be held"))?;
                    time::sleep(held).await;
                    sqlx::raw_sql("ROLLBACK")
                        .execute(&mut connection)
                        .await
                        .map_err(database("be let go"))?;
                    time::sleep(free).await;
                }
            }
            Held::Postgres(url) => {
                let options = PgConnectOptions::from_str(url.expose()).map_err(|_| BenchError::Url)?;
                let mut connection =
                    PgConnection::connect_with(&options).await.map_err(database("let us connect"))?;
                loop {
                    sqlx::raw_sql("BEGIN; SELECT 1 FROM heads FOR UPDATE")
                        .execute(&mut connection)
                        .await
                        .map_err(database("be held"))?;
                    time::sleep(held).await;
                    sqlx::raw_sql("ROLLBACK")
                        .execute(&mut connection)
                        .await
                        .map_err(database("be let go"))?;
                    time::sleep(free).await;
                }
            }
        }
    }
}
