//! Tokens: what is not one of ours, of this query, is refused with a reason, whatever it is, and breaks nothing.

use futures::StreamExt;
use proptest::{collection::vec, prelude::*, sample::Index};
use prost::Message as _;
use vidne::{
    codec::{
        proto::internal::ResumeToken,
        token::{Bookmark, query_digest},
    },
    domain::{
        catalogue::EventType,
        filter::EventFilter,
        id::TenantId,
        query::{Order, Query, Start},
        tenant::TenantSettings,
    },
    service::{
        ServiceError,
        query::{Queries, QueryOptions},
        token::Tokens,
    },
    vault::Vault,
};

use super::{Services, default_query, sequences, vault};
use crate::support::events::bare;

const DIGEST: [u8; 16] = [9; 16];
const INSTALLATION: [u8; 16] = [1; 16];
/// Bytes of the code at the end of a token that makes it ours.
const MAC: usize = 16;

fn bookmark() -> Bookmark {
    Bookmark { query: DIGEST, position: 42, pinned_head: Some(99) }
}

#[test]
fn a_token_comes_back_as_it_was_made() {
    let tokens = Tokens::new(vault());
    for pinned_head in [None, Some(0), Some(99), Some(u64::MAX)] {
        let made = Bookmark { pinned_head, ..bookmark() };
        assert_eq!(tokens.read_resume(&tokens.resume(&made), &DIGEST).unwrap(), made);
    }
    let page = tokens.page("tenants", "kommune");
    assert_eq!(tokens.read_page("tenants", &page).unwrap().as_deref(), Some("kommune"));
    assert_eq!(tokens.read_page("tenants", "").unwrap(), None);
}

#[test]
fn a_changed_cut_or_foreign_token_is_refused() {
    let tokens = Tokens::new(vault());
    let good = tokens.resume(&bookmark());
    for i in 0..good.len() {
        for bit in 0..8 {
            let mut changed = good.clone();
            changed[i] ^= 1 << bit;
            assert!(tokens.read_resume(&changed, &DIGEST).is_err(), "bit {bit} of byte {i}");
        }
        assert!(tokens.read_resume(&good[..i], &DIGEST).is_err(), "cut at {i}");
        assert!(tokens.read_resume(&good[i + 1..], &DIGEST).is_err(), "cut until {i}");
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

/// A log of six events, another one of as many, and queries of both.
struct Bench {
    services: Services,
    vault: Vault,
    queries: Queries,
}

impl Bench {
    async fn new() -> Self {
        let services = Services::new();
        let other = TenantId::parse("other").unwrap();
        services
            .tenants
            .create(other.clone(), String::new(), TenantSettings::default(), "anonymous")
            .await
            .unwrap();
        for _ in 0..5 {
            services.sequence(bare(EventType::CUSTOM)).await;
            let elsewhere = vidne::domain::input::EventInput {
                tenant_id: other.as_str().to_owned(),
                ..bare(EventType::CUSTOM)
            };
            services.sequence(elsewhere).await;
        }
        let vault = vault();
        let queries = queries(&services, &vault, INSTALLATION);
        Self { services, vault, queries }
    }

    /// What a query of a token says: sequences, or the reason why it is refused.
    async fn ask(&self, query: Query, token: Vec<u8>) -> Result<Vec<u64>, &'static str> {
        match self.queries.query(Query { start: Start::Token(token), ..query }).await {
            Ok(stream) => {
                let items: Vec<_> = Box::pin(stream).map(Result::unwrap).collect().await;
                Ok(sequences(&items))
            }
            Err(ServiceError::Token(reason)) => Err(reason),
            Err(other) => panic!("{other:?}"),
        }
    }

    /// The token after the second event of a query.
    async fn token(&self, queries: &Queries, query: &Query) -> Vec<u8> {
        let stream = queries.query(Query { limit: 2, ..query.clone() }).await.unwrap();
        let items: Vec<_> = Box::pin(stream).map(Result::unwrap).collect().await;
        assert_eq!(sequences(&items).len(), 2);
        items.last().unwrap().1.clone()
    }

    fn sign(&self, token: &ResumeToken) -> Vec<u8> {
        let mut bytes = token.encode_to_vec();
        let mac = self.vault.token_mac(&bytes);
        bytes.extend_from_slice(&mac[..MAC]);
        bytes
    }
}

fn queries(services: &Services, vault: &Vault, installation: [u8; 16]) -> Queries {
    let tokens = Tokens::new(vault.clone());
    let (store, shutdown) = (services.store.clone(), services.shutdown.clone());
    Queries::new(store, tokens, installation, QueryOptions::default(), shutdown)
}

fn in_both_orders() -> [Query; 2] {
    [Order::Ascending, Order::Descending].map(|order| Query { order, ..default_query() })
}

#[tokio::test]
async fn a_token_of_another_query_installation_version_or_time_is_refused_with_that_reason() {
    let bench = Bench::new().await;
    for query in in_both_orders() {
        let token = bench.token(&bench.queries, &query).await;
        let expected = if query.order == Order::Ascending { [3, 4, 5, 6] } else { [4, 3, 2, 1] };
        assert_eq!(bench.ask(query.clone(), token.clone()).await.unwrap(), expected);

        let reversed = match query.order {
            Order::Ascending => Order::Descending,
            Order::Descending => Order::Ascending,
        };
        let text = EventFilter { text: "x".to_owned(), ..EventFilter::default() };
        for other in [
            Query { tenant: TenantId::parse("other").unwrap(), ..query.clone() },
            Query { filter: text, ..query.clone() },
            Query { order: reversed, ..query.clone() },
        ] {
            let refused = bench.ask(other, token.clone()).await.unwrap_err();
            assert!(refused.contains("of another query"), "{refused}");
        }
        // The same key in another installation, and another key.
        let twin = queries(&bench.services, &bench.vault, [2; 16]);
        let foreign = bench.token(&twin, &query).await;
        let refused = bench.ask(query.clone(), foreign).await.unwrap_err();
        assert!(refused.contains("of another query"), "{refused}");
        let stranger = queries(&bench.services, &vault(), INSTALLATION);
        let foreign = bench.token(&stranger, &query).await;
        let refused = bench.ask(query.clone(), foreign).await.unwrap_err();
        assert!(refused.contains("damaged or of another installation"), "{refused}");

        let ours = ResumeToken {
            version: 1,
            query: query_digest(&query, &INSTALLATION).to_vec(),
            position: 3,
            pinned_head: Some(6),
        };
        assert!(bench.ask(query.clone(), bench.sign(&ours)).await.is_ok());
        for (token, reason) in [
            (ResumeToken { version: 2, ..ours.clone() }, "another version"),
            (ResumeToken { query: vec![1; 3], ..ours.clone() }, "another version"),
            // One past the head is where a descending query begins.
            (ResumeToken { position: 8, ..ours.clone() }, "ahead of the log"),
            (ResumeToken { position: u64::MAX, ..ours.clone() }, "ahead of the log"),
        ] {
            let refused = bench.ask(query.clone(), bench.sign(&token)).await.unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
        let refused = bench.ask(query.clone(), Vec::new()).await.unwrap_err();
        assert!(refused.contains("damaged"), "{refused}");
        // A page token is ours, too, and no resume token.
        let page = Tokens::new(bench.vault.clone()).page("tenants", "default");
        let refused = bench.ask(query, page.into_bytes()).await.unwrap_err();
        assert!(refused.contains("damaged"), "{refused}");
    }
}

/// What somebody may do to a token.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Cut(Index),
    CutStart(Index),
    Insert(Index, Vec<u8>),
    /// The first part of this one, the rest of another one.
    Splice(Index),
    Repeat,
    Replace(Vec<u8>),
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        1 => any::<Index>().prop_map(Change::Cut),
        1 => any::<Index>().prop_map(Change::CutStart),
        1 => (any::<Index>(), vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => any::<Index>().prop_map(Change::Splice),
        1 => Just(Change::Repeat),
        1 => vec(any::<u8>(), 0..100).prop_map(Change::Replace),
    ]
}

fn changed(mut token: Vec<u8>, other: &[u8], change: &Change) -> Vec<u8> {
    let length = token.len().max(1);
    match change {
        Change::Flip(..) if token.is_empty() => {}
        Change::Flip(at, bit) => token[at.index(length)] ^= 1 << bit,
        Change::Cut(at) => token.truncate(at.index(length)),
        Change::CutStart(at) => drop(token.drain(..at.index(length).min(token.len()))),
        Change::Insert(at, bytes) => {
            let at = at.index(length).min(token.len());
            token.splice(at..at, bytes.iter().copied());
        }
        Change::Splice(at) => {
            let at = at.index(length).min(token.len());
            token.truncate(at);
            token.extend_from_slice(other.get(at..).unwrap_or_default());
        }
        Change::Repeat => token.extend_from_within(..),
        Change::Replace(bytes) => token.clone_from(bytes),
    }
    token
}

proptest! {
    #[test]
    fn no_bytes_are_a_token_by_accident(bytes in vec(any::<u8>(), 0..100), text in ".*") {
        let tokens = Tokens::new(vault());
        prop_assert!(tokens.read_resume(&bytes, &DIGEST).is_err());
        prop_assert!(text.is_empty() || tokens.read_page("tenants", &text).is_err());
    }

    #[test]
    fn a_token_that_was_tampered_with_is_refused_in_both_orders(
        changes in vec(any_change(), 1..4), descending in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new().await;
            let [up, down] = in_both_orders();
            let (query, other) = if descending { (down, up) } else { (up, down) };
            let valid = bench.token(&bench.queries, &query).await;
            let of_the_other = bench.token(&bench.queries, &other).await;
            let token = changes.iter().fold(valid.clone(), |token, change| changed(token, &of_the_other, change));
            let asked = bench.ask(query, token.clone()).await;
            if token == valid {
                prop_assert_eq!(asked.unwrap().len(), 4);
            } else {
                let reason = asked.unwrap_err();
                prop_assert!(reason.contains("damaged") || reason.contains("of another query"), "{}", reason);
            }
            Ok(())
        })?;
    }

    /// Of ours are all that this and earlier versions made; also those that none of them should have made harm
    /// nobody.
    #[test]
    fn whatever_a_token_of_ours_says_the_query_is_answered(
        version in prop_oneof![3 => Just(1_u32), 1 => any::<u32>()],
        position in prop_oneof![3 => 0..9_u64, 1 => any::<u64>()],
        pinned_head in prop::option::of(prop_oneof![3 => 0..9_u64, 1 => any::<u64>()]),
        other_query in prop::option::weighted(0.2, vec(any::<u8>(), 0..40)),
        descending in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new().await;
            let [up, down] = in_both_orders();
            let query = if descending { down } else { up };
            let digest = query_digest(&query, &INSTALLATION).to_vec();
            let good = version == 1 && position <= 7 && other_query.is_none();
            let query_of = other_query.unwrap_or(digest);
            let token = bench.sign(&ResumeToken { version, query: query_of, position, pinned_head });
            match bench.ask(query, token).await {
                Ok(found) => {
                    prop_assert!(good);
                    let head = pinned_head.unwrap_or(6).min(6);
                    let expected: Vec<u64> = if descending {
                        (1..position.min(head + 1)).rev().collect()
                    } else {
                        (position + 1..=head).collect()
                    };
                    prop_assert_eq!(found, expected);
                }
                Err(_) => prop_assert!(!good),
            }
            Ok(())
        })?;
    }
}
