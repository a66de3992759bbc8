//! The statements that look for events. `access` says which way each of them goes.

use sea_orm::{
    ColumnTrait, Condition, DbBackend, Order as SqlOrder, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select,
    sea_query::{Expr, ExprTrait, Func, SelectStatement},
};

use super::{
    access::{Access, types},
    convert,
    entity::events::{self, Column},
    tenant_key::TenantKey,
};
use crate::{
    codec::needles::needles,
    domain::{filter::EventFilter, id::EventId, query::Order},
};

/// Values of one statement that are looked for one by one. PostgreSQL takes several hundred for most of a table that it
/// has not analysed yet, and reads all of it.
pub(super) const FEW: usize = 64;

/// One statement, and the way it goes.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) access: Access,
    pub(super) select: SelectStatement,
}

/// What is read of a row. Each column costs about a tenth of what a row costs to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Columns {
    /// Of a `StoredEvent`.
    All,
    /// Of a `Payload`.
    Payload,
}

impl Columns {
    /// In the order in which `convert` reads them; `personal` comes last.
    pub(super) fn of(self, rows: Select<events::Entity>, with_personal: bool) -> SelectStatement {
        let rows = rows.select_only().column(Column::Sequence).column(Column::Payload);
        let rows = match self {
            Self::All => rows.column(Column::RecordedTime).column(Column::LeafHash),
            Self::Payload => rows,
        };
        let rows = if with_personal { rows.column(Column::Personal) } else { rows };
        rows.into_query()
    }
}

/// Asks about the events of one log that a filter does not rule out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker<'a> {
    pub(super) key: TenantKey,
    pub(super) backend: DbBackend,
    pub(super) filter: &'a EventFilter,
}

impl Asker<'_> {
    /// The way that the events are looked for.
    pub(super) fn access(&self) -> Access {
        Access::to(self.filter, self.backend)
    }

    /// Whether types, categories and sequences alone decide: what the index of administrative events holds.
    pub(super) fn asks_types_only(&self) -> bool {
        let EventFilter { types, categories, sequence_from, sequence_before, .. } = self.filter.clone();
        let only =
            EventFilter { types, categories, sequence_from, sequence_before, ..EventFilter::default() };
        *self.filter == only
    }

    /// The rows between two positions, at most so many of them.
    pub(super) fn rows_between(
        &self,
        (from, last, order): (u64, u64, Order),
        rows: usize,
        columns: Columns,
        with_personal: bool,
    ) -> Question {
        let select = self.between(from, last, order).filter(self.condition()).limit(rows as u64);
        Question { access: Access::KeyRange, select: columns.of(select, with_personal) }
    }

    /// The rows at these positions.
    pub(super) fn rows_at(
        &self,
        places: &[i64],
        order: Order,
        columns: Columns,
        with_personal: bool,
    ) -> Question {
        let select = events::Entity::of(self.key).filter(Column::Sequence.is_in(places.iter().copied()));
        let select = select.order_by(Column::Sequence, sql_order(order)).filter(self.condition());
        Question { access: Access::KeyPoints, select: columns.of(select, with_personal) }
    }

    /// Where the events with some of the ids of the filter stand: one question for each few of them.
    ///
    /// A question of its own, because together with a range of sequences SQLite would rather read the whole range.
    pub(super) fn places_of_ids(&self) -> impl Iterator<Item = Question> {
        self.filter.event_ids.chunks(FEW).map(|ids| self.places_of(ids))
    }

    fn places_of(&self, ids: &[EventId]) -> Question {
        let ids = ids.iter().map(|id| id.uuid());
        let select = events::Entity::of(self.key).filter(Column::EventId.is_in(ids));
        let select = select.select_only().column(Column::Sequence).into_query();
        Question { access: Access::EventIds, select }
    }

    /// Where administrative events of the filter's types stand, at most so many of them.
    ///
    /// A question of its own as well: the index answers it alone, and then no database prefers the whole range.
    pub(super) fn administrative_places(
        &self,
        (from, last, order): (u64, u64, Order),
        rows: usize,
    ) -> Question {
        let select = self.between(from, last, order).filter(self.type_condition());
        let select = select.filter(Expr::cust(vidne_migrations::ADMINISTRATIVE)).limit(rows as u64);
        let select = select.select_only().column(Column::Sequence).into_query();
        Question { access: Access::Administrative, select }
    }

    /// How many there are between two positions.
    pub(super) fn count_between(&self, from: u64, last: u64) -> Question {
        let select = within(events::Entity::of(self.key), from, last).filter(self.condition());
        Question { access: Access::KeyRange, select: counted(select) }
    }

    /// How many administrative events there are between two positions, if types are all that is asked for.
    pub(super) fn count_administrative(&self, from: u64, last: u64) -> Question {
        let select = within(events::Entity::of(self.key), from, last).filter(self.condition());
        let select = select.filter(Expr::cust(vidne_migrations::ADMINISTRATIVE));
        Question { access: Access::Administrative, select: counted(select) }
    }

    /// How many there are at these positions.
    pub(super) fn count_at(&self, places: &[i64]) -> Question {
        let select = events::Entity::of(self.key).filter(Column::Sequence.is_in(places.iter().copied()));
        Question { access: Access::KeyPoints, select: counted(select.filter(self.condition())) }
    }

    fn between(&self, from: u64, last: u64, order: Order) -> Select<events::Entity> {
        let (lowest, highest) = if from <= last { (from, last) } else { (last, from) };
        within(events::Entity::of(self.key), lowest, highest).order_by(Column::Sequence, sql_order(order))
    }

    fn type_condition(&self) -> Condition {
        let types = types(self.filter);
        Condition::all().add_option(
            types.map(|types| Column::EventType.is_in(types.into_iter().map(convert::event_type))),
        )
    }

    /// What columns and bytes can tell of a filter, but for ids; the rest is decided by the caller.
    fn condition(&self) -> Condition {
        let filter = self.filter;
        let from_sequence = (filter.sequence_from > 0).then_some(filter.sequence_from);
        let before_sequence = (filter.sequence_before > 0).then_some(filter.sequence_before);
        let condition = self
            .type_condition()
            .add_option(from_sequence.map(|n| Column::Sequence.gte(convert::signed(n))))
            .add_option(before_sequence.map(|n| Column::Sequence.lt(convert::signed(n))))
            .add_option(filter.recorded_from.map(|time| Column::RecordedTime.gte(time.micros())))
            .add_option(filter.recorded_before.map(|time| Column::RecordedTime.lt(time.micros())))
            .add_option(filter.occurred_from.map(|time| Column::OccurredTime.gte(time.micros())))
            .add_option(filter.occurred_before.map(|time| Column::OccurredTime.lt(time.micros())));
        needles(filter).into_iter().fold(condition, |condition, field| {
            let any = field.into_iter().fold(Condition::any(), |any, needle| any.add(self.holds(needle)));
            condition.add(any)
        })
    }

    /// Whether the payload holds these bytes.
    fn holds(&self, needle: Vec<u8>) -> Expr {
        let find = match self.backend {
            // `position(x IN y)` as a plain function.
            DbBackend::Postgres => "pg_catalog.\"position\"",
            _ => "INSTR",
        };
        Expr::from(Func::cust(find).arg(Expr::col(Column::Payload)).arg(needle)).gt(0_i32)
    }
}

/// Where some events stand in time, of those that are there.
pub(super) fn recorded_at(key: TenantKey, places: &[i64]) -> Question {
    let select = events::Entity::of(key).filter(Column::Sequence.is_in(places.iter().copied()));
    let select = select.select_only().columns([Column::Sequence, Column::RecordedTime]);
    Question { access: Access::KeyPoints, select: select.into_query() }
}

fn within(rows: Select<events::Entity>, lowest: u64, highest: u64) -> Select<events::Entity> {
    rows.filter(Column::Sequence.gte(convert::signed(lowest)))
        .filter(Column::Sequence.lte(convert::signed(highest)))
}

fn counted(rows: Select<events::Entity>) -> SelectStatement {
    rows.select_only().column_as(Column::Sequence.count(), "number").into_query()
}

fn sql_order(order: Order) -> SqlOrder {
    match order {
        Order::Ascending => SqlOrder::Asc,
        Order::Descending => SqlOrder::Desc,
    }
}
