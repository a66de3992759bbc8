//! Formats, cutting files, the publish protocol, destinations.

pub mod destination;
pub mod error;
pub mod format;
pub mod host_key;
pub mod sftp;

pub use error::ExportError;
