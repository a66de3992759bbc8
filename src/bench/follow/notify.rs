//! How soon PostgreSQL tells one connection what another one says: no event can be told of sooner.

use std::time::{Duration, Instant};

use sqlx::{Connection as _, PgConnection, postgres::PgListener};
use tokio::time;

use crate::{
    bench::{
        error::{BenchError, database},
        figures::{Figures, Tally},
    },
    domain::secret::Secret,
};

const CHANNEL: &str = "vidne_bench";
/// As many are enough.
const MOST: usize = 20_000;
/// How long one may take.
const LIMIT: Duration = Duration::from_secs(10);

/// From NOTIFY, a transaction of its own, until the listener has it.
pub(super) async fn round_trip(url: &Secret, duration: Duration) -> Result<Figures, BenchError> {
    let mut says = PgConnection::connect(url.expose()).await.map_err(database("let us connect"))?;
    let mut hears = PgListener::connect(url.expose()).await.map_err(database("let us listen"))?;
    hears.listen(CHANNEL).await.map_err(database("let us listen"))?;
    let mut tally = Tally::default();
    let case = "bare LISTEN/NOTIFY";
    let until = Instant::now() + duration;
    while tally.latencies.is_empty() || (Instant::now() < until && tally.latencies.len() < MOST) {
        let begun = Instant::now();
        let said = sqlx::query("SELECT pg_notify($1, '')").bind(CHANNEL).execute(&mut says).await;
        said.map_err(database("notify"))?;
        let silent = |_| BenchError::Silent { case: case.to_owned(), within: LIMIT };
        time::timeout(LIMIT, hears.recv()).await.map_err(silent)?.map_err(database("tell a listener"))?;
        tally.add(1, begun.elapsed());
    }
    says.close().await.map_err(database("close a connection"))?;
    let elapsed = tally.total();
    Ok(tally.figures(case, elapsed))
}
