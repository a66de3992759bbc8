//! What each stage of an export reaches alone: reading the rows by key, and rendering to nothing.

use std::{path::Path, time::Duration};

use super::{error::BenchError, export::Rate, stopwatch::Stopwatch};
use crate::{
    codec::wire,
    domain::{event::RecordedEvent, export::JobSettings, filter::EventFilter, id::TenantId, query::Order},
    export::format::Renderer,
    store::{
        EventStore as _, StoreError,
        contract::ScanRequest,
        sql::{Database, PoolOptions, SqlStore},
    },
};

/// As many rows, and as many bytes, as an export reads at once.
const STEP_EVENTS: usize = 1_000;
const STEP_BYTES: usize = 1024 * 1024;
/// Events that are rendered over and over.
const RENDERED: usize = 20_000;
/// How long each format is rendered.
const RENDERING: Duration = Duration::from_secs(2);
/// How much is rendered before it is thrown away, as much as an export sends at once.
const CHUNK_BYTES: usize = 512 * 1024;

/// The log that a vidne has written in a folder; that vidne may still run.
pub(super) struct Log {
    store: SqlStore,
    tenant: TenantId,
}

impl Log {
    pub(super) async fn open(folder: &Path) -> Result<Self, BenchError> {
        let pool = PoolOptions::default();
        let store = SqlStore::open(&Database::sqlite(folder), &pool).await.map_err(BenchError::Store)?;
        Ok(Self { store, tenant: TenantId::default_tenant() })
    }

    /// Reads every row by key, and does nothing with it.
    pub(super) async fn read(&self) -> Result<Rate, BenchError> {
        let watch = Stopwatch::start();
        let (mut events, mut bytes) = (0, 0);
        let all = |page: &crate::store::contract::ScanPage| {
            events += page.events.len() as u64;
            bytes += page.events.iter().map(|event| event.payload.len() as u64).sum::<u64>();
            Ok(true)
        };
        self.pages(all).await?;
        Ok(Rate::new("reading rows by key", events, bytes, watch.lap()))
    }

    /// The first events, decoded.
    pub(super) async fn events(&self) -> Result<Vec<RecordedEvent>, BenchError> {
        let mut events = Vec::new();
        let some = |page: &crate::store::contract::ScanPage| {
            for stored in &page.events {
                let event = wire::decode_stored(&stored.payload, None);
                events
                    .push(event.map_err(|error| BenchError::Store(StoreError::Damaged(error.to_string())))?);
            }
            Ok(events.len() < RENDERED)
        };
        self.pages(some).await?;
        Ok(events)
    }

    async fn pages(
        &self,
        mut take: impl FnMut(&crate::store::contract::ScanPage) -> Result<bool, BenchError>,
    ) -> Result<(), BenchError> {
        let head = self.store.head(&self.tenant).await.map_err(BenchError::Store)?.sequence;
        let filter = EventFilter::default();
        let mut next = 1;
        while next <= head {
            let request = ScanRequest {
                tenant: &self.tenant,
                order: Order::Ascending,
                from: next,
                through: head,
                filter: &filter,
                max_events: STEP_EVENTS,
                max_bytes: STEP_BYTES,
                with_personal: false,
                full_after: 0,
            };
            let page = self.store.scan(request).await.map_err(BenchError::Store)?;
            next = page.scanned + 1;
            if !take(&page)? {
                break;
            }
        }
        Ok(())
    }
}

/// Renders the events again and again for a while, on one core, to nothing.
pub(super) fn render(
    name: &str,
    settings: &JobSettings,
    events: &[RecordedEvent],
) -> Result<Rate, BenchError> {
    let renderer = Renderer::new(settings);
    let mut chunk = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 8);
    let (mut count, mut bytes) = (0, 0);
    let watch = Stopwatch::start();
    while watch.elapsed() < RENDERING && !events.is_empty() {
        for event in events {
            renderer.event(event, &mut chunk).map_err(BenchError::Render)?;
            if chunk.len() >= CHUNK_BYTES {
                bytes += chunk.len() as u64;
                chunk.clear();
            }
        }
        count += events.len() as u64;
    }
    bytes += chunk.len() as u64;
    Ok(Rate::new(&format!("rendering {name}"), count, bytes, watch.lap()))
}
