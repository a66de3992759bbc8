//! What a reader must have got.

use vidne::domain::query::{EndReason, Order};

use super::plan::{Begin, ReaderPlan, Spec};

/// What a reader got, all calls together.
#[derive(Debug, Default)]
pub struct Story {
    /// Sequences, and whether the event came with its personal field.
    pub received: Vec<(u64, bool)>,
    pub claims: Vec<Claim>,
    /// After which position it began, ascending, at least and at most.
    pub began_at: (u64, u64),
    /// Where the head was that its last call pinned, at least and at most.
    pub pinned: Option<(u64, u64)>,
    /// Each time that a call came to the head that it pinned: where that was, at least and at most, and how many
    /// events it had then.
    pub exhausted: Vec<((u64, u64), usize)>,
    /// Why its last call ended, and whether that one followed.
    pub ended: Option<(EndReason, bool)>,
}

/// A message told that everything up to a position (from it, descending) was delivered.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    pub position: u64,
    /// How many events it had then.
    pub had: usize,
}

/// Holds a reader's story against the log: `log[n - 1]` is what is in event n.
pub fn check(plan: &ReaderPlan, story: &Story, log: &[Spec]) -> Result<(), String> {
    let wanted = |&sequence: &u64| plan.wanted.wants(sequence, log[sequence as usize - 1]);
    let matching: Vec<u64> = (1..=log.len() as u64).filter(wanted).collect();
    let received: Vec<u64> = story.received.iter().map(|&(sequence, _)| sequence).collect();
    check_content(plan, story, log)?;
    let outcome = match plan.order {
        Order::Ascending => check_ascending(plan, story, &matching, &received),
        Order::Descending => check_descending(plan, story, &matching, &received),
    };
    outcome.map_err(|wrong| format!("{wrong}; of {matching:?} it got {received:?}: {plan:?}, {story:?}"))
}

fn check_content(plan: &ReaderPlan, story: &Story, log: &[Spec]) -> Result<(), String> {
    for &(sequence, personal) in &story.received {
        let Some(spec) = log.get((sequence as usize).wrapping_sub(1)) else {
            return Err(format!("event {sequence} is not in the log"));
        };
        if personal != (plan.personal && spec.subject > 0) {
            return Err(format!("event {sequence} came with the wrong personal field: {personal}"));
        }
    }
    Ok(())
}

/// How many of `matching` are at most `position`.
fn up_to(matching: &[u64], position: u64) -> usize {
    matching.partition_point(|&sequence| sequence <= position)
}

fn check_ascending(
    plan: &ReaderPlan,
    story: &Story,
    matching: &[u64],
    received: &[u64],
) -> Result<(), String> {
    // The head it began at is known roughly only.
    let begins = match plan.start {
        Begin::Beginning => (0, 0),
        Begin::After(_) | Begin::Now => story.began_at,
    };
    let (earliest, latest) = (up_to(matching, begins.0), up_to(matching, begins.1));
    let begin = match received.first() {
        Some(first) => up_to(matching, first - 1),
        None => latest,
    };
    if !(earliest..=latest).contains(&begin) {
        return Err(format!("it begins at the wrong one, {begin}"));
    }
    if !matching[begin..].starts_with(received) {
        return Err("one is missing, twice there, wrong or out of order".to_owned());
    }
    for claim in &story.claims {
        if begin + claim.had < up_to(matching, claim.position) {
            return Err(format!("{claim:?} is ahead of what was delivered"));
        }
    }
    for &((at_least, at_most), had) in &story.exhausted {
        let end = begin + had;
        if end < up_to(matching, at_least) {
            return Err("it ended before the head that was pinned".to_owned());
        }
        if end > up_to(matching, at_most).max(begin) {
            return Err("it went beyond the head that was pinned".to_owned());
        }
    }
    match story.ended {
        Some((EndReason::TenantClosed | EndReason::Exhausted, true))
            if begin + received.len() < matching.len() =>
        {
            Err("it ended too early".to_owned())
        }
        Some((EndReason::TenantClosed, true) | (EndReason::Exhausted, _)) => Ok(()),
        other => Err(format!("it ended with {other:?}")),
    }
}

fn check_descending(
    plan: &ReaderPlan,
    story: &Story,
    matching: &[u64],
    received: &[u64],
) -> Result<(), String> {
    let Some((at_least, at_most)) = story.pinned else { return Err("nothing is pinned".to_owned()) };
    let before = match plan.start {
        Begin::After(position) => position.saturating_sub(1),
        Begin::Beginning | Begin::Now => u64::MAX,
    };
    let (earliest, latest) = (up_to(matching, at_least.min(before)), up_to(matching, at_most.min(before)));
    let begin = received.len();
    if !(earliest..=latest).contains(&begin) {
        return Err(format!("there are {begin} and should be {earliest} to {latest}"));
    }
    if !received.iter().rev().eq(&matching[..begin]) {
        return Err("one is missing, twice there, wrong or out of order".to_owned());
    }
    for claim in &story.claims {
        if claim.had < begin.saturating_sub(up_to(matching, claim.position.saturating_sub(1))) {
            return Err(format!("{claim:?} is ahead of what was delivered"));
        }
    }
    match story.ended {
        Some((EndReason::Exhausted, false)) => Ok(()),
        other => Err(format!("it ended with {other:?}")),
    }
}
