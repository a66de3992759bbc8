//! What clients sent, and every receipt that they got.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use vidne::codec::proto::v1::{Disposition, Event, Receipt};

/// A tenant and an event id.
pub type Key = (String, String);

/// All clients' books in one. Cheap to clone.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<BTreeMap<Key, Entry>>>);

/// One event.
#[derive(Clone, Default)]
pub struct Entry {
    /// Its text.
    pub description: String,
    /// Every receipt it got, in the order in which they came.
    pub receipts: Vec<Receipt>,
}

impl Ledger {
    /// An event is about to be sent, maybe not for the first time.
    pub fn sent(&self, event: &Event) {
        let key = (event.tenant_id.clone(), event.event_id.clone());
        self.0.lock().unwrap().entry(key).or_default().description = event.description.clone();
    }

    /// A receipt came.
    ///
    /// # Panics
    ///
    /// If it contradicts an earlier one.
    pub fn received(&self, receipt: Receipt) {
        let key = (receipt.tenant_id.clone(), receipt.event_id.clone());
        let mut entries = self.0.lock().unwrap();
        let entry = entries.get_mut(&key).unwrap_or_else(|| panic!("a receipt for nothing: {receipt:?}"));
        match (receipt.disposition(), entry.receipts.first()) {
            (Disposition::Recorded, None) | (Disposition::Duplicate, _) => {}
            (disposition, before) => panic!("{disposition:?} after {before:?}"),
        }
        if let Some(first) = entry.receipts.first() {
            let place = |receipt: &Receipt| {
                (
                    receipt.sequence,
                    receipt.recorded_time,
                    receipt.leaf_hash.clone(),
                    receipt.tenant_id.clone(),
                )
            };
            assert_eq!(place(first), place(&receipt), "a later receipt of {key:?} says something else");
        }
        entry.receipts.push(receipt);
    }

    /// How many receipts came.
    pub fn receipts(&self) -> usize {
        self.0.lock().unwrap().values().map(|entry| entry.receipts.len()).sum()
    }

    /// Everything.
    pub fn entries(&self) -> BTreeMap<Key, Entry> {
        self.0.lock().unwrap().clone()
    }
}
