//! What a subscriber weighs that waits.

use std::{fmt, time::Duration};

use tokio::time;

use super::followers::{Followers, Wants};
use crate::bench::{
    course::Budget,
    error::BenchError,
    goals::Goal,
    load::{Case, Load},
    server::BenchServer,
};

/// What the server may have resident for each, in KiB.
const GOAL_KIB: f64 = 30.0;
/// Subscribers that come first: what the server makes with the first few is not theirs.
const FIRST: usize = 10;
/// How long the server is left alone before it is weighed.
const REST: Duration = Duration::from_secs(1);

/// How many events there are to be read by those who begin with the first: some 1 MiB.
const LOG: u64 = 2_000;

/// How many wait, and on how many connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighing {
    subscribers: usize,
    connections: usize,
    wants: Wants,
}

/// `idle` of them that share connections; a fifth of them that have read the log before; and two fifths with a
/// connection for each, which takes a file on both sides.
pub(super) fn weighings(idle: usize) -> [Weighing; 3] {
    let own = (idle * 2 / 5).max(1);
    [
        Weighing { subscribers: idle, connections: 10, wants: Wants::Everything },
        Weighing { subscribers: (idle / 5).max(1), connections: 10, wants: Wants::TheLog },
        Weighing { subscribers: own, connections: own, wants: Wants::Everything },
    ]
}

impl fmt::Display for Weighing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subscribers, connections, wants } = self;
        let before = if *wants == Wants::TheLog { " that have read the log" } else { "" };
        write!(f, "KiB resident per idle subscriber, {subscribers}{before} on {connections} connections")
    }
}

/// Weighs a server that nobody has followed yet.
pub(super) async fn weigh(server: &BenchServer, weighing: Weighing) -> Result<Goal, BenchError> {
    let Weighing { subscribers, connections, wants } = weighing;
    let endpoint = server.endpoint();
    if wants == Wants::TheLog {
        let budget = Budget { time: Duration::from_secs(60), events: LOG };
        Load::new(&endpoint, "", budget).drive(Case::Batch(1_000), budget).await?;
    }
    let _first = Followers::start(&endpoint, FIRST, FIRST.min(connections), wants).await?;
    let before = at_rest(server).await?;
    let _followers = Followers::start_slowly(&endpoint, subscribers, connections, wants).await?;
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
