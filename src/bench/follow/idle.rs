//! What a subscriber weighs that waits.

use std::{fmt, time::Duration};

use tokio::time;

use super::followers::{Followers, Wants};
use crate::bench::{error::BenchError, goals::Goal, server::BenchServer};

/// What the server may have resident for each, in KiB.
const GOAL_KIB: f64 = 30.0;
/// Subscribers that come first: what the server makes with the first few is not theirs.
const FIRST: usize = 10;
/// How long the server is left alone before it is weighed.
const REST: Duration = Duration::from_secs(1);

/// How many wait, and on how many connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighing {
    subscribers: usize,
    connections: usize,
}

/// Sharing connections; and one connection for each, of which there are fewer since each takes a file on both sides.
pub(super) const WEIGHINGS: [Weighing; 2] =
    [Weighing { subscribers: 1_000, connections: 10 }, Weighing { subscribers: 400, connections: 400 }];

impl fmt::Display for Weighing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subscribers, connections } = self;
        match subscribers {
            1_000 => write!(f, "KiB resident per idle subscriber, 1,000 on {connections} connections"),
            _ => write!(f, "KiB resident per idle subscriber, {subscribers} on {connections} connections"),
        }
    }
}

/// Weighs a server that has done nothing yet.
pub(super) async fn weigh(server: &BenchServer, weighing: Weighing) -> Result<Goal, BenchError> {
    let Weighing { subscribers, connections } = weighing;
    let endpoint = server.endpoint();
    let _first = Followers::start(&endpoint, FIRST, FIRST.min(connections), Wants::Times).await?;
    let before = at_rest(server).await?;
    let _followers = Followers::start(&endpoint, subscribers, connections, Wants::Times).await?;
    let after = at_rest(server).await?;
    let each = after.saturating_sub(before) as f64 / subscribers as f64;
    Ok(Goal::at_most(&weighing.to_string(), each, GOAL_KIB))
}

async fn at_rest(server: &BenchServer) -> Result<u64, BenchError> {
    time::sleep(REST).await;
    server
        .resident_kib()
        .ok_or_else(|| BenchError::NotServing("nothing: it has ended, or has no /proc".to_owned()))
}
