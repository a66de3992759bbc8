//! Which server this is, and whether it can do the work.

use std::collections::HashMap;

use sqlx::{MySqlConnection, Row};

use crate::store::{StoreError, sql::error::connect_error};

/// The two families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    MariaDb,
    /// MySQL and what is made of it, such as Percona Server.
    MySql,
}

/// The oldest versions: with atomic DDL, and `innodb_lock_wait_timeout` as it is used here.
const OLDEST_MARIADB: (u32, u32) = (10, 6);
const OLDEST_MYSQL: (u32, u32) = (8, 0);

/// The largest statement: 4 MiB of rows and one more, an event of 1 MiB at most with its personal data.
const LEAST_PACKET: u64 = 8 << 20;

/// What a server says of itself.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) flavour: Flavour,
    version: String,
    log_bin: bool,
    binlog_format: String,
    max_allowed_packet: u64,
}

impl Server {
    pub(super) async fn ask(connection: &mut MySqlConnection) -> Result<Self, StoreError> {
        const SQL: &str = "SHOW VARIABLES WHERE Variable_name IN \
                           ('version', 'log_bin', 'binlog_format', 'max_allowed_packet')";
        let rows = sqlx::raw_sql(SQL).fetch_all(connection).await.map_err(connect_error)?;
        let mut values = HashMap::new();
        for row in rows {
            let name: String = row.try_get(0).map_err(connect_error)?;
            values.insert(name, row.try_get::<String, _>(1).map_err(connect_error)?);
        }
        let mut take = |name: &str| values.remove(name).unwrap_or_default();
        let version = take("version");
        let is_mariadb = version.to_ascii_lowercase().contains("mariadb");
        Ok(Self {
            flavour: if is_mariadb { Flavour::MariaDb } else { Flavour::MySql },
            version,
            log_bin: take("log_bin").eq_ignore_ascii_case("on"),
            binlog_format: take("binlog_format"),
            max_allowed_packet: take("max_allowed_packet").parse().unwrap_or(0),
        })
    }

    /// `Incompatible`, with the way out, if it cannot do the work.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let (product, oldest) = match self.flavour {
            Flavour::MariaDb => ("MariaDB", OLDEST_MARIADB),
            Flavour::MySql => ("MySQL", OLDEST_MYSQL),
        };
        let words = if release(&self.version) < Some(oldest) {
            format!(
                "the database server is {product} {}; vidne needs MariaDB {}.{} or MySQL {}.{} at least",
                self.version, OLDEST_MARIADB.0, OLDEST_MARIADB.1, OLDEST_MYSQL.0, OLDEST_MYSQL.1
            )
        } else if self.log_bin && self.binlog_format.eq_ignore_ascii_case("statement") {
            // InnoDB refuses every write then (error 1665).
            "the database server writes its binary log as statements, which InnoDB does not allow for READ \
             COMMITTED; set binlog_format=ROW"
                .to_owned()
        } else if self.max_allowed_packet < LEAST_PACKET {
            format!(
                "the database server takes statements of {} bytes only; set max_allowed_packet to 16M, at least \
                 {LEAST_PACKET} bytes",
                self.max_allowed_packet
            )
        } else {
            return Ok(());
        };
        Err(StoreError::Incompatible(words))
    }
}

/// The first two numbers of a version.
fn release(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(flavour: Flavour, version: &str) -> Server {
        Server {
            flavour,
            version: version.to_owned(),
            log_bin: false,
            binlog_format: "MIXED".to_owned(),
            max_allowed_packet: 16 << 20,
        }
    }

    fn refusal(server: &Server) -> String {
        server.check().unwrap_err().to_string()
    }

    #[test]
    fn servers_that_are_too_old_are_refused_in_plain_words() {
        for good in ["10.6.21-MariaDB", "10.11.19-MariaDB-0+deb12u1", "11.8.2-MariaDB", "12.0.2-MariaDB-log"]
        {
            server(Flavour::MariaDb, good).check().unwrap();
        }
        for good in ["8.0.44", "8.4.7-0ubuntu0.22.04.1", "9.5.0", "8.0.42-33"] {
            server(Flavour::MySql, good).check().unwrap();
        }
        let old = refusal(&server(Flavour::MariaDb, "10.5.29-MariaDB"));
        assert!(old.contains("MariaDB 10.5.29-MariaDB; vidne needs MariaDB 10.6 or MySQL 8.0"), "{old}");
        for old in ["5.7.44", "", "new"] {
            assert!(refusal(&server(Flavour::MySql, old)).contains("vidne needs"), "{old}");
        }
    }

    #[test]
    fn servers_that_would_refuse_to_write_are_refused_first() {
        let statement = Server {
            log_bin: true,
            binlog_format: "STATEMENT".to_owned(),
            ..server(Flavour::MySql, "8.0.44")
        };
        assert!(refusal(&statement).contains("binlog_format=ROW"));
        Server { log_bin: false, ..statement }.check().unwrap();
        let small = Server { max_allowed_packet: 4 << 20, ..server(Flavour::MariaDb, "10.6.1-MariaDB") };
        assert!(refusal(&small).contains("max_allowed_packet"));
    }
}
