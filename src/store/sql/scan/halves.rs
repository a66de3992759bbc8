//! Where few events match, a database is busy looking at the others, on one core for one connection: two parts of the
//! range are looked at side by side.

use super::{WINDOW, page::Scanned};
use crate::{
    domain::query::Order,
    store::contract::{ScanPage, ScanRequest},
};

/// A shorter half is not worth a connection of its own: most of what is looked at is sent.
const SHORTEST: u64 = 1_000;

/// A request's next step as two, the second one after the first: each with half the page. `None`: one is enough.
pub(super) fn halves<'a>(request: &ScanRequest<'a>) -> Option<[ScanRequest<'a>; 2]> {
    // A tenth less, so that the first half is hardly ever cut short and the second one for nothing.
    let length = WINDOW.min(request.full_after / 20 * 9);
    let first = (request.from, at(request, length.checked_sub(1)?)?);
    let second = (at(request, length)?, at(request, 2 * length - 1).unwrap_or(request.through));
    let (max_events, max_bytes) = (request.max_events / 2, request.max_bytes / 2);
    let half = |(from, through)| ScanRequest { from, through, max_events, max_bytes, ..request.clone() };
    (length >= SHORTEST && max_events > 0 && max_bytes > 0).then(|| [half(first), half(second)])
}

/// The position so many after the first one; `None` if it is not asked for.
fn at(request: &ScanRequest<'_>, after: u64) -> Option<u64> {
    let (from, through) = (request.from, request.through);
    match request.order {
        Order::Ascending => from.checked_add(after).filter(|position| *position <= through),
        Order::Descending => from.checked_sub(after).filter(|position| *position >= through),
    }
}

/// Both pages as one. What comes after a first half that is full does not count: of two full ones, the second would
/// begin after a hole, or both would be more than was asked for.
pub(super) fn joined<E: Scanned>(
    (first, mut page): (&ScanRequest<'_>, ScanPage<E>),
    second: ScanPage<E>,
) -> ScanPage<E> {
    let bytes: usize = page.events.iter().map(Scanned::len).sum();
    if page.scanned == first.through && bytes < first.max_bytes {
        page.events.extend(second.events);
        page.scanned = second.scanned;
    }
    page
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        domain::{filter::EventFilter, id::TenantId},
        store::contract::Payload,
    };

    fn request<'a>(
        order: Order,
        (from, through): (u64, u64),
        full_after: u64,
        (tenant, filter): (&'a TenantId, &'a EventFilter),
    ) -> ScanRequest<'a> {
        let (max_events, max_bytes) = (1_000, 900_000);
        ScanRequest {
            tenant,
            order,
            from,
            through,
            filter,
            max_events,
            max_bytes,
            with_personal: false,
            full_after,
        }
    }

    proptest! {
        #[test]
        fn halves_follow_one_another_and_stay_in_the_range(
            from in 1_u64..50_000, length in 1_u64..50_000, full_after in 0_u64..100_000, up in any::<bool>(),
        ) {
            let (log, filter) = (TenantId::default_tenant(), EventFilter::default());
            let other = if up { from + length - 1 } else { from.saturating_sub(length) };
            let order = if up { Order::Ascending } else { Order::Descending };
            let request = request(order, (from, other), full_after, (&log, &filter));
            if let Some([first, second]) = halves(&request) {
                let places = |half: &ScanRequest<'_>| half.from.abs_diff(half.through) + 1;
                prop_assert_eq!(first.from, from);
                prop_assert_eq!(first.through.abs_diff(second.from), 1);
                prop_assert_eq!(first.from < second.from, up);
                prop_assert!(second.through == other || (second.through < other) == up);
                prop_assert!((SHORTEST..=WINDOW).contains(&places(&first)) && places(&second) <= places(&first));
                prop_assert!(places(&first) + places(&second) <= full_after);
                prop_assert_eq!((first.max_events, second.max_bytes), (500, 450_000));
            } else {
                prop_assert!(full_after < 2_300 || from.abs_diff(other) < WINDOW);
            }
        }
    }

    #[test]
    fn nothing_follows_a_half_that_is_full() {
        let (log, filter) = (TenantId::default_tenant(), EventFilter::default());
        let request = request(Order::Ascending, (1, 1_000), 0, (&log, &filter));
        let page = |places: &[u64], scanned| {
            let payload =
                |sequence: &u64| Payload { sequence: *sequence, payload: "x".into(), personal: None };
            ScanPage { events: places.iter().map(payload).collect(), scanned }
        };
        let whole = joined((&request, page(&[7], 1_000)), page(&[1_200], 2_000));
        assert_eq!(whole, page(&[7, 1_200], 2_000));
        assert_eq!(joined((&request, page(&[7], 7)), page(&[1_200], 2_000)), page(&[7], 7));
        let full = ScanRequest { max_bytes: 2, ..request };
        let last = page(&[7, 1_000], 1_000);
        assert_eq!(joined((&full, last.clone()), page(&[1_200], 2_000)), last);
    }
}
