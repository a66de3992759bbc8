//! Plain data and pure rules: events, their catalogue, ids, filters, validation, tenants, export jobs,
//! subscriptions.

pub mod catalogue;
pub mod declared;
pub mod delivery;
pub mod destination;
pub mod event;
pub mod export;
pub mod file_mode;
pub mod filter;
pub mod format;
pub mod heartbeat;
pub mod id;
pub mod input;
pub mod limits;
pub mod query;
pub mod receipt;
pub mod schedule;
pub mod secret;
pub mod selection;
pub mod shrink;
pub mod subscription;
pub mod summary;
pub mod tenant;
pub mod text;
pub mod time;
pub mod validate;
pub mod violation;
