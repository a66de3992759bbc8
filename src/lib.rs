//! vidne ("witness" in Danish) is an audit-event service: other services tell it over gRPC who did what
//! to whom; it keeps that durably, in order and provably unchanged; auditors and programs query and
//! follow it; export jobs put it as files into a SIEM's SFTP drop folder.

pub mod api;
pub mod app;
pub mod bench;
pub mod cli;
pub mod client;
pub mod codec;
pub mod config;
pub mod demo;
pub mod domain;
pub mod export;
pub mod jobs;
pub mod metrics;
pub mod service;
pub mod shutdown;
pub mod store;
pub mod telemetry;
pub mod vault;
