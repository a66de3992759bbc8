//! One bounded step of a scan. Pages by key: a stream would hold its connection for as long as its reader likes.

use sea_orm::{
    ColumnTrait, Condition, DatabaseConnection, Order as SqlOrder, QueryFilter, QueryOrder, QuerySelect,
};

use super::{convert, entity::events, error::db_error, tenant_key::TenantKey};
use crate::{
    domain::{catalogue::EventType, filter::EventFilter, query::Order},
    store::{
        StoreError,
        contract::{ScanPage, ScanRequest, StoredEvent},
    },
};

/// Positions that one step looks at, at most.
const WINDOW: u64 = 10_000;

/// Rows fetched at once: what may be in memory beyond `max_bytes`.
const FETCH_ROWS: usize = 256;

/// Looks at the positions from `request.from` on.
pub(super) async fn scan(
    db: &DatabaseConnection,
    key: TenantKey,
    request: &ScanRequest<'_>,
) -> Result<ScanPage, StoreError> {
    let last = last_position(request);
    let positions = positions_of_ids(db, key, request.filter).await?;
    let mut page = ScanPage { events: Vec::new(), scanned: last };
    let mut bytes = 0;
    let mut from = request.from;
    loop {
        let wanted = FETCH_ROWS.min(request.max_events.max(1) - page.events.len());
        let rows = select(key, request, from, last, positions.as_deref()).limit(wanted as u64);
        let rows = events::kept(rows, request.with_personal).all(db).await.map_err(db_error)?;
        let exhausted = rows.len() < wanted;
        for row in rows {
            let event = StoredEvent::try_from(row)?;
            bytes += event.payload.len();
            from = event.sequence;
            page.events.push(event);
            if bytes >= request.max_bytes || page.events.len() >= request.max_events {
                page.scanned = from;
                return Ok(page);
            }
        }
        if exhausted || from == last {
            return Ok(page);
        }
        from = match request.order {
            Order::Ascending => from + 1,
            Order::Descending => from - 1,
        };
    }
}

/// The last position of this step.
fn last_position(request: &ScanRequest<'_>) -> u64 {
    // Events with given ids are few and are looked up by an index: see below.
    if !request.filter.event_ids.is_empty() {
        return request.through;
    }
    match request.order {
        Order::Ascending => request.through.min(request.from.saturating_add(WINDOW - 1)),
        Order::Descending => request.through.max(request.from.saturating_sub(WINDOW - 1)),
    }
}

/// Where the events with the ids of the filter stand; `None` if it names none.
///
/// A question of its own, because together with a range of sequences SQLite would rather read the whole range.
pub(super) async fn positions_of_ids(
    db: &DatabaseConnection,
    key: TenantKey,
    filter: &EventFilter,
) -> Result<Option<Vec<i64>>, StoreError> {
    if filter.event_ids.is_empty() {
        return Ok(None);
    }
    let rows = events::Entity::of(key)
        .select_only()
        .column(events::Column::Sequence)
        .filter(events::Column::EventId.is_in(filter.event_ids.iter().map(|id| id.uuid())));
    Ok(Some(rows.into_tuple().all(db).await.map_err(db_error)?))
}

fn select(
    key: TenantKey,
    request: &ScanRequest<'_>,
    from: u64,
    last: u64,
    positions: Option<&[i64]>,
) -> sea_orm::Select<events::Entity> {
    let (lowest, highest, order) = match request.order {
        Order::Ascending => (convert::signed(from), convert::signed(last), SqlOrder::Asc),
        Order::Descending => (convert::signed(last), convert::signed(from), SqlOrder::Desc),
    };
    let rows = events::Entity::of(key).filter(condition(request.filter));
    let rows = match positions {
        Some(positions) => {
            let within = positions.iter().copied().filter(|at| (lowest..=highest).contains(at));
            rows.filter(events::Column::Sequence.is_in(within))
        }
        None => {
            rows.filter(events::Column::Sequence.gte(lowest)).filter(events::Column::Sequence.lte(highest))
        }
    };
    rows.order_by(events::Column::Sequence, order)
}

/// What the columns can tell of a filter, but for ids; the rest is decided by the caller.
pub(super) fn condition(filter: &EventFilter) -> Condition {
    use events::Column::{EventType as TypeColumn, OccurredTime, RecordedTime, Sequence};
    let from_sequence = (filter.sequence_from > 0).then_some(filter.sequence_from);
    let before_sequence = (filter.sequence_before > 0).then_some(filter.sequence_before);
    let types = types(filter);
    Condition::all()
        .add_option(from_sequence.map(|n| Sequence.gte(convert::signed(n))))
        .add_option(before_sequence.map(|n| Sequence.lt(convert::signed(n))))
        .add_option(filter.recorded_from.map(|time| RecordedTime.gte(time.micros())))
        .add_option(filter.recorded_before.map(|time| RecordedTime.lt(time.micros())))
        .add_option(filter.occurred_from.map(|time| OccurredTime.gte(time.micros())))
        .add_option(filter.occurred_before.map(|time| OccurredTime.lt(time.micros())))
        .add_option(types.map(|types| TypeColumn.is_in(types)))
}

/// The types that may match; `None`: every one. Any custom event may have one of the `custom_types`.
fn types(filter: &EventFilter) -> Option<Vec<i16>> {
    let asks_type = !filter.types.is_empty() || !filter.custom_types.is_empty();
    if !asks_type && filter.categories.is_empty() {
        return None;
    }
    let fits = |event_type: &EventType| {
        let of_type = !asks_type
            || filter.types.contains(event_type)
            || (*event_type == EventType::CUSTOM && !filter.custom_types.is_empty());
        of_type && (filter.categories.is_empty() || filter.categories.contains(&event_type.category()))
    };
    Some(EventType::all().filter(fits).map(convert::event_type).collect())
}
