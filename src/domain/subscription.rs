//! Named subscriptions: a filter with a position that the server keeps.

use super::{
    filter::EventFilter,
    id::{NAME_SHAPE, TenantId, is_name},
    limits::INDEXED_BYTES,
    time::Timestamp,
    violation::Violations,
};

/// A subscription and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The log.
    pub tenant: TenantId,
    /// Unique within its tenant; see [`check_name`].
    pub name: String,
    /// Which events. Never changed: a position has a meaning only together with its filter.
    pub filter: EventFilter,
    /// Deliver national ids too.
    pub show_personal: bool,
    /// When it was created.
    pub created: Timestamp,
    /// Every event up to here is acknowledged, or does not match.
    pub acknowledged_sequence: u64,
    /// When the position last moved; `None` if it never did.
    pub acknowledged: Option<Timestamp>,
    /// Who holds it now; `None` if nobody does, or the lease has ended.
    pub consumer: Option<Consumer>,
}

/// The present consumer of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// What it calls itself; may be empty.
    pub name: String,
    /// When its lease ends unless it is renewed, by the database's clock.
    pub lease_until: Timestamp,
}

/// Checks the name of a subscription; `field` is its path in the request.
pub fn check_name(name: &str, field: &str) -> Result<(), Violations> {
    if is_name(name) {
        return Ok(());
    }
    Err(Violations::one(field, format!("not the name of a subscription; give {NAME_SHAPE}")))
}

/// Checks what a consumer calls itself; `field` is its path in the request.
pub fn check_consumer(name: &str, field: &str) -> Result<(), Violations> {
    if name.len() <= INDEXED_BYTES {
        return Ok(());
    }
    Err(Violations::one(field, format!("{} bytes; at most {INDEXED_BYTES}", name.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_shape_of_the_contract() {
        for good in ["a", "siem", "9-to_5", &"a".repeat(63)] {
            assert!(check_name(good, "name").is_ok(), "{good}");
        }
        for bad in ["", "-a", "_a", "A", "a b", "å", &"a".repeat(64)] {
            let wrong = check_name(bad, "subscription.name").unwrap_err();
            assert_eq!(wrong.iter().next().unwrap().field, "subscription.name", "{bad}");
        }
    }

    #[test]
    fn a_consumer_calls_itself_something_short() {
        assert!(check_consumer("", "start.consumer").is_ok());
        assert!(check_consumer(&"x".repeat(512), "start.consumer").is_ok());
        assert!(check_consumer(&"x".repeat(513), "start.consumer").is_err());
    }
}
