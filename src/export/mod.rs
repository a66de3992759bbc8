//! Formats, cutting files, the publish protocol, destinations.

pub mod sftp;
