//! What can go wrong with an export.

/// An export's refusal or failure. Messages hold no secrets and no event content.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The server's host key is not the pinned one, or none is pinned.
    #[error("{0}")]
    HostKey(String),
    /// The destination refused or failed for good; says what to do.
    #[error("{0}")]
    Destination(String, #[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    /// The destination could not be reached or gave up; try again.
    #[error("{0}")]
    Unavailable(String, #[source] Option<Box<dyn std::error::Error + Send + Sync>>),
}
