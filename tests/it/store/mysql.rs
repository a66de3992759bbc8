//! What only MariaDB and MySQL have to be held to: broken connections, held locks, half migrations, commits that
//! are seen before they are on disk.

use std::time::Duration;

use sqlx::{AssertSqlSafe, MySqlConnection, Row};
use vidne::{
    domain::secret::Secret,
    store::{
        EventStore, StoreError, TenantStore,
        contract::AppendOutcome,
        sql::{Database, PoolOptions, SqlStore, migrate, mysql::weaknesses},
    },
};

use super::{
    harness::mysql_database,
    sample::{add_tenant, all, at, event, event_in, tenant, witness},
};
use crate::support::{mariadb::MariaDb, mysql::TestMySql};

async fn migrated() -> TestMySql {
    let database = TestMySql::create().await;
    migrate(&mysql_database(&database)).await.unwrap();
    database
}

async fn open(database: &TestMySql, options: PoolOptions) -> SqlStore {
    SqlStore::open(&mysql_database(database), &options).await.unwrap()
}

async fn run(connection: &mut MySqlConnection, sql: impl Into<String>) {
    sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(connection).await.unwrap();
}

async fn number(connection: &mut MySqlConnection, sql: impl Into<String>) -> i64 {
    sqlx::raw_sql(AssertSqlSafe(sql.into())).fetch_one(connection).await.unwrap().get(0)
}

fn recorded(outcomes: &[AppendOutcome]) -> u64 {
    match outcomes {
        [AppendOutcome::Recorded(stamp)] => stamp.sequence,
        other => panic!("recorded was expected, not {other:?}"),
    }
}

#[tokio::test]
async fn a_store_whose_connections_were_killed_works_again_by_itself() {
    let database = migrated().await;
    let store = open(&database, PoolOptions { max_connections: 4, ..PoolOptions::default() }).await;
    let mut other = database.connect().await;
    for round in 0..5 {
        store.append(&[event(round * 2), event(round * 2 + 1)], at(1)).await.unwrap();
        // Fill the pool, so that more than one connection breaks.
        let log = tenant("default");
        let (a, b, c) = tokio::join!(store.head(&log), store.head(&log), store.head(&log));
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
        let sql =
            "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()";
        for row in sqlx::raw_sql(sql).fetch_all(&mut other).await.unwrap() {
            // Some may have ended by themselves meanwhile.
            let kill = format!("KILL {}", row.get::<i64, _>(0));
            let _ = sqlx::raw_sql(AssertSqlSafe(kill)).execute(&mut other).await;
        }
        let mut refusals = 0;
        let outcomes = loop {
            match store.append(&[event(1_000 + round)], at(1)).await {
                Ok(outcomes) => break outcomes,
                Err(StoreError::Unavailable(_)) if refusals < 10 => refusals += 1,
                Err(other) => panic!("after {refusals} refusals: {other:?}"),
            }
        };
        recorded(&outcomes);
    }
    assert!(all(&store, "default").await.iter().map(|event| event.sequence).eq(1..=15));
}

#[tokio::test]
async fn g2_a_transaction_held_open_makes_others_wait_and_later_commits_come_later() {
    let database = migrated().await;
    let patient = PoolOptions { lock_timeout: Duration::from_secs(60), ..PoolOptions::default() };
    let store = open(&database, patient).await;
    let mut other = database.connect().await;
    run(&mut other, "BEGIN; UPDATE heads SET last_sequence = last_sequence + 1, last_recorded = 77").await;
    let append = tokio::spawn(async move { (store.append(&[event(1)], at(1)).await, store) });
    let waits = format!(
        "SELECT COUNT(*) FROM information_schema.innodb_lock_waits w \
         JOIN information_schema.innodb_locks l ON l.lock_id = w.requested_lock_id \
         WHERE l.lock_table LIKE '%{}%'",
        database.name()
    );
    let mut watch = database.connect().await;
    while number(&mut watch, waits.as_str()).await == 0 {
        assert!(!append.is_finished(), "nothing goes past a locked head");
        // InnoDB brings these tables up to date only after nobody has looked for a tenth of a second.
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    run(&mut other, "COMMIT").await;
    let (outcomes, _store) = append.await.unwrap();
    let AppendOutcome::Recorded(stamp) = outcomes.unwrap()[0] else { panic!("recorded") };
    assert_eq!((stamp.sequence, stamp.recorded), (2, at(77)), "what was committed meanwhile is seen");
}

#[tokio::test]
async fn a_lock_that_does_not_come_is_given_up_and_nothing_is_left() {
    let database = migrated().await;
    let store =
        open(&database, PoolOptions { lock_timeout: Duration::from_millis(50), ..PoolOptions::default() })
            .await;
    let mut other = database.connect().await;
    run(&mut other, "BEGIN; SELECT 1 FROM heads FOR UPDATE").await;
    let refused = store.append(&[event(1)], at(1)).await;
    assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
    run(&mut other, "ROLLBACK").await;
    assert_eq!(recorded(&store.append(&[event(1)], at(1)).await.unwrap()), 1);
}

#[tokio::test]
async fn whoever_does_not_wait_for_a_held_head_is_told_at_once() {
    let database = migrated().await;
    let store =
        open(&database, PoolOptions { lock_timeout: Duration::from_secs(3_600), ..PoolOptions::default() })
            .await;
    let mut other = database.connect().await;
    run(&mut other, "BEGIN; SELECT 1 FROM heads FOR UPDATE").await;
    let refused = store.try_append(&[event(1)], at(1)).await;
    assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
    run(&mut other, "ROLLBACK").await;
    assert_eq!(recorded(&store.try_append(&[event(1)], at(1)).await.unwrap()), 1);
}

#[tokio::test]
async fn a_head_that_is_held_delays_only_its_own_tenant() {
    let database = migrated().await;
    let store = open(&database, PoolOptions::default()).await;
    for log in ["a", "b"] {
        add_tenant(&store, log).await;
    }
    let mut other = database.connect().await;
    for held in ["a", "b"] {
        let lock = format!(
            "BEGIN; SELECT 1 FROM heads WHERE tenant_key = (SELECT tenant_key FROM tenants WHERE id = '{held}') \
             FOR UPDATE"
        );
        run(&mut other, lock).await;
        let free = if held == "a" { "b" } else { "a" };
        // Both sides of the held one, alone and together.
        let events = [event_in(free, u128::from(held == "a") + 50), event(u128::from(held == "a") + 60)];
        let outcomes = store.append(&events, at(1)).await.unwrap();
        assert!(outcomes.iter().all(|outcome| matches!(outcome, AppendOutcome::Recorded(_))));
        recorded(&store.append(&[event_in(free, u128::from(held == "a") + 70)], at(1)).await.unwrap());
        run(&mut other, "ROLLBACK").await;
    }
}

#[tokio::test]
async fn the_settings_of_the_server_do_not_matter() {
    // On a server of its own, since its settings are turned.
    let server = MariaDb::start(&[
        "--transaction-isolation=SERIALIZABLE",
        "--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES",
        "--character-set-server=latin1",
        "--collation-server=latin1_swedish_ci",
        "--default-storage-engine=Aria",
        "--default-time-zone=+09:00",
        "--autocommit=OFF",
        "--log-bin=binlog",
        "--binlog-format=MIXED",
    ]);
    let database = TestMySql::create_on(&server.url()).await;
    migrate(&mysql_database(&database)).await.unwrap();
    let one = open(&database, PoolOptions::default()).await;
    let two = open(&database, PoolOptions::default()).await;
    let append = async |store: &SqlStore, from: u128| {
        for n in from..from + 30 {
            recorded(&store.append(&[event(n)], at(1)).await.unwrap());
        }
    };
    tokio::join!(append(&one, 0), append(&two, 1_000));
    assert!(all(&one, "default").await.iter().map(|event| event.sequence).eq(1..=60));
    let mut other = database.connect().await;
    let engines = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() \
                   AND (engine <> 'InnoDB' OR (table_name <> 'seaql_migrations' AND table_collation <> 'utf8mb4_bin'))";
    assert_eq!(number(&mut other, engines).await, 0);
    // A name that a byte-wise comparison tells apart, and text that latin1 has no letters for.
    let old = one.tenant(&tenant("default")).await.unwrap().unwrap();
    let update = vidne::store::contract::TenantUpdate {
        id: old.id.clone(),
        expected_revision: old.revision,
        display_name: "Ødegård 東京 🦀".to_owned(),
        settings: old.settings,
        updated: at(9),
    };
    one.update_tenant(update, None).await.unwrap();
    assert_eq!(two.tenant(&old.id).await.unwrap().unwrap().display_name, "Ødegård 東京 🦀");
}

#[tokio::test]
async fn large_events_go_in_several_statements_that_the_server_takes() {
    let database = migrated().await;
    let store = open(&database, PoolOptions::default()).await;
    // 24 MiB: more than one statement may have (max_allowed_packet is 16 MiB).
    let events: Vec<_> = (1..=24)
        .map(|n| {
            let mut event = event(n);
            event.content = vec![n as u8; 1 << 20].into();
            event.personal = Some(vec![0, n as u8].into());
            event
        })
        .collect();
    let outcomes = store.append(&events, at(1)).await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, AppendOutcome::Recorded(_))));
    let kept = all(&store, "default").await;
    assert_eq!(kept.len(), 24);
    assert!(kept.iter().all(|event| event.payload.len() > 1 << 20));
}

#[tokio::test]
async fn g1_a_duplicate_waits_for_the_disk_as_its_first_commit_does() {
    let database = migrated().await;
    let store = open(&database, PoolOptions::default()).await;
    let mut other = database.connect().await;
    let flushes = async |other: &mut MySqlConnection| -> String {
        sqlx::raw_sql("SELECT CAST(SUM(flushes) AS CHAR) FROM heads").fetch_one(other).await.unwrap().get(0)
    };
    recorded(&store.append(&[event(1)], at(1)).await.unwrap());
    assert_eq!(flushes(&mut other).await, "0", "an event that is written is flushed with its commit");
    for n in 1..=3 {
        let again = store.append(&[event(1)], at(1)).await.unwrap();
        assert!(matches!(again[..], [AppendOutcome::Duplicate(_)]));
        assert_eq!(flushes(&mut other).await, n.to_string(), "nothing else would be written and flushed");
    }
    store.append(&[event(1), event(2)], at(1)).await.unwrap();
    assert_eq!(flushes(&mut other).await, "3", "the other event is written");
    assert_eq!(store.head(&tenant("default")).await.unwrap().sequence, 2);
}

#[tokio::test]
async fn a_migration_that_was_interrupted_is_said_so_and_goes_on_when_it_is_run_again() {
    // Every place where it can stop: behind each statement, with what the ones before it left.
    let whole = migrated().await;
    let mut other = whole.connect().await;
    let mut made = Vec::new();
    for table in vidne_migrations::TABLES {
        let row =
            sqlx::raw_sql(AssertSqlSafe(format!("SHOW CREATE TABLE {table}"))).fetch_one(&mut other).await;
        made.push(row.unwrap().get::<String, _>(1));
    }
    // In the order in which they are made.
    made.rotate_right(1);
    for stop in 1..made.len() {
        let database = TestMySql::create().await;
        let mut connection = database.connect().await;
        for table in &made[..stop] {
            run(
                &mut connection,
                table.replace(",\n  UNIQUE KEY `events_by_id` (`tenant_key`,`event_id`)", ""),
            )
            .await;
        }
        let refused = SqlStore::open(&mysql_database(&database), &PoolOptions::default()).await;
        let Err(StoreError::Incompatible(words)) = refused else { panic!("{stop}: {refused:?}") };
        assert!(words.contains("interrupted") && words.contains("run `vidne migrate`"), "{stop}: {words}");
        assert_eq!(migrate(&mysql_database(&database)).await.unwrap(), vidne_migrations::names(), "{stop}");
        let store = open(&database, PoolOptions::default()).await;
        recorded(&store.append(&[event(1)], at(1)).await.unwrap());
        let index = "SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() \
                     AND index_name IN ('events_by_id', 'export_jobs_by_name') AND non_unique = 0";
        assert_eq!(number(&mut connection, index).await, 4, "{stop}: both indexes, of two columns each");
        assert_eq!(number(&mut connection, "SELECT COUNT(*) FROM tenants").await, 1, "{stop}");
    }
}

#[tokio::test]
async fn a_database_or_user_that_is_refused_is_said_so() {
    let database = migrated().await;
    let refusal = async |url: String| {
        let database = Database::from_url(&Secret::new(url)).unwrap();
        match SqlStore::open(&database, &PoolOptions::default()).await {
            Err(StoreError::Incompatible(words)) => words,
            other => panic!("a refusal was expected, not {other:?}"),
        }
    };
    let url = database.url();
    assert!(refusal(url.replace("/vidne_", "/no_vidne_")).await.contains("no such database"));
    assert!(refusal(url.replace("vidne:", "vidne:hunter2")).await.contains("user name or password"));
    assert!(refusal(url.rsplit_once('/').unwrap().0.to_owned()).await.contains("names no database"));
    assert!(refusal("mysql://[".to_owned()).await.contains("cannot be read"));

    let user = format!("reader_{}", std::process::id());
    let mut other = database.connect().await;
    let grant = format!(
        "CREATE USER {user}@'127.0.0.1' IDENTIFIED BY 'hunter2'; GRANT SELECT ON {}.* TO {user}@'127.0.0.1'",
        database.name()
    );
    run(&mut other, "DROP TABLE events; DELETE FROM seaql_migrations WHERE version <> 'm0001_tenants'").await;
    run(&mut other, grant).await;
    let reader = url.replace(&url[..url.find('@').unwrap()], &format!("mariadb://{user}:hunter2"));
    let refused = migrate(&Database::from_url(&Secret::new(reader)).unwrap()).await;
    run(&mut other, format!("DROP USER {user}@'127.0.0.1'")).await;
    let Err(StoreError::Incompatible(words)) = refused else { panic!("{refused:?}") };
    assert!(words.contains("lacks the right") && words.contains("GRANT ALL"), "{words}");
}

#[tokio::test]
async fn a_server_that_cannot_write_is_unavailable_until_it_can() {
    let server = MariaDb::start(&[]);
    let database = TestMySql::create_on(&server.url()).await;
    migrate(&mysql_database(&database)).await.unwrap();
    let mut administrator = database.connect().await;
    // The administrator's right to write nevertheless is taken from the user that vidne has.
    let name = database.name();
    run(
        &mut administrator,
        format!(
            "CREATE USER app@'127.0.0.1' IDENTIFIED BY 'app' WITH MAX_USER_CONNECTIONS 3; \
             GRANT ALL ON {name}.* TO app@'127.0.0.1'"
        ),
    )
    .await;
    let url = database.url().replace("vidne:vidne@", "app:app@");
    let app = Database::from_url(&Secret::new(url)).unwrap();
    let store =
        SqlStore::open(&app, &PoolOptions { max_connections: 1, ..PoolOptions::default() }).await.unwrap();
    recorded(&store.append(&[event(1)], at(1)).await.unwrap());
    run(&mut administrator, "SET GLOBAL read_only = ON").await;
    let refused = store.append(&[event(2)], at(1)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(store.head(&tenant("default")).await.unwrap().sequence, 1);
    run(&mut administrator, "SET GLOBAL read_only = OFF").await;
    assert_eq!(recorded(&store.append(&[event(2)], at(1)).await.unwrap()), 2);

    // No more connections than the user may have: told, and over when there is room.
    let second = loop {
        match SqlStore::open(&app, &PoolOptions::default()).await {
            Ok(second) => break second,
            Err(StoreError::Unavailable(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    };
    let log = tenant("default");
    let (a, b, c) = tokio::join!(second.head(&log), second.head(&log), second.head(&log));
    for answer in [a, b, c] {
        assert!(matches!(answer, Ok(_) | Err(StoreError::Unavailable(_))), "{answer:?}");
    }
    store.close().await.unwrap();
    second
        .create_tenant(
            vidne::store::contract::NewTenant {
                id: tenant("later"),
                display_name: String::new(),
                settings: Default::default(),
                created: at(1),
            },
            witness(9),
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn a_pool_without_a_free_connection_answers_unavailable_in_time() {
    let database = migrated().await;
    let options =
        PoolOptions { max_connections: 1, acquire_timeout: Duration::from_secs(1), ..PoolOptions::default() };
    let store = open(&database, options).await;
    store.head(&tenant("default")).await.unwrap();
    let mut other = database.connect().await;
    run(&mut other, "BEGIN; SELECT 1 FROM heads FOR UPDATE").await;
    let (events, log) = ([event(1)], tenant("default"));
    let (blocked, starved) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(3), store.append(&events, at(1))),
        store.head(&log),
    );
    assert!(blocked.is_err(), "it waits for the lock");
    assert!(matches!(starved, Err(StoreError::Unavailable(_))), "{starved:?}");
    run(&mut other, "ROLLBACK").await;
    // The abandoned call has given its connection back, and left nothing.
    let head = loop {
        match store.head(&log).await {
            Ok(head) => break head,
            Err(StoreError::Unavailable(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    };
    assert_eq!(head.sequence, 0);
}

#[tokio::test]
async fn calls_that_are_dropped_anywhere_leave_nothing_behind_and_break_nothing() {
    let database = migrated().await;
    let store = open(&database, PoolOptions { max_connections: 2, ..PoolOptions::default() }).await;
    let mut kept = 0;
    for n in 0..100_u64 {
        // Each is given up a little later than the one before.
        let events: Vec<_> = (0..1 + u128::from(n % 7)).map(|i| event(u128::from(n) * 10 + i)).collect();
        let limit = Duration::from_micros(n * 50);
        let _ = tokio::time::timeout(limit, store.append(&events, at(1))).await;
        if n % 10 == 0 {
            let head = store.head(&tenant("default")).await.unwrap().sequence;
            let log = all(&store, "default").await;
            assert!(log.iter().map(|event| event.sequence).eq(1..=log.len() as u64));
            assert!(log.len() as u64 >= head && head >= kept);
            kept = head;
        }
    }
    assert!(kept > 0);
}

#[tokio::test]
async fn g1_weak_settings_of_innodb_are_found_on_a_real_server() {
    let server = MariaDb::start(&["--log-bin=binlog", "--sync-binlog=1"]);
    let db = sea_orm::Database::connect(format!("{}mysql", server.url())).await.unwrap();
    assert_eq!(weaknesses(&db).await.unwrap(), [] as [String; 0]);
    let mut administrator = TestMySql::create_on(&server.url()).await.connect().await;
    run(&mut administrator, "SET GLOBAL innodb_flush_log_at_trx_commit = 2, GLOBAL sync_binlog = 0").await;
    let found = weaknesses(&db).await.unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].contains("innodb_flush_log_at_trx_commit=2") && found[1].contains("sync_binlog=0"),
        "{found:?}"
    );

    let server = MariaDb::start(&["--skip-innodb-doublewrite", "--innodb-flush-method=O_DIRECT_NO_FSYNC"]);
    let db = sea_orm::Database::connect(format!("{}mysql", server.url())).await.unwrap();
    let found = weaknesses(&db).await.unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("innodb_doublewrite=OFF"), "{found:?}");
    assert!(found[1].contains("innodb_flush_method=O_DIRECT_NO_FSYNC"), "{found:?}");
}
