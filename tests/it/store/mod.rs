//! What every store promises, held on each of them, and what only databases have to.

mod access;
mod append;
mod bed;
mod due;
mod durability;
mod export;
mod files;
mod folder;
mod harness;
mod heartbeat;
mod journal;
mod migrate;
mod mysql;
mod notify;
mod order;
mod outage;
mod readers;
mod sample;
mod scan;
mod scope;
mod subscriptions;
mod summary;
mod tenants;
mod writers;

/// Makes one test per store of each rule: `async fn rule(bed: &Bed)`.
macro_rules! on_every_store {
    ($($rule:ident,)+) => {
        $crate::store::on_every_store!(@store memory Memory $($rule)+);
        $crate::store::on_every_store!(@store sqlite Sqlite $($rule)+);
        $crate::store::on_every_store!(@store postgres Postgres $($rule)+);
        $crate::store::on_every_store!(@store postgres_socket PostgresSocket $($rule)+);
        $crate::store::on_every_store!(@store mysql MySql $($rule)+);
    };
    (@store $module:ident $kind:ident $($rule:ident)+) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    let bed = $crate::store::bed::Bed::new($crate::store::bed::Kind::$kind).await;
                    super::$rule(&bed).await;
                }
            )+
        }
    };
}
use on_every_store;
