//! What may be answered, and what must be there in the end.

use std::collections::HashMap;

use vidne::{
    domain::id::EventId,
    domain::receipt::Stamp,
    store::contract::{AppendOutcome, StoredEvent},
};

use super::plan::Spec;
use crate::store::sample::id;

/// One answer, and between which moments it was given.
#[derive(Debug)]
pub struct Answered {
    pub spec: Spec,
    pub outcome: AppendOutcome,
    pub began: u64,
    pub ended: u64,
    /// After how many attempts; before the last the answer may have been lost.
    pub attempt: usize,
}

/// A turn of the switch, between two moments.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    pub began: u64,
    pub ended: u64,
    pub on: bool,
}

/// Holds one log and all answers about it against each other. `closed`: between which moments it was closed.
pub fn check<'a>(
    log: &str,
    kept: &[StoredEvent],
    answered: impl Iterator<Item = &'a Answered>,
    turns: &[Change],
    closed: Option<(u64, u64)>,
) -> Result<(), String> {
    let mut recorded = i64::MIN;
    for (place, event) in kept.iter().enumerate() {
        if event.sequence != place as u64 + 1 {
            return Err(format!("{log}: {} stands at place {}", event.sequence, place + 1));
        }
        if event.recorded.micros() < recorded {
            return Err(format!("{log}: time runs backwards at {}", event.sequence));
        }
        recorded = event.recorded.micros();
    }
    let mut by_id: HashMap<EventId, Vec<&Answered>> = HashMap::new();
    let mut in_order = Vec::new();
    for answer in answered {
        by_id.entry(id(u128::from(answer.spec.id))).or_default().push(answer);
        if let AppendOutcome::Recorded(stamp) = &answer.outcome {
            in_order.push((answer, *stamp));
        }
    }
    real_time(log, &mut in_order)?;
    let mut placed = 0;
    for (id, answers) in by_id {
        placed += usize::from(one_id(log, id, kept, &answers, turns, closed)?);
    }
    if placed != kept.len() {
        return Err(format!("{log}: {} events, {placed} of them known to their writers", kept.len()));
    }
    Ok(())
}

/// What was answered before something else was begun stands before it.
fn real_time(log: &str, in_order: &mut [(&Answered, Stamp)]) -> Result<(), String> {
    in_order.sort_by_key(|(_, stamp)| stamp.sequence);
    let mut latest_beginning = 0;
    for (answer, stamp) in in_order {
        if answer.ended < latest_beginning {
            return Err(format!(
                "{log}: {} was answered before one that stands before it began",
                stamp.sequence
            ));
        }
        // An event of many attempts may have got its place in any of them.
        if answer.attempt == 1 {
            latest_beginning = latest_beginning.max(answer.began);
        }
    }
    Ok(())
}

/// All answers about one id; whether it is in the log.
fn one_id(
    log: &str,
    id: EventId,
    kept: &[StoredEvent],
    answers: &[&Answered],
    turns: &[Change],
    closed: Option<(u64, u64)>,
) -> Result<bool, String> {
    let wrong = |what: &str| Err(format!("{log}, {id}: {what}: {answers:#?}"));
    let stamps: Vec<Stamp> = answers.iter().filter_map(|answer| stamp(&answer.outcome)).collect();
    let Some(stamp) = stamps.first() else {
        return match answers.iter().find(|answer| matches!(answer.outcome, AppendOutcome::IdReused)) {
            // The one who has it must have been told: every writer asks until it is answered.
            Some(_) => wrong("an id was refused as used, and nobody used it"),
            None => refusals(answers, None, turns, closed).map_or(Ok(false), wrong),
        };
    };
    if stamps.iter().any(|other| other != stamp) {
        return wrong("two places for one event");
    }
    let Some(event) = kept.get(stamp.sequence as usize - 1) else { return wrong("it is not in the log") };
    if (event.leaf_hash, event.recorded) != (stamp.leaf_hash, stamp.recorded) {
        return wrong("another event stands in its place");
    }
    let firsts = answers.iter().filter(|answer| matches!(answer.outcome, AppendOutcome::Recorded(_)));
    let lost = answers.iter().any(|answer| answer.attempt > 1);
    match (firsts.count(), lost) {
        (1, _) | (0, true) => {}
        _ => return wrong("not recorded exactly once"),
    }
    // The content that is in the log, and since when it certainly is.
    let other = contains(&event.payload, b"content 1 of");
    let since = answers.iter().filter(|answer| stamp_of(answer).is_some()).map(|answer| answer.ended).min();
    for answer in answers {
        match &answer.outcome {
            AppendOutcome::Recorded(_) | AppendOutcome::Duplicate(_) if answer.spec.other != other => {
                return wrong("accepted with other content");
            }
            AppendOutcome::IdReused if answer.spec.other == other => {
                return wrong("the same content was refused");
            }
            _ => {}
        }
    }
    refusals(answers, since, turns, closed).map_or(Ok(true), wrong)
}

/// What is wrong with the refusals, and with what was recorded although it should have been refused.
fn refusals(
    answers: &[&Answered],
    there_since: Option<u64>,
    turns: &[Change],
    closed: Option<(u64, u64)>,
) -> Option<&'static str> {
    for answer in answers {
        let known = there_since.is_some_and(|since| since < answer.began);
        let (may_be_on, may_be_off) = switch(answer, turns);
        let may_be_closed = closed.is_some_and(|(began, _)| began < answer.ended);
        let must_be_closed = closed.is_some_and(|(_, ended)| ended < answer.began);
        match answer.outcome {
            AppendOutcome::TenantClosed if known => return Some("known, and refused by a closed tenant"),
            AppendOutcome::NotRecorded if known => return Some("known, and not recorded"),
            AppendOutcome::Recorded(_) if known => return Some("recorded again"),
            AppendOutcome::TenantClosed if !may_be_closed => return Some("closed before its time"),
            AppendOutcome::NotRecorded if !(answer.spec.switched && may_be_off) => {
                return Some("not recorded while the switch was on");
            }
            AppendOutcome::Recorded(_) if must_be_closed => return Some("recorded by a closed tenant"),
            AppendOutcome::Recorded(_) if answer.spec.switched && !may_be_on => {
                return Some("recorded while the switch was off");
            }
            AppendOutcome::TenantNotFound => return Some("the tenant is there"),
            _ => {}
        }
    }
    None
}

/// Whether the switch may have been on, and off, at some moment of an answer.
fn switch(answer: &Answered, turns: &[Change]) -> (bool, bool) {
    // What was certainly in force when it began; then everything that came into force until it ended.
    let before = turns.iter().rev().find(|turn| turn.ended < answer.began).is_none_or(|turn| turn.on);
    let during = turns.iter().filter(|turn| turn.ended >= answer.began && turn.began <= answer.ended);
    let mut states = vec![before];
    states.extend(during.map(|turn| turn.on));
    (states.contains(&true), states.contains(&false))
}

fn stamp_of(answer: &&&Answered) -> Option<Stamp> {
    stamp(&answer.outcome)
}

fn stamp(outcome: &AppendOutcome) -> Option<Stamp> {
    match outcome {
        AppendOutcome::Recorded(stamp) | AppendOutcome::Duplicate(stamp) => Some(*stamp),
        _ => None,
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
