//! G2 and G3 against a model: random writers on several servers of one database, directly and through the journal,
//! with ids used again, switches changed, a tenant closed, heads held and connections ended in between.
//!
//! `plan` is what is done, `run` does it and writes down what was answered and when, `model` says what is wrong with
//! that, `watch` reads all the while.

mod model;
mod plan;
mod run;
mod stalled;
mod watch;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use super::bed::Kind;
use crate::support::effort::{rounds, seed};
use run::Through;

macro_rules! against_the_model {
    ($($name:ident: $kind:ident $through:ident,)+) => {
        $(
            #[test]
            fn $name() {
                try_plans(Kind::$kind, Through::$through);
            }
        )+
    };
}

against_the_model! {
    g2_g3_writers_of_the_model_store_keep_to_the_model: Memory Store,
    g2_g3_writers_of_sqlite_keep_to_the_model: Sqlite Store,
    g2_g3_writers_of_several_servers_on_postgresql_keep_to_the_model: Postgres Store,
    g2_g3_writers_through_a_journal_keep_to_the_model: Memory Journal,
    g2_g3_writers_through_a_journal_on_sqlite_keep_to_the_model: Sqlite Journal,
    g2_g3_writers_through_the_journals_of_several_servers_on_postgresql_keep_to_the_model: Postgres Journal,
}

fn try_plans(kind: Kind, through: Through) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed(&format!("{kind:?}, {through:?}")).to_le_bytes());
    let config = Config {
        cases: rounds(4, 60),
        // Each try makes a database: enough to see what matters, not the smallest that fails.
        max_shrink_iters: 12,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let tried = runner.run(&plan::plans(kind == Kind::Postgres), |plan| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.unwrap().block_on(run::run(kind, through, &plan)).map_err(TestCaseError::fail)
    });
    tried.unwrap_or_else(|failure| panic!("{failure}"));
}
