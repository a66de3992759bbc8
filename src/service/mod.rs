//! The use cases: record, query, manage tenants and export jobs.

pub mod error;

pub use error::ServiceError;
