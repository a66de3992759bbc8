use proptest::prelude::*;
use vidne::{
    codec::token::{Bookmark, query_digest},
    domain::{
        filter::EventFilter,
        id::TenantId,
        query::{Order, Query},
    },
    service::token::Tokens,
};

use super::{default_query, vault};

const DIGEST: [u8; 16] = [9; 16];

fn bookmark() -> Bookmark {
    Bookmark { query: DIGEST, position: 42, pinned_head: 99 }
}

#[test]
fn a_token_comes_back_as_it_was_made() {
    let tokens = Tokens::new(vault());
    assert_eq!(tokens.read_resume(&tokens.resume(&bookmark()), &DIGEST).unwrap(), bookmark());
    let page = tokens.page("tenants", "kommune");
    assert_eq!(tokens.read_page("tenants", &page).unwrap().as_deref(), Some("kommune"));
    assert_eq!(tokens.read_page("tenants", "").unwrap(), None);
}

#[test]
fn a_changed_cut_or_foreign_token_is_refused() {
    let tokens = Tokens::new(vault());
    let good = tokens.resume(&bookmark());
    for i in 0..good.len() {
        let mut changed = good.clone();
        changed[i] ^= 0x40;
        assert!(tokens.read_resume(&changed, &DIGEST).is_err(), "byte {i}");
        assert!(tokens.read_resume(&good[..i], &DIGEST).is_err(), "cut at {i}");
    }
    assert!(tokens.read_resume(&good, &[8; 16]).is_err());
    assert!(Tokens::new(vault()).read_resume(&good, &DIGEST).is_err());
    assert!(tokens.read_page("export_jobs/default", &tokens.page("tenants", "a")).is_err());
    assert!(tokens.read_page("tenants", "%%%").is_err());
}

#[test]
fn a_query_is_known_by_its_tenant_filter_order_and_installation() {
    let base = default_query();
    let digest = |query: &Query, installation: u8| query_digest(query, &[installation; 16]);
    let others = [
        Query { tenant: TenantId::parse("other").unwrap(), ..base.clone() },
        Query { order: Order::Descending, ..base.clone() },
        Query { filter: EventFilter { text: "x".to_owned(), ..EventFilter::default() }, ..base.clone() },
    ];
    for other in &others {
        assert_ne!(digest(other, 1), digest(&base, 1));
    }
    assert_ne!(digest(&base, 2), digest(&base, 1));
    // What may differ between the calls of one chain.
    let next = Query { limit: 5, follow: true, show_personal: true, ..base.clone() };
    assert_eq!(digest(&next, 1), digest(&base, 1));
}

proptest! {
    #[test]
    fn no_bytes_are_a_token_by_accident(bytes in proptest::collection::vec(any::<u8>(), 0..100), text in ".*") {
        let tokens = Tokens::new(vault());
        prop_assert!(tokens.read_resume(&bytes, &DIGEST).is_err());
        prop_assert!(text.is_empty() || tokens.read_page("tenants", &text).is_err());
    }
}
