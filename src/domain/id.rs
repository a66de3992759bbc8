//! Typed ids.

use std::fmt;

use uuid::Uuid;

/// The id of an event: a UUID, the client's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Uuid);

impl EventId {
    /// A new version 7 id (RFC 9562): ordered by time.
    pub fn now_v7() -> Self {
        Self(Uuid::now_v7())
    }

    /// Reads any spelling of RFC 9562: hyphenated, simple, braced or URN, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }

    /// From the 16 bytes that a store keeps.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The 16 bytes that a store keeps.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The same id as the `uuid` crate's type.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for EventId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

/// Lower-case hyphenated.
impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The shape of tenant ids and of names of export jobs and subscriptions, for messages.
pub const NAME_SHAPE: &str = "1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit";

/// The id of a tenant: `[a-z0-9][a-z0-9_-]{0,62}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(String);

impl TenantId {
    /// The tenant that always exists.
    pub const DEFAULT: &str = "default";

    /// Reads an id; `None` if it has not the shape.
    pub fn parse(text: &str) -> Option<Self> {
        is_name(text).then(|| Self(text.to_owned()))
    }

    /// The tenant `default`.
    pub fn default_tenant() -> Self {
        Self(Self::DEFAULT.to_owned())
    }

    /// Whether this is `default`.
    pub fn is_default(&self) -> bool {
        self.0 == Self::DEFAULT
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` has [`NAME_SHAPE`].
pub fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!(bytes.first(), Some(b'a'..=b'z' | b'0'..=b'9'))
        && bytes.len() <= 63
        && bytes.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_ids_are_read_in_every_spelling_and_printed_in_one() {
        let canonical = "01890a5d-ac96-774b-bcce-b302099a8057";
        for text in [
            canonical,
            "01890A5DAC96774BBCCEB302099A8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
            "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
        ] {
            assert_eq!(EventId::parse(text).unwrap().to_string(), canonical);
        }
        assert_eq!(EventId::parse("4711"), None);
    }

    #[test]
    fn tenant_ids_have_one_shape() {
        for good in ["default", "a", "9-lives", "kommune_0101"] {
            assert!(TenantId::parse(good).is_some(), "{good}");
        }
        for bad in ["", "Default", "-a", "a b", "å", &"a".repeat(64)] {
            assert!(TenantId::parse(bad).is_none(), "{bad}");
        }
    }
}
