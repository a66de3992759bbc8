//! Servers without a network, on one store, that stop and start.

use std::sync::Arc;

use tokio::sync::{RwLock, RwLockReadGuard};
use tokio_util::sync::CancellationToken;
use vidne::{
    domain::time::{Clock, ManualClock},
    service::{
        journal::{Committers, Journal, JournalOptions},
        query::{Queries, QueryOptions},
        record::Recorder,
        token::Tokens,
    },
    store::Store,
    vault::Vault,
};

use crate::{
    store::bed::Bed,
    support::events::{NOW, limits},
};

const INSTALLATION: [u8; 16] = [1; 16];

/// One server. Nobody finds it stopped: whoever asks for it while it is waits until it is up again.
pub struct Replica {
    vault: Vault,
    options: QueryOptions,
    up: RwLock<Option<Up>>,
}

/// A server that is up.
pub struct Up {
    pub recorder: Recorder,
    pub queries: Queries,
    shutdown: CancellationToken,
    committers: Committers,
}

impl Replica {
    pub fn start(store: Arc<dyn Store>, vault: &Vault, options: &QueryOptions) -> Self {
        let up = RwLock::new(Some(Up::start(store, vault, options)));
        Self { vault: vault.clone(), options: options.clone(), up }
    }

    /// The server; it does not stop as long as this is held.
    pub async fn up(&self) -> RwLockReadGuard<'_, Up> {
        RwLockReadGuard::map(self.up.read().await, |up| up.as_ref().expect("only a restart takes it away"))
    }

    /// Stops it, as a shutdown does, and starts another one on the same database.
    pub async fn restart(&self, bed: &Bed) {
        let mut up = self.up.write().await;
        if let Some(up) = up.take() {
            up.stop().await;
        }
        *up = Some(Up::start(bed.opened_anew().await, &self.vault, &self.options));
    }

    pub async fn stop(self) {
        if let Some(up) = self.up.into_inner() {
            up.stop().await;
        }
    }
}

impl Up {
    fn start(store: Arc<dyn Store>, vault: &Vault, options: &QueryOptions) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW));
        let shutdown = CancellationToken::new();
        let (journal, committers) = Journal::start(store.clone(), clock.clone(), &JournalOptions::default());
        let tokens = Tokens::new(vault.clone());
        Self {
            recorder: Recorder::new(journal, vault.clone(), clock, Arc::new(limits())),
            queries: Queries::new(store, tokens, INSTALLATION, options.clone(), shutdown.clone()),
            shutdown,
            committers,
        }
    }

    async fn stop(self) {
        let Self { recorder, queries, shutdown, committers } = self;
        shutdown.cancel();
        drop((recorder, queries));
        committers.ended().await;
    }
}
