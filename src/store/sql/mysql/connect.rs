//! Opens connections.

use std::{str::FromStr, time::Duration};

use sea_orm::{DatabaseConnection, SqlxMySqlConnector};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlPool},
    pool,
};

use super::{server::Server, session};
use crate::{
    domain::secret::Secret,
    store::{
        StoreError,
        sql::{
            database::PoolOptions,
            error::{connect_error, sqlx_error},
        },
    },
};

/// Prepared statements kept per connection. Both sides hold each, and one that writes hundreds of rows is large.
const STATEMENTS: usize = 24;

/// How long a connection that comes back may take to show that it is still of use. It is missing meanwhile, and a
/// new one costs less than this.
const RETURN_TIMEOUT: Duration = Duration::from_secs(1);

/// A pool of this many connections to a server that can do the work. `Unavailable` if it cannot be reached,
/// `Incompatible` if it is too old, set up wrongly, or refuses the user.
pub(in crate::store::sql) async fn pool(
    url: &Secret,
    connections: u32,
    options: &PoolOptions,
) -> Result<DatabaseConnection, StoreError> {
    let address = address(url)?;
    // Once without the pool, which would try a refused connection again and then tell of a time-out only.
    let server = tokio::time::timeout(options.acquire_timeout, look(&address)).await;
    let server = server.map_err(|e| StoreError::Unavailable(Box::new(e)))??;
    let settings = session::settings(server.flavour, options);
    let mut pool_options: pool::PoolOptions<sqlx::MySql> = pool::PoolOptions::new()
        .max_connections(connections.max(1))
        .acquire_timeout(options.acquire_timeout)
        .after_connect(move |connection, _| {
            let settings = settings.clone();
            Box::pin(
                async move { sqlx::raw_sql(AssertSqlSafe(settings)).execute(connection).await.map(|_| ()) },
            )
        })
        // A call that was dropped between two packets can leave the driver waiting for answers that never come;
        // its connection is thrown away then, instead of being held for ever.
        .after_release(|connection: &mut MySqlConnection, _| {
            Box::pin(async move {
                let alive = tokio::time::timeout(RETURN_TIMEOUT, connection.ping()).await;
                alive.map_err(|_| sqlx::Error::PoolTimedOut)?.map(|()| true)
            })
        });
    if let Some(idle) = session::idle_in_pool(server.flavour) {
        pool_options = pool_options.idle_timeout(idle);
    }
    let pool: MySqlPool = pool_options.connect_lazy_with(address);
    Ok(SqlxMySqlConnector::from_sqlx_mysql_pool(pool))
}

async fn look(address: &MySqlConnectOptions) -> Result<Server, StoreError> {
    let mut connection = MySqlConnection::connect_with(address).await.map_err(connect_error)?;
    let server = Server::ask(&mut connection).await?;
    connection.close().await.map_err(sqlx_error)?;
    server.check()?;
    Ok(server)
}

fn address(url: &Secret) -> Result<MySqlConnectOptions, StoreError> {
    // The cause is not shown: it may quote the URL.
    let address = MySqlConnectOptions::from_str(url.expose()).map_err(|_| {
        StoreError::Incompatible(
            "the database URL cannot be read; write mysql://user:password@host:3306/name and percent-encode \
             special characters of the password"
                .to_owned(),
        )
    })?;
    if address.get_database().is_none_or(str::is_empty) {
        return Err(StoreError::Incompatible(
            "the database URL names no database; write mysql://user:password@host:3306/name".to_owned(),
        ));
    }
    // `session` says all of this.
    Ok(address
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging())
}
