//! Queries from the wire, and their messages onto it.

use bytes::Bytes;

use super::caller::tenant;
use crate::{
    codec::{
        filter::filter_from_proto,
        proto::{
            internal::RawEventBatch,
            v1::{self, query_events_request::Start as WireStart, query_events_response::Kind},
        },
    },
    domain::{
        filter::EventFilter,
        query::{EndReason, Message, Order, Query, Start},
        violation::Violations,
    },
    service::query::Item,
};

/// Reads a query; names all that is wrong.
pub fn query_from_proto(request: v1::QueryEventsRequest) -> Result<Query, Violations> {
    let v1::QueryEventsRequest { tenant_id, filter, order, limit, follow, start, show_personal } = request;
    let mut wrong = Violations::new();
    let mut collect = |violations: Violations| {
        for violation in violations.iter() {
            wrong.add(violation.field.clone(), violation.description.clone());
        }
    };
    let tenant = tenant(&tenant_id, "tenant_id").map_err(&mut collect).ok();
    let filter =
        filter.map_or_else(|| Ok(EventFilter::default()), |filter| filter_from_proto(filter, "filter"));
    let filter = filter.map_err(&mut collect).ok();
    let order = order_from_proto(order).map_err(&mut collect).ok();
    let start = match start {
        None | Some(WireStart::FromNow(false)) => Start::Beginning,
        Some(WireStart::ResumeToken(token)) => Start::Token(token),
        Some(WireStart::AfterSequence(sequence)) => Start::After(sequence),
        Some(WireStart::FromNow(true)) => Start::Now,
    };
    match (tenant, filter, order) {
        (Some(tenant), Some(filter), Some(order)) => {
            Ok(Query { tenant, filter, order, limit, follow, start, show_personal })
        }
        _ => Err(wrong),
    }
}

fn order_from_proto(order: i32) -> Result<Order, Violations> {
    match v1::QueryOrder::try_from(order) {
        Ok(v1::QueryOrder::Unspecified | v1::QueryOrder::Ascending) => Ok(Order::Ascending),
        Ok(v1::QueryOrder::Descending) => Ok(Order::Descending),
        Err(_) => Err(Violations::one("order", "not an order; give QUERY_ORDER_ASCENDING or _DESCENDING")),
    }
}

/// One message of the stream. The bytes of events pass through as they are stored.
pub fn response((message, resume_token): Item) -> v1::QueryEventsResponse {
    v1::QueryEventsResponse { kind: Some(kind(message)), resume_token }
}

fn kind(message: Message<Bytes>) -> Kind {
    match message {
        Message::Batch(events) => Kind::Batch(RawEventBatch { events }),
        Message::Progress { head, scanned } => {
            Kind::Progress(v1::Progress { head_sequence: head, scanned_sequence: scanned })
        }
        Message::CaughtUp { head } => Kind::CaughtUp(v1::CaughtUp { head_sequence: head }),
        Message::End(reason) => {
            let reason = match reason {
                EndReason::Exhausted => v1::EndReason::Exhausted,
                EndReason::Limit => v1::EndReason::Limit,
                EndReason::TenantClosed => v1::EndReason::TenantClosed,
            };
            Kind::End(v1::End { reason: reason.into() })
        }
    }
}
