//! Settings under which an acknowledged event can be lost.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use crate::store::{StoreError, sql::error::db_error};

const VARIABLES: &str = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('innodb_flush_log_at_trx_commit', \
                         'innodb_doublewrite', 'innodb_flush_method', 'log_bin', 'sync_binlog')";
/// MySQL can be told to write no redo log at all.
const STATUS: &str = "SHOW GLOBAL STATUS LIKE 'Innodb_redo_log_enabled'";

/// What is in force on this MariaDB or MySQL and weakens G1, one sentence each: the setting, its value, what it
/// loses, what to set. None: a commit is on disk before it is acknowledged, as far as the server can tell.
pub async fn weaknesses(db: &DatabaseConnection) -> Result<Vec<String>, StoreError> {
    let mut settings = HashMap::new();
    for sql in [VARIABLES, STATUS] {
        let rows = db.query_all_raw(Statement::from_string(DbBackend::MySql, sql)).await.map_err(db_error)?;
        for row in rows {
            let name: String = row.try_get_by(0).map_err(db_error)?;
            let value: String = row.try_get_by(1).map_err(db_error)?;
            settings.insert(name.to_ascii_lowercase(), value);
        }
    }
    Ok(judge(&settings))
}

/// One sentence for each setting that is not as it should be.
fn judge(settings: &HashMap<String, String>) -> Vec<String> {
    let value = |name: &str| settings.get(name).map(String::as_str).unwrap_or_default();
    let is_off = |value: &str| value.eq_ignore_ascii_case("off") || value == "0";
    let mut found = Vec::new();
    let mut say = |name: &str, value: &str, lost: &str, way_out: &str| {
        found.push(format!(
            "the database runs with {name}={value}, which weakens G1 (durable): {lost}; {way_out}"
        ));
    };

    let name = "innodb_flush_log_at_trx_commit";
    // 3 is MariaDB's: as 1, and once more before.
    if !matches!(value(name), "1" | "3") {
        let lost = "a crash of its machine loses the events acknowledged in the second before";
        say(name, value(name), lost, "set innodb_flush_log_at_trx_commit=1");
    }
    let name = "innodb_redo_log_enabled";
    if is_off(value(name)) {
        let lost = "a crash of the server loses events and can leave the whole database unreadable";
        say(name, value(name), lost, "run ALTER INSTANCE ENABLE INNODB REDO_LOG");
    }
    let name = "innodb_doublewrite";
    if is_off(value(name)) || value(name).eq_ignore_ascii_case("detect_only") {
        let lost = "unless its file system never tears a page, a crash of its machine can damage acknowledged events";
        say(name, value(name), lost, "set innodb_doublewrite=ON");
    }
    let name = "innodb_flush_method";
    if ["o_direct_no_fsync", "nosync", "littlesync"].iter().any(|weak| value(name).eq_ignore_ascii_case(weak))
    {
        let lost =
            "data files are not flushed, so that a crash of its machine can damage acknowledged events";
        say(name, value(name), lost, "set innodb_flush_method=O_DIRECT");
    }
    let name = "sync_binlog";
    if value("log_bin").eq_ignore_ascii_case("on") && value(name) != "1" {
        let lost =
            "with the binary log on, a commit that is not in it is undone after a crash of its machine";
        say(name, value(name), lost, "set sync_binlog=1");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 5] = [
        ("innodb_flush_log_at_trx_commit", "1"),
        ("innodb_doublewrite", "ON"),
        ("innodb_flush_method", "O_DIRECT"),
        ("log_bin", "ON"),
        ("sync_binlog", "1"),
    ];

    fn with(changes: &[(&str, &str)]) -> Vec<String> {
        let all = GOOD.iter().chain(changes);
        judge(&all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn g1_each_setting_that_loses_events_is_named_with_the_way_out() {
        assert!(with(&[]).is_empty());
        for (name, value, way_out) in [
            ("innodb_flush_log_at_trx_commit", "2", "set innodb_flush_log_at_trx_commit=1"),
            ("innodb_flush_log_at_trx_commit", "0", "set innodb_flush_log_at_trx_commit=1"),
            ("innodb_redo_log_enabled", "OFF", "ENABLE INNODB REDO_LOG"),
            ("innodb_doublewrite", "OFF", "set innodb_doublewrite=ON"),
            ("innodb_doublewrite", "DETECT_ONLY", "set innodb_doublewrite=ON"),
            ("innodb_flush_method", "O_DIRECT_NO_FSYNC", "set innodb_flush_method=O_DIRECT"),
            ("innodb_flush_method", "nosync", "set innodb_flush_method=O_DIRECT"),
            ("sync_binlog", "0", "set sync_binlog=1"),
            ("sync_binlog", "100", "set sync_binlog=1"),
        ] {
            let found = with(&[(name, value)]);
            let [words] = &found[..] else { panic!("{name}={value}: {found:?}") };
            assert!(words.contains(&format!("{name}={value}")) && words.contains("G1"), "{words}");
            assert!(words.contains(way_out), "{words}");
        }
    }

    #[test]
    fn g1_settings_that_lose_nothing_are_not_named() {
        for (name, value) in [
            ("innodb_flush_log_at_trx_commit", "3"),
            ("innodb_redo_log_enabled", "ON"),
            ("innodb_doublewrite", "DETECT_AND_RECOVER"),
            ("innodb_flush_method", "fsync"),
        ] {
            assert!(with(&[(name, value)]).is_empty(), "{name}={value}");
        }
        assert!(with(&[("log_bin", "OFF"), ("sync_binlog", "0")]).is_empty());
    }
}
