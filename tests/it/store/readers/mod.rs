//! G4 against a model: random writers, and readers whose streams are cut at any moment and go on with their tokens,
//! at the same server or at another one, while servers stop and start, connections end and nobody reads fast.
//!
//! `plan` is what is done, `replica` are the servers, `run` does it, `chain` is one reader with its tokens, and
//! `model` says what is wrong with what it was given.

mod chain;
mod model;
mod plan;
mod replica;
mod run;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use super::bed::Kind;
use crate::support::effort::{rounds, seed};

macro_rules! against_the_model {
    ($($name:ident: $kind:ident,)+) => {
        $(
            #[test]
            fn $name() {
                try_plans(Kind::$kind);
            }
        )+
    };
}

against_the_model! {
    g4_readers_of_the_model_store_get_each_event_once_and_in_order: Memory,
    g4_readers_of_sqlite_get_each_event_once_and_in_order: Sqlite,
    g4_readers_at_several_servers_on_postgresql_get_each_event_once_and_in_order: Postgres,
    g4_readers_at_several_servers_on_mariadb_get_each_event_once_and_in_order: MySql,
}

fn try_plans(kind: Kind) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed(&format!("readers, {kind:?}")).to_le_bytes());
    let cases = match kind {
        Kind::Memory => rounds(24, 1_000),
        _ => rounds(4, 60),
    };
    // Each try makes a database: enough to see what matters, not the smallest that fails.
    let config = Config { cases, max_shrink_iters: 24, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let tried = runner.run(&plan::plans(kind == Kind::Postgres), |plan| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.unwrap().block_on(run::run(kind, &plan)).map_err(TestCaseError::fail)
    });
    tried.unwrap_or_else(|failure| panic!("{failure}"));
}
