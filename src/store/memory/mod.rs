//! The model: what the contract says, over plain collections behind one lock. The conformance suite compares
//! the other stores with it; tests of the rooms above may use it as a store.

mod event;
mod export;
mod job;
mod state;
mod subscription;
mod tenant;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use state::State;

use super::{StoreError, wakeups::Wakeups};
use crate::domain::{id::TenantId, time::Clock};

/// Keeps everything in memory, for as long as it lives.
pub struct MemoryStore {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    wakeups: Wakeups,
}

impl MemoryStore {
    /// An empty store with the tenant `default`. `clock` is the "database's" time, by which leases run out.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let state = State::new(clock.now());
        Self { state: Mutex::new(state), clock, wakeups: Wakeups::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A change works on a copy, so that a panic leaves the state as it was.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A transaction: changes a copy, which becomes the state if all went well. Wakes the readers of the logs
    /// that have grown.
    fn change<T>(&self, work: impl FnOnce(&mut State) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut state = self.state();
        let mut copy = state.clone();
        let done = work(&mut copy)?;
        let grown: Vec<TenantId> = copy.grown_since(&state);
        *state = copy;
        drop(state);
        self.wakeups.wake(&grown);
        Ok(done)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore")
    }
}
