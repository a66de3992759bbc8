//! The shared tail of a log: however many follow it, one task reads it, and what it reads is handed to all.

mod task;
mod window;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::window::{Budget, Window};
use super::QueryOptions;
use crate::{domain::id::TenantId, store::LogStore};

pub(super) use self::window::{Recent, Run};

/// Above this many entries, those that nobody follows any more are thrown away.
const SWEEP_ABOVE: usize = 256;

/// How a tail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It has not found the head yet.
    Starting,
    /// It keeps up with the log.
    Following,
    /// The store has not answered for a while. It goes on trying.
    Away,
    /// The tenant is closed, and everything is there.
    Closed,
}

/// What a tail tells those who wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Status {
    /// The position of the newest event.
    pub(super) last: u64,
    /// How the tail is.
    pub(super) state: State,
}

/// The tails of a server.
#[derive(Clone)]
pub(super) struct Tails {
    store: Arc<dyn LogStore>,
    options: QueryOptions,
    budget: Arc<Budget>,
    stop: CancellationToken,
    open: Arc<Mutex<HashMap<TenantId, Weak<Tail>>>>,
}

/// One log's tail. Its task ends with the last follower.
pub(super) struct Tail {
    shared: Arc<Shared>,
    told: watch::Receiver<Status>,
    _end: DropGuard,
}

/// What a tail and its task share.
struct Shared {
    window: Mutex<Option<Window>>,
}

impl Tails {
    pub(super) fn new(store: Arc<dyn LogStore>, options: QueryOptions, stop: CancellationToken) -> Self {
        let budget = Arc::new(Budget::new(options.tail_bytes));
        Self { store, options, budget, stop, open: Arc::default() }
    }

    /// The tail of a log, which begins with the first who asks for it.
    pub(super) fn attach(&self, tenant: &TenantId) -> Arc<Tail> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tail) = open.get(tenant).and_then(Weak::upgrade)
            // A task that is gone, whatever the reason, is no use to anybody.
            && tail.told.has_changed().is_ok()
        {
            return tail;
        }
        if open.len() >= SWEEP_ABOVE {
            open.retain(|_, tail| tail.strong_count() > 0);
        }
        let tail = Arc::new(self.start(tenant));
        open.insert(tenant.clone(), Arc::downgrade(&tail));
        tail
    }

    fn start(&self, tenant: &TenantId) -> Tail {
        let shared = Arc::new(Shared { window: Mutex::new(None) });
        let (tell, told) = watch::channel(Status { last: 0, state: State::Starting });
        let end = self.stop.child_token();
        let task = task::Task {
            store: self.store.clone(),
            tenant: tenant.clone(),
            options: self.options.clone(),
            budget: self.budget.clone(),
            shared: shared.clone(),
            tell,
        };
        // Ends with `end`, at the latest when the server stops; a panic is seen by followers, whose `told` ends.
        tokio::spawn(end.clone().run_until_cancelled_owned(task.run()));
        Tail { shared, told, _end: end.drop_guard() }
    }
}

impl Tail {
    /// Tells of every change of the tail from now on.
    pub(super) fn subscribe(&self) -> watch::Receiver<Status> {
        self.told.clone()
    }

    /// Events after `position`: as many as `max_bytes` of payload hold, at least one.
    pub(super) fn read(&self, position: u64, max_events: usize, max_bytes: usize) -> Recent {
        match &*self.shared.window() {
            Some(window) => window.read(position, max_events, max_bytes),
            None => Recent::Nothing,
        }
    }
}

impl Shared {
    fn window(&self) -> MutexGuard<'_, Option<Window>> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
