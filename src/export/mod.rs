//! Formats, cutting files, the publish protocol, destinations.

pub mod error;
pub mod sftp;

pub use error::ExportError;
