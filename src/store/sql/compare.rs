//! Appending to one log as this server left it: what is common to the databases that can.

use super::{
    decide::{Decision, decide},
    log::Log,
};
use crate::{
    domain::{id::TenantId, time::Timestamp},
    store::contract::{AppendOutcome, Head, NewEvent},
};

/// What became of the attempt.
pub(super) enum Compared {
    /// All is committed; the log as it is now.
    Appended(Vec<AppendOutcome>, Log),
    /// Nothing is, as far as is known: take the other way.
    Unexpected,
}

/// What is to be done if the log is as it was left and no event is there yet; `None` if that does not decide about
/// all of them: one that would not be kept may be there all the same, and is then a duplicate.
pub(super) fn if_as_left(
    tenant: &TenantId,
    log: &Log,
    events: &[NewEvent],
    now: Timestamp,
) -> Option<(Decision, Head)> {
    let decision = decide([(tenant.clone(), log.clone())].into(), Default::default(), events, now);
    let new = |outcome: &AppendOutcome| matches!(outcome, AppendOutcome::Recorded(_));
    let head = *decision.heads.get(&log.key)?;
    decision.outcomes.iter().all(new).then_some((decision, head))
}
