//! One bounded step of a scan. Pages by key: a stream over all of it would hold its connection for as long as its
//! reader likes.

mod halves;
mod page;

use futures::{StreamExt, TryStreamExt, try_join};
use sea_orm::{DatabaseConnection, QueryResult, StreamTrait, sea_query::SelectStatement};
use tokio::sync::Semaphore;

use self::{
    halves::{halves, joined},
    page::{Page, Scanned},
};
use super::{
    access::Access,
    convert,
    error::db_error,
    question::{Asker, FEW},
    row_sizes::RowSizes,
    tenant_key::TenantKey,
};
use crate::{
    domain::query::Order,
    store::{
        StoreError,
        contract::{ScanPage, ScanRequest},
    },
};

/// Positions that one step looks at, at most.
const WINDOW: u64 = 10_000;

/// The same where an index knows the few positions that there are to look at.
const INDEX_WINDOW: u64 = 200_000;

/// What a scan needs of its store.
pub(super) struct Scan<'a> {
    pub(super) db: &'a DatabaseConnection,
    pub(super) key: TenantKey,
    pub(super) sizes: &'a RowSizes,
    /// Scans that may use a second connection.
    pub(super) second: &'a Semaphore,
}

/// Looks at the positions from `request.from` on.
pub(super) async fn scan<E: Scanned>(
    scan: &Scan<'_>,
    request: &ScanRequest<'_>,
) -> Result<ScanPage<E>, StoreError> {
    let &Scan { db, key, sizes, second } = scan;
    let asker = Asker { key, backend: StreamTrait::get_database_backend(db), filter: request.filter };
    let step = Step { db, sizes, asker, request };
    match asker.access() {
        Access::EventIds => step.at(among(places_of_ids(db, asker).await?, request), request.through).await,
        Access::Administrative => {
            let last = last_position(request, INDEX_WINDOW);
            let most = request.max_events.max(1);
            let found = asker.administrative_places((request.from, last, request.order), most);
            let places = places(db, &found.select).await?;
            let last = match places.last() {
                Some(place) if places.len() == most => convert::unsigned(*place)?,
                _ => last,
            };
            step.at(places, last).await
        }
        Access::KeyRange | Access::KeyPoints => {
            // Nobody waits for it: without a permit, the same is read by one connection.
            let Some((halves, _permit)) = halves(request).zip(second.try_acquire().ok()) else {
                return step.through(last_position(request, WINDOW)).await;
            };
            let [near, far] = &halves;
            let near_step = Step { request: near, ..step };
            let far_step = Step { request: far, ..step };
            let (near_page, far_page) =
                try_join!(near_step.through(near.through), far_step.through(far.through))?;
            Ok(joined((near, near_page), far_page))
        }
    }
}

/// The last position of this step.
fn last_position(request: &ScanRequest<'_>, window: u64) -> u64 {
    match request.order {
        Order::Ascending => request.through.min(request.from.saturating_add(window - 1)),
        Order::Descending => request.through.max(request.from.saturating_sub(window - 1)),
    }
}

/// Asks for positions alone.
async fn places(db: &DatabaseConnection, select: &SelectStatement) -> Result<Vec<i64>, StoreError> {
    let rows = db.stream(select).await.map_err(db_error)?;
    let place = |row: QueryResult| std::future::ready(row.try_get_by_index::<i64>(0));
    rows.and_then(place).try_collect().await.map_err(db_error)
}

/// Where the events with the ids of the filter stand.
pub(super) async fn places_of_ids(db: &DatabaseConnection, asker: Asker<'_>) -> Result<Vec<i64>, StoreError> {
    let mut found = Vec::new();
    for question in asker.places_of_ids() {
        found.extend(places(db, &question.select).await?);
    }
    Ok(found)
}

/// Those of the positions that are asked for, in the order asked for.
fn among(mut places: Vec<i64>, request: &ScanRequest<'_>) -> Vec<i64> {
    let (one, other) = (convert::signed(request.from), convert::signed(request.through));
    let range = one.min(other)..=one.max(other);
    places.retain(|place| range.contains(place));
    places.sort_unstable();
    if request.order == Order::Descending {
        places.reverse();
    }
    places
}

#[derive(Clone, Copy)]
struct Step<'a> {
    db: &'a DatabaseConnection,
    sizes: &'a RowSizes,
    asker: Asker<'a>,
    request: &'a ScanRequest<'a>,
}

/// What of a page is full.
enum Filled {
    /// All that the statement asked for is read.
    Rows(usize),
    /// The page is full; the rest of the statement is thrown away.
    Page,
}

impl Step<'_> {
    /// Every row from the beginning of the step up to `last`.
    async fn through<E: Scanned>(&self, last: u64) -> Result<ScanPage<E>, StoreError> {
        let mut page = Page::new(last);
        let mut from = self.request.from;
        loop {
            let rows = self.rows(&page);
            let range = (from, last, self.request.order);
            let question = self.asker.rows_between(range, rows, E::COLUMNS, self.request.with_personal);
            match self.read(&question.select, &mut page).await? {
                Filled::Page => return Ok(page.cut()),
                Filled::Rows(found) if found < rows => return Ok(page.whole()),
                Filled::Rows(_) => {}
            }
            match page.next(self.request.order, last) {
                Some(next) => from = next,
                None => return Ok(page.whole()),
            }
        }
    }

    /// The rows at these positions; there are no others up to `last`.
    async fn at<E: Scanned>(&self, places: Vec<i64>, last: u64) -> Result<ScanPage<E>, StoreError> {
        let mut page = Page::new(last);
        let mut left = places.as_slice();
        while !left.is_empty() {
            let (now, later) = left.split_at(self.rows(&page).min(left.len()).min(FEW));
            let question =
                self.asker.rows_at(now, self.request.order, E::COLUMNS, self.request.with_personal);
            if let Filled::Page = self.read(&question.select, &mut page).await? {
                return Ok(page.cut());
            }
            left = later;
        }
        Ok(page.whole())
    }

    /// Rows to ask for: as many as should fit, by the size of those before.
    fn rows<E: Scanned>(&self, page: &Page<E>) -> usize {
        let room = self.request.max_bytes.saturating_sub(page.bytes);
        let fit = room / self.sizes.of(self.asker.key) + 1;
        fit.min(self.request.max_events.max(1) - page.events.len()).max(1)
    }

    /// Reads rows until the page is full. Rows come as they are read: none is in memory that is not kept.
    async fn read<E: Scanned>(
        &self,
        select: &SelectStatement,
        page: &mut Page<E>,
    ) -> Result<Filled, StoreError> {
        let before = (page.events.len(), page.bytes);
        let mut rows = self.db.stream(select).await.map_err(db_error)?;
        let mut filled = None;
        while let Some(row) = rows.next().await {
            page.add(E::read(&row.map_err(db_error)?, self.request.with_personal)?);
            if page.bytes >= self.request.max_bytes || page.events.len() >= self.request.max_events {
                filled = Some(Filled::Page);
                break;
            }
        }
        let found = page.events.len() - before.0;
        self.sizes.learn(self.asker.key, found, page.bytes - before.1);
        Ok(filled.unwrap_or(Filled::Rows(found)))
    }
}
