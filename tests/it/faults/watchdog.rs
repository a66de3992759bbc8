//! Says what hangs, instead of hanging.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// What everybody is doing right now.
#[derive(Clone, Default)]
pub struct Watchdog(Arc<Mutex<BTreeMap<String, (String, Instant)>>>);

impl Watchdog {
    /// `who` begins to do `what`.
    pub fn doing(&self, who: &str, what: impl Into<String>) {
        self.0.lock().unwrap().insert(who.to_owned(), (what.into(), Instant::now()));
    }

    /// `who` has nothing to do any more.
    pub fn done(&self, who: &str) {
        self.0.lock().unwrap().remove(who);
    }

    /// Does `work`.
    ///
    /// # Panics
    ///
    /// If that takes longer than `limit`, with what everybody was doing.
    pub async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> T {
        match tokio::time::timeout(limit, work).await {
            Ok(done) => done,
            Err(_) => {
                let doing = self.0.lock().unwrap();
                let lines = doing.iter().map(|(who, (what, since))| {
                    format!("  {who}: {what}, for {:.1} s", since.elapsed().as_secs_f64())
                });
                panic!("not done within {limit:?}:\n{}", lines.collect::<Vec<_>>().join("\n"));
            }
        }
    }
}
