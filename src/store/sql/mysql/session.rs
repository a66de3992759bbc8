//! What each connection is told, so that no default of the server, the database or the user makes a difference.

use std::time::Duration;

use super::server::Flavour;
use crate::store::sql::database::PoolOptions;

/// A transaction that its client has forgotten must not hold a tenant's head for ever.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(30);

/// Statements for a new connection.
pub(super) fn settings(flavour: Flavour, options: &PoolOptions) -> String {
    let lock = seconds(options.lock_timeout);
    let idle = seconds(IDLE_IN_TRANSACTION);
    let bounds = match flavour {
        // Long lists of keys stay lists: made into a join, they would be locked in another order.
        Flavour::MariaDb => format!(
            "max_statement_time = {:.3}, idle_transaction_timeout = {idle}, in_predicate_conversion_threshold = 0",
            options.statement_timeout.as_secs_f64().max(0.001)
        ),
        // MySQL bounds reads only, and knows idle connections but no idle transactions.
        Flavour::MySql => format!(
            "max_execution_time = {}, wait_timeout = {idle}",
            options.statement_timeout.as_millis().max(1)
        ),
    };
    format!(
        // Each statement sees what was committed when it began, also within a transaction: what is read under a
        // head's lock must be what its last holder left.
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE; \
         SET NAMES utf8mb4 COLLATE utf8mb4_bin; \
         SET SESSION autocommit = 1, unique_checks = 1, default_storage_engine = InnoDB, time_zone = '+00:00', \
         sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', \
         innodb_lock_wait_timeout = {lock}, lock_wait_timeout = {lock}, {bounds}"
    )
}

/// How long a connection may rest in the pool, where the server would end it as it ends a forgotten transaction.
pub(super) fn idle_in_pool(flavour: Flavour) -> Option<Duration> {
    match flavour {
        Flavour::MariaDb => None,
        Flavour::MySql => Some(IDLE_IN_TRANSACTION / 2),
    }
}

/// Whole seconds, as few as the servers take.
fn seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1_000).max(1).try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up_to_what_the_servers_take() {
        for (given, taken) in [(0, 1), (50, 1), (1_000, 1), (1_001, 2), (10_000, 10)] {
            assert_eq!(seconds(Duration::from_millis(given)), taken);
        }
        let options =
            PoolOptions { statement_timeout: Duration::from_millis(1_500), ..PoolOptions::default() };
        assert!(settings(Flavour::MariaDb, &options).contains("max_statement_time = 1.500,"));
        assert!(settings(Flavour::MySql, &options).contains("max_execution_time = 1500,"));
    }
}
