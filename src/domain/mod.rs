//! Plain data and pure rules: events, their catalogue, ids, filters, validation, tenants, export jobs.

pub mod secret;
