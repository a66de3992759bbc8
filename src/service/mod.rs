//! The use cases: record, query, manage tenants and export jobs.

pub mod declared;
pub mod error;
pub mod exports;
pub mod journal;
mod prepare;
pub mod query;
pub mod record;
pub mod subscriptions;
pub mod tenants;
pub mod token;
pub mod witness;

pub use error::ServiceError;
