//! Migrations, and what a server refuses to work with.

use sea_orm::{ConnectionTrait, DatabaseConnection};
use tempfile::TempDir;
use vidne::{
    domain::secret::Secret,
    store::{
        StoreError,
        sql::{Database, PoolOptions, SqlStore, migrate},
    },
};
use vidne_migrations::{Migrator, MigratorTrait};

use super::harness::{TestDatabase, mysql_database};
use crate::support::mysql::TestMySql;

/// An empty database and whatever must outlive it.
struct Empty {
    database: Database,
    url: String,
    _folder: Option<TempDir>,
    _postgres: Option<TestDatabase>,
    _mysql: Option<TestMySql>,
}

impl Empty {
    fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("vidne.db").display());
        Self {
            database: Database::sqlite(folder.path()),
            url,
            _folder: Some(folder),
            _postgres: None,
            _mysql: None,
        }
    }

    async fn postgres() -> Self {
        let postgres = TestDatabase::create().await;
        Self {
            database: postgres.database(),
            url: postgres.url().to_owned(),
            _folder: None,
            _postgres: Some(postgres),
            _mysql: None,
        }
    }

    async fn mysql() -> Self {
        let mysql = TestMySql::create().await;
        let (database, url) = (mysql_database(&mysql), mysql.url().to_owned());
        Self { database, url, _folder: None, _postgres: None, _mysql: Some(mysql) }
    }

    async fn connect(&self) -> DatabaseConnection {
        sea_orm::Database::connect(&self.url).await.unwrap()
    }

    async fn execute(&self, sql: &str) {
        let db = self.connect().await;
        db.execute_unprepared(sql).await.unwrap();
        db.close().await.unwrap();
    }

    async fn refusal(&self) -> String {
        match SqlStore::open(&self.database, &PoolOptions::default()).await {
            Err(StoreError::Incompatible(words)) => words,
            other => panic!("a refusal was expected, not {other:?}"),
        }
    }

    async fn migrate_refusal(&self) -> String {
        match migrate(&self.database).await {
            Err(StoreError::Incompatible(words)) => words,
            other => panic!("a refusal was expected, not {other:?}"),
        }
    }
}

macro_rules! on_every_database {
    ($($rule:ident,)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() { super::$rule(super::Empty::sqlite()).await; })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() { super::$rule(super::Empty::postgres().await).await; })+
        }
        mod mysql {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() { super::$rule(super::Empty::mysql().await).await; })+
        }
    };
}

on_every_database! {
    four_that_migrate_at_once_do_it_once,
    an_empty_database_is_refused_with_the_way_out,
    an_old_database_is_refused_with_the_way_out_and_can_be_migrated,
    a_database_of_somebody_else_is_refused_and_left_alone,
    a_newer_database_is_accepted_unless_it_says_otherwise,
}

async fn four_that_migrate_at_once_do_it_once(empty: Empty) {
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let database = empty.database.clone();
            tokio::spawn(async move { migrate(&database).await })
        })
        .collect();
    let mut applied = Vec::new();
    for task in tasks {
        applied.push(task.await.unwrap().unwrap());
    }
    applied.sort();
    assert_eq!(applied.concat(), vidne_migrations::names());
    assert_eq!(applied[..3], [const { Vec::<String>::new() }; 3]);
    SqlStore::open(&empty.database, &PoolOptions::default()).await.unwrap();
}

async fn an_empty_database_is_refused_with_the_way_out(empty: Empty) {
    assert!(empty.refusal().await.contains("run `vidne migrate`"));
}

async fn an_old_database_is_refused_with_the_way_out_and_can_be_migrated(empty: Empty) {
    let names = vidne_migrations::names();
    let db = empty.connect().await;
    Migrator::up(&db, Some(2)).await.unwrap();
    db.close().await.unwrap();

    let words = empty.refusal().await;
    assert!(words.contains("older than this server") && words.contains("run `vidne migrate`"), "{words}");
    assert!(words.contains(&names[2]) && !words.contains(&names[1]), "{words}");
    assert_eq!(migrate(&empty.database).await.unwrap(), names[2..]);
    SqlStore::open(&empty.database, &PoolOptions::default()).await.unwrap();
}

async fn a_database_of_somebody_else_is_refused_and_left_alone(empty: Empty) {
    empty.execute("CREATE TABLE somebody_elses (id INTEGER)").await;
    for words in [empty.refusal().await, empty.migrate_refusal().await] {
        assert!(words.contains("not vidne's") && words.contains("name a database of vidne's own"), "{words}");
    }
    // Not even with a table that has the name of ours.
    empty.execute("CREATE TABLE installation (id INTEGER)").await;
    assert!(empty.refusal().await.contains("not vidne's"));
    assert!(empty.migrate_refusal().await.contains("not vidne's"));
    empty.execute("DROP TABLE installation").await;
    empty.execute("DROP TABLE somebody_elses").await;
    assert!(empty.refusal().await.contains("the database is empty"), "nothing was made");
}

async fn a_newer_database_is_accepted_unless_it_says_otherwise(empty: Empty) {
    migrate(&empty.database).await.unwrap();
    empty.execute("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_later', 0)").await;
    SqlStore::open(&empty.database, &PoolOptions::default()).await.unwrap();
    assert_eq!(migrate(&empty.database).await.unwrap(), Vec::<String>::new());

    empty.execute("UPDATE installation SET minimum_schema = 9999").await;
    assert!(empty.refusal().await.contains("newer vidne"));
    assert!(empty.migrate_refusal().await.contains("newer vidne"));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    // Port 1 is never a database server.
    for scheme in ["postgres", "mysql"] {
        let url = Secret::new(format!("{scheme}://user:hunter2@127.0.0.1:1/vidne"));
        let database = Database::from_url(&url).unwrap();
        for error in [
            SqlStore::open(&database, &PoolOptions::default()).await.unwrap_err(),
            migrate(&database).await.unwrap_err(),
        ] {
            assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_said_so() {
    let there = TestDatabase::create().await;
    let url = there.url().replace("/vidne_", "/no_vidne_");
    let database = Database::from_url(&Secret::new(url)).unwrap();
    let error = SqlStore::open(&database, &PoolOptions::default()).await.unwrap_err();
    let StoreError::Incompatible(words) = error else { panic!("{error:?}") };
    assert!(words.contains("no such database") && words.contains("create it"), "{words}");
}

#[tokio::test]
async fn a_role_that_may_not_make_tables_is_told_so() {
    let there = TestDatabase::create().await;
    let role = format!("vidne_reader_{}", std::process::id());
    let mut connection = there.connect().await;
    let sql =
        format!("REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE ROLE {role} LOGIN PASSWORD 'hunter2'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    let url = there.url();
    let (scheme, rest) = url.split_once("://").unwrap();
    let server = rest.rsplit_once('@').map_or(rest, |(_, server)| server);
    let url = Secret::new(format!("{scheme}://{role}:hunter2@{server}"));
    let refused = migrate(&Database::from_url(&url).unwrap()).await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("DROP ROLE {role}"))).execute(&mut connection).await.unwrap();
    let Err(StoreError::Incompatible(words)) = refused else { panic!("{refused:?}") };
    assert!(words.contains("lacks the right") && words.contains("grant it"), "{words}");
}
