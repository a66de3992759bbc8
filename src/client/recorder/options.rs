//! Bounds and policies of a recorder.

use std::time::Duration;

use crate::client::{
    batch::{BATCH_BYTES, BATCH_EVENTS},
    spool::SpoolOptions,
};

/// Sizes, pauses and policies of a [`super::Recorder`]. Pauses between attempts are those of the client's options.
#[derive(Clone, Debug)]
pub struct RecorderOptions {
    /// Events that may be unanswered in memory. While a spool is sent, as many again. Default 10,000.
    pub max_events: usize,
    /// Encoded bytes of events that may be unanswered in memory. What is being written to the connection is there a
    /// second time. While a spool is sent, as many again. Default 16 MiB.
    pub max_bytes: usize,
    /// The most events of one request. A server that takes fewer says so, and is believed. Default 1,000.
    pub request_events: usize,
    /// The most bytes of one request; the same holds. Default just below 4 MiB.
    pub request_bytes: usize,
    /// Requests that may be unanswered at once. Default 8.
    pub requests_in_flight: usize,
    /// How long an event may wait for others to share a request with. Default zero: what waits is sent.
    pub linger: Duration,
    /// How long the oldest request may be unanswered before the stream counts as broken. Default 30 s.
    pub answer_timeout: Duration,
    /// How strictly the order of a tenant's events is kept. Default [`Order::Strict`].
    pub order: Order,
    /// What happens while the server is away. Default [`Policy::Block`].
    pub policy: Policy,
    /// Give up an event after this many failures in a row; `None`: never. Not used with [`Policy::Spool`].
    /// Default `None`.
    pub max_failures: Option<u32>,
}

impl Default for RecorderOptions {
    fn default() -> Self {
        Self {
            max_events: 10_000,
            max_bytes: 16 * 1024 * 1024,
            request_events: BATCH_EVENTS,
            request_bytes: BATCH_BYTES,
            requests_in_flight: 8,
            linger: Duration::ZERO,
            answer_timeout: Duration::from_secs(30),
            order: Order::Strict,
            policy: Policy::Block,
            max_failures: None,
        }
    }
}

/// How strictly the order in which one tenant's events were handed over is kept in its log. Events name their tenant
/// by `tenant_id`; an empty one counts as a tenant of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Always: a tenant has one request under way at a time, and what failed for the moment goes before what came
    /// after it.
    #[default]
    Strict,
    /// Faster with one tenant: several of its requests are under way. A broken connection and a server that is killed
    /// change nothing; but if a server that is there fails a request for a moment, those under way behind it may be
    /// recorded before it is sent again.
    Pipelined,
}

/// What happens to new events while the server is away or slow and memory is full.
#[derive(Clone, Debug, Default)]
pub enum Policy {
    /// They wait for room: the caller is slowed down.
    #[default]
    Block,
    /// They are refused at once with [`super::RecorderError::Full`].
    Fail,
    /// While the server is away, events go to a file, and from there to the server when it is back, in their order.
    /// A server that is there but slow slows the caller down, as with `Block`.
    Spool(SpoolOptions),
}
