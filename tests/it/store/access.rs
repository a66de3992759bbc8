//! With a million rows, every question takes the way to its rows that is declared for it.

use std::fmt::Write as _;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use tempfile::TempDir;
use vidne::{
    domain::{
        catalogue::{Category, EventType},
        event::{Outcome, Severity},
        filter::EventFilter,
        query::Order,
    },
    store::{
        contract::{CountRequest, ScanRequest},
        sql::{Access, Database, Planned, PoolOptions, SqlStore, migrate},
    },
};

use super::{
    harness::TestDatabase,
    sample::{at, event_type, id, tenant},
};

/// Rows of the log that is asked, and as many as its tenth in another one.
const ROWS: u64 = 900_000;

/// Where in it is asked.
const FROM: u64 = 500_000;

/// One row in a thousand is of an administrative type; small ones, since only their number matters.
fn fill(key: &str, rows: u64, backend: DbBackend) -> String {
    let (numbers, bytes) = match backend {
        DbBackend::Postgres => (
            format!("generate_series(1, {rows}) AS n"),
            ["lpad(to_hex(n), 32, '0')::uuid", "'\\x00'::bytea", "decode(lpad(to_hex(n), 60, '0'), 'hex')"],
        ),
        _ => (
            format!(
                "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows}) SELECT n FROM s)"
            ),
            ["CAST(printf('%016d', n) AS BLOB)", "x'00'", "CAST(printf('%030d', n) AS BLOB)"],
        ),
    };
    let [id, hash, payload] = bytes;
    format!(
        "INSERT INTO events (sequence, recorded_time, occurred_time, tenant_key, event_type, fingerprint_version, \
         event_id, leaf_hash, fingerprint, payload, personal) \
         SELECT n, n * 1000, n * 1000 - n % 50 * 1000000, {key}, CASE WHEN n % 1000 = 0 THEN 101 ELSE 1 + n % 5 END, \
         1, {id}, {hash}, {hash}, {payload}, NULL FROM {numbers}"
    )
}

struct Filled {
    store: SqlStore,
    /// A way of the test's own.
    db: DatabaseConnection,
    backend: DbBackend,
}

impl Filled {
    async fn new(database: &Database, url: &str) -> Self {
        migrate(database).await.unwrap();
        let store = SqlStore::open(database, &PoolOptions::default()).await.unwrap();
        // One connection, so that settings stay.
        let mut options = sea_orm::ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false);
        let db = sea_orm::Database::connect(options).await.unwrap();
        let backend = db.get_database_backend();
        let faster = match backend {
            DbBackend::Postgres => "ALTER TABLE events SET UNLOGGED",
            _ => "PRAGMA synchronous = OFF; PRAGMA cache_size = -200000",
        };
        let filled = Self { store, db, backend };
        filled.run(faster).await;
        let key = "(SELECT tenant_key FROM tenants WHERE id = 'default')";
        filled.run(&fill(key, ROWS, backend)).await;
        filled.run(&fill("77", ROWS / 9, backend)).await;
        filled
    }

    async fn run(&self, sql: &str) {
        self.db.execute_unprepared(sql).await.unwrap();
    }

    /// What the database says of a statement, one line for each step.
    async fn explain(&self, explain: &str) -> String {
        let rows = self.db.query_all_raw(Statement::from_string(self.backend, explain)).await.unwrap();
        let column = if self.backend == DbBackend::Postgres { 0 } else { 3 };
        let mut plan = String::new();
        for row in rows {
            let line: String = row.try_get_by_index(column).unwrap();
            writeln!(plan, "{line}").unwrap();
        }
        plan
    }

    /// Every way in which the database may come to plan a statement.
    async fn plans(&self, planned: &Planned) -> Vec<String> {
        if self.backend == DbBackend::Sqlite {
            return vec![self.explain(&format!("EXPLAIN QUERY PLAN {}", planned.prepared)).await];
        }
        // With the values in view, and as it is planned once for all values.
        let places = (1..).take_while(|n| planned.prepared.contains(&format!("${n}"))).count();
        self.run(&format!("PREPARE asked AS {}", planned.prepared)).await;
        self.run("SET plan_cache_mode = force_generic_plan").await;
        let nulls = vec!["NULL"; places].join(", ");
        let for_all = self.explain(&format!("EXPLAIN (COSTS OFF) EXECUTE asked({nulls})")).await;
        self.run("DEALLOCATE asked").await;
        vec![self.explain(&format!("EXPLAIN (COSTS OFF) {}", planned.literal)).await, for_all]
    }

    async fn hold(&self, shape: &str, declared: &[Access], planned: &[Planned]) {
        let mut ways: Vec<Access> = planned.iter().map(|planned| planned.access).collect();
        // Many ids take several statements.
        ways.dedup();
        assert_eq!(ways, declared, "{shape}");
        for planned in planned {
            for plan in self.plans(planned).await {
                let (wanted, unwanted) = signs(planned.access, self.backend);
                let fits = wanted.iter().all(|sign| plan.contains(sign))
                    && !unwanted.iter().any(|sign| plan.contains(sign));
                assert!(
                    fits,
                    "{shape}: {:?} is not how {:?} does it:\n{plan}\n{}",
                    planned.access, self.backend, planned.literal
                );
            }
        }
    }

    async fn hold_all(&self) {
        for (shape, filter, declared) in shapes() {
            let log = tenant("default");
            let last = FROM + if declared[0] == Access::Administrative { 199_999 } else { 9_999 };
            for (order, from, through) in [(Order::Ascending, FROM, last), (Order::Descending, last, FROM)] {
                let request = ScanRequest {
                    tenant: &log,
                    order,
                    from,
                    through,
                    filter: &filter,
                    max_events: 1_000,
                    max_bytes: 1_000_000,
                    with_personal: filter.needs_personal(),
                    full_after: 0,
                };
                self.hold(shape, declared, &self.store.scan_statements(&request).await.unwrap()).await;
            }
            if filter.asks_columns_only() {
                let request =
                    CountRequest { tenant: &log, from: FROM, through: last + 90_000, filter: &filter };
                let planned = self.store.count_statements(&request).await.unwrap();
                let declared =
                    if declared[0] == Access::Administrative { &declared[..planned.len()] } else { declared };
                self.hold(&format!("count {shape}"), declared, &planned).await;
            }
        }
        let points = self.store.recorded_statements(&tenant("default"), FROM).await.unwrap();
        self.hold("the place of a recorded time", &[Access::KeyPoints], &points).await;
    }
}

/// What a plan that goes a way says, and what it must not say.
fn signs(access: Access, backend: DbBackend) -> (Vec<&'static str>, Vec<&'static str>) {
    match (backend, access) {
        (DbBackend::Postgres, access) => {
            let (index, condition) = match access {
                Access::KeyRange => (" events_pkey", "(sequence >= "),
                // The index of administrative events begins with the same columns, and may be the smaller one.
                Access::KeyPoints => (" events_", "(sequence = ANY"),
                Access::EventIds => (" events_by_id", "(event_id = "),
                Access::Administrative => (" events_administrative", "(sequence >= "),
            };
            (vec![index, "Index Cond: ((tenant_key = ", condition], vec!["Seq Scan"])
        }
        (_, access) => {
            let search = match access {
                Access::KeyRange => "USING PRIMARY KEY (tenant_key=? AND sequence>? AND sequence<?)",
                Access::KeyPoints => "USING PRIMARY KEY (tenant_key=? AND sequence=?)",
                Access::EventIds => "INDEX events_by_id (tenant_key=? AND event_id=?)",
                Access::Administrative => {
                    "USING COVERING INDEX events_administrative (tenant_key=? AND sequence>? AND sequence<?)"
                }
            };
            (vec![search], vec!["SCAN", "TEMP B-TREE"])
        }
    }
}

/// Every field of a filter alone, and some together.
fn shapes() -> Vec<(&'static str, EventFilter, &'static [Access])> {
    const RANGE: &[Access] = &[Access::KeyRange];
    const IDS: &[Access] = &[Access::EventIds, Access::KeyPoints];
    const FEW: &[Access] = &[Access::Administrative, Access::KeyPoints];
    let with = |set: &dyn Fn(&mut EventFilter)| {
        let mut filter = EventFilter::default();
        set(&mut filter);
        filter
    };
    let texts = || vec!["one".to_owned(), "other".to_owned()];
    vec![
        ("everything", with(&|_| ()), RANGE),
        ("types", with(&|f| f.types = vec![event_type("RECORD_READ"), event_type("RECORD_EDITED")]), RANGE),
        ("one administrative type", with(&|f| f.types = vec![event_type("USER_DELETED")]), FEW),
        (
            "administrative types",
            with(&|f| f.types = vec![event_type("USER_DELETED"), event_type("USER_CREATED")]),
            FEW,
        ),
        ("custom types", with(&|f| f.custom_types = texts()), RANGE),
        ("a category", with(&|f| f.categories = vec![Category::DataAccess]), RANGE),
        ("an administrative category", with(&|f| f.categories = vec![Category::SecurityAdministration]), FEW),
        ("service events", with(&|f| f.categories = vec![Category::Service]), FEW),
        ("mixed types", with(&|f| f.types = vec![event_type("USER_DELETED"), EventType::CUSTOM]), RANGE),
        ("actor ids", with(&|f| f.actor_user_ids = texts()), RANGE),
        ("actor e-mails", with(&|f| f.actor_emails = texts()), RANGE),
        ("actor tenants", with(&|f| f.actor_tenant_ids = texts()), RANGE),
        ("organizations", with(&|f| f.organization_ids = texts()), RANGE),
        ("an actor's national id", with(&|f| f.actor_national_id = "one".to_owned()), RANGE),
        ("a subject's national id", with(&|f| f.subject_national_id = "one".to_owned()), RANGE),
        ("targets", with(&|f| f.target_ids = texts()), RANGE),
        ("target tenants", with(&|f| f.target_tenant_ids = texts()), RANGE),
        ("networks", with(&|f| f.source_networks = vec!["192.0.2.0/24".parse().unwrap()]), RANGE),
        ("outcomes", with(&|f| f.outcomes = vec![Outcome::Failure]), RANGE),
        ("a severity", with(&|f| f.minimum_severity = Some(Severity::Error)), RANGE),
        ("occurred", with(&|f| (f.occurred_from, f.occurred_before) = (Some(at(1)), Some(at(9)))), RANGE),
        ("recorded", with(&|f| (f.recorded_from, f.recorded_before) = (Some(at(1)), Some(at(9)))), RANGE),
        ("sequences", with(&|f| (f.sequence_from, f.sequence_before) = (FROM, FROM + 50)), RANGE),
        ("labels", with(&|f| f.labels = [("one".to_owned(), "other".to_owned())].into()), RANGE),
        ("text", with(&|f| f.text = "one".to_owned()), RANGE),
        ("one id", with(&|f| f.event_ids = vec![id(7)]), IDS),
        ("ids", with(&|f| f.event_ids = (1..200).map(id).collect()), IDS),
        (
            "ids, a type and a time",
            with(&|f| {
                f.event_ids = vec![id(7), id(8)];
                f.types = vec![event_type("RECORD_READ")];
                f.occurred_from = Some(at(1));
            }),
            IDS,
        ),
        (
            "an administrative type, a time and an actor",
            with(&|f| {
                f.types = vec![event_type("USER_DELETED")];
                f.recorded_from = Some(at(1));
                f.actor_user_ids = texts();
            }),
            FEW,
        ),
        (
            "a type, times and an actor",
            with(&|f| {
                f.types = vec![event_type("RECORD_READ")];
                f.recorded_from = Some(at(1));
                f.occurred_before = Some(at(9));
                f.actor_user_ids = texts();
            }),
            RANGE,
        ),
    ]
}

#[tokio::test]
async fn postgresql_takes_the_declared_way_with_a_million_rows_analysed_or_not() {
    let database = TestDatabase::create().await;
    let filled = Filled::new(&database.database(), database.url()).await;
    filled.run("ALTER TABLE events SET (autovacuum_enabled = false)").await;
    filled.hold_all().await;
    filled.run("ANALYZE events").await;
    filled.hold_all().await;
}

#[tokio::test]
async fn sqlite_takes_the_declared_way_with_a_million_rows_analysed_or_not() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("vidne.db").display());
    let filled = Filled::new(&Database::sqlite(folder.path()), &url).await;
    filled.hold_all().await;
    filled.run("ANALYZE").await;
    // Statistics are read when a file is opened.
    let url = url.clone();
    let again = Filled { db: sea_orm::Database::connect(&url).await.unwrap(), ..filled };
    again.hold_all().await;
}
