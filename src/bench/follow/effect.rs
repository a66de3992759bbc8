//! What subscribers cost those who write.

use std::time::Duration;

use super::followers::{Followers, Wants};
use crate::bench::{
    course::Budget,
    error::BenchError,
    figures::{Figures, Tally},
    goals::Goal,
    load::{Case, Load},
};

/// How many subscribers.
const SUBSCRIBERS: usize = 100;
/// How writers write.
const WRITING: Case = Case::Unary(256);
/// Each case is measured so often, in turn, so that what the machine does meanwhile harms all of them alike.
const ROUNDS: u32 = 4;
/// How much of the rate without subscribers is to be left with subscribers that get nothing.
const SHARE: f64 = 0.95;

/// Nobody follows, subscribers get nothing, subscribers get everything.
const CASES: [Option<Wants>; 3] = [None, Some(Wants::Nothing), Some(Wants::Everything)];

/// The rates of writers by case, and the goal.
pub(super) async fn measure(endpoint: &str, time: Duration) -> Result<([Figures; 3], Goal), BenchError> {
    let load = Load::new(endpoint, "", Budget { time: time / ROUNDS, events: u64::MAX });
    load.drive(WRITING, load.budget().warm_up()).await?;
    let mut sums: [(Tally, Duration); 3] = Default::default();
    for round in 0..ROUNDS as usize {
        for turn in 0..CASES.len() {
            // Each is the first one in its turn, and the last.
            let case = (round + turn) % CASES.len();
            let _followers = match CASES[case] {
                Some(wants) => Some(Followers::start(endpoint, SUBSCRIBERS, 10, wants).await?),
                None => None,
            };
            let (tally, elapsed) = load.drive(WRITING, load.budget()).await?;
            sums[case].0.join(tally);
            sums[case].1 += elapsed;
        }
    }
    let [none, nothing, everything] = sums;
    let figures =
        |(tally, elapsed): (Tally, Duration), who: &str| tally.figures(format!("{WRITING}, {who}"), elapsed);
    let none = figures(none, "no subscriber");
    let nothing = figures(nothing, &format!("{SUBSCRIBERS} that get nothing"));
    let everything = figures(everything, &format!("{SUBSCRIBERS} that get everything"));
    let goal = Goal::at_least(
        format!("{} / {}", nothing.case, none.case),
        (nothing.events_per_second, none.events_per_second),
        SHARE,
    );
    Ok(([none, nothing, everything], goal))
}
