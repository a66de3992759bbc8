//! Settings of a database under which an acknowledged event can be lost.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::{error::db_error, mysql, store::SqlStore};
use crate::store::StoreError;

impl SqlStore {
    /// What is really in force and lets an acknowledged event be lost, one sentence each with the way out;
    /// none: a commit is on disk before it is acknowledged, as far as the database can tell.
    pub async fn weaknesses(&self) -> Result<Vec<String>, StoreError> {
        match self.write.get_database_backend() {
            // `synchronous` belongs to the connection: the writer's counts.
            DbBackend::Sqlite => {
                let synchronous = self.setting("SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous");
                let synchronous = synchronous.await?;
                let journal = self.setting("SELECT journal_mode FROM pragma_journal_mode").await?;
                Ok(sqlite(&synchronous, &journal))
            }
            DbBackend::MySql => mysql::weaknesses(&self.write).await,
            _ => {
                let fsync = self.setting("SELECT current_setting('fsync')").await?;
                let commit = self.setting("SELECT current_setting('synchronous_commit')").await?;
                let pages = self.setting("SELECT current_setting('full_page_writes')").await?;
                Ok(postgres(&fsync, &commit, &pages))
            }
        }
    }

    async fn setting(&self, sql: &'static str) -> Result<String, StoreError> {
        let statement = Statement::from_string(self.write.get_database_backend(), sql);
        let row = self.write.query_one_raw(statement).await.map_err(db_error)?;
        let row =
            row.ok_or_else(|| StoreError::Damaged("a setting of the database has no value".to_owned()))?;
        row.try_get_by(0).map_err(db_error)
    }
}

fn postgres(fsync: &str, synchronous_commit: &str, full_page_writes: &str) -> Vec<String> {
    let mut found = Vec::new();
    if fsync == "off" {
        found.push(
            "PostgreSQL runs with fsync=off: a crash of its machine can lose acknowledged events and leave the \
             whole database unreadable; set fsync=on in postgresql.conf and reload"
                .to_owned(),
        );
    }
    let lost = match synchronous_commit {
        "on" | "remote_apply" => None,
        "off" => Some("a crash of PostgreSQL or its machine loses the events acknowledged just before"),
        "local" => Some(
            "standbys are not waited for: if one takes over, the events acknowledged just before may be missing",
        ),
        "remote_write" => Some(
            "standbys acknowledge before they have the events on disk: if one takes over after a crash of its own \
             machine, the events acknowledged just before may be missing",
        ),
        _ => Some("this server does not know what that value loses"),
    };
    if let Some(lost) = lost {
        found.push(format!(
            "PostgreSQL runs with synchronous_commit={synchronous_commit} for this database and role: {lost}; set \
             it to on (ALTER DATABASE ... SET synchronous_commit = on, or the same with ALTER ROLE, or in \
             postgresql.conf)"
        ));
    }
    if full_page_writes == "off" {
        found.push(
            "PostgreSQL runs with full_page_writes=off: unless its file system never tears a page, a crash of its \
             machine can damage acknowledged events; set full_page_writes=on in postgresql.conf and reload"
                .to_owned(),
        );
    }
    found
}

fn sqlite(synchronous: &str, journal: &str) -> Vec<String> {
    let mut found = Vec::new();
    // 2 is FULL, 3 is EXTRA.
    if !matches!(synchronous, "2" | "3") {
        found.push(format!(
            "SQLite runs with synchronous={synchronous} although FULL (2) was asked for: a crash of the machine \
             loses the events acknowledged just before; keep the data folder on a local file system"
        ));
    }
    if !journal.eq_ignore_ascii_case("wal") {
        found.push(format!(
            "SQLite runs with journal_mode={journal} although WAL was asked for: a crash can undo the events \
             acknowledged just before; keep the data folder on a local file system"
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g1_each_setting_that_loses_events_is_named_with_the_way_out() {
        assert!(postgres("on", "on", "on").is_empty());
        assert!(postgres("on", "remote_apply", "on").is_empty());
        let off = postgres("off", "on", "on");
        assert!(matches!(&off[..], [words] if words.contains("fsync=off") && words.contains("set fsync=on")));
        let torn = postgres("on", "on", "off");
        assert!(matches!(&torn[..], [words] if words.contains("set full_page_writes=on")));
        for (value, lost) in
            [("off", "crash of PostgreSQL"), ("local", "not waited for"), ("remote_write", "own machine")]
        {
            let found = postgres("on", value, "on");
            assert!(matches!(&found[..], [words]
                if words.contains(&format!("synchronous_commit={value}")) && words.contains(lost)
                    && words.contains("set it to on")));
        }
        assert_eq!(postgres("off", "off", "off").len(), 3);
    }

    #[test]
    fn g1_sqlite_that_did_not_take_its_settings_is_found() {
        assert!(sqlite("2", "wal").is_empty() && sqlite("3", "wal").is_empty());
        assert!(sqlite("1", "wal")[0].contains("synchronous=1"));
        assert!(sqlite("2", "delete")[0].contains("journal_mode=delete"));
    }
}
