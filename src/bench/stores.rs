//! One measurement on each store that was asked for.

use std::future::Future;

use tokio_util::sync::CancellationToken;

use super::{error::BenchError, postgres::BenchDatabase};
use crate::domain::secret::Secret;

/// Measures SQLite, if it was asked for, and then PostgreSQL in a database that goes again whatever happens. `stop` ends
/// either early.
pub(super) async fn measure<T>(
    sqlite: Option<impl Future<Output = Result<T, BenchError>>>,
    postgres: Option<&Secret>,
    on_postgres: impl AsyncFnOnce(&BenchDatabase) -> Result<T, BenchError>,
    stop: &CancellationToken,
) -> Result<Vec<T>, BenchError> {
    let mut measured = Vec::new();
    if let Some(sqlite) = sqlite {
        measured.push(stoppable(stop, sqlite).await?);
    }
    if let Some(url) = postgres {
        let database = BenchDatabase::create(url).await?;
        let there = stoppable(stop, on_postgres(&database)).await;
        let dropped = database.remove().await;
        measured.push(there?);
        dropped?;
    }
    Ok(measured)
}

/// `work`, or `Stopped` as soon as `stop` is cancelled.
pub(super) async fn stoppable<T>(
    stop: &CancellationToken,
    work: impl Future<Output = Result<T, BenchError>>,
) -> Result<T, BenchError> {
    stop.run_until_cancelled(work).await.unwrap_or(Err(BenchError::Stopped))
}
