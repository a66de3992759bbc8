//! Every step of the conversation with an SFTP server goes wrong once, in every way it can, in an ordinary run and in one
//! that finishes what another left.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{StreamExt, stream};
use tokio::time::timeout;

use super::place::{Outcome, Place, outcome};
use crate::support::{
    effort::{random, rounds},
    scripted::{
        Fault::{self, *},
        Moment::{After, Before},
        Nature, Step,
    },
};

/// Long enough for a busy machine; nothing here waits for it to be over.
const PATIENCE: Duration = Duration::from_secs(120);
/// For answers that never come.
const IMPATIENCE: Duration = Duration::from_millis(700);
/// Longer than any case takes, also on a machine that has much else to do: a case that hangs does so for ever.
const CASE: Duration = Duration::from_secs(600);
const AT_ONCE: usize = 6;

/// What an earlier run has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    /// A file that is cut, and some of it under its temporary name.
    Part,
    /// A file that is uploaded.
    Uploaded,
    /// A file whose rename happened, which nobody was told.
    Renamed,
    /// A file under both names.
    BothNames,
    /// A file that was uploaded, and damaged by the server after that.
    Damaged,
}

impl Left {
    /// Where an ordinary run is stopped, and how.
    fn stop(self, ordinary: &[Step]) -> Option<(usize, Fault)> {
        let (step, number, fault) = match self {
            Self::Nothing => return None,
            Self::Part => ("write", 1, Down(Before)),
            Self::Renamed => ("rename", 0, Down(After)),
            Self::Uploaded | Self::BothNames | Self::Damaged => ("rename", 0, Down(Before)),
        };
        Some((find(ordinary, step, number), fault))
    }

    async fn leave(self, stop: Option<(usize, Fault)>, place: &Place) {
        let Some((at, fault)) = stop else { return };
        let trap = place.sftp.script.set(at, fault);
        place.run().await.unwrap_err();
        assert!(trap.hit.is_cancelled());
        place.sftp.script.up();
        let file = place.pending().await.unwrap();
        let (part, name) = (place.bed.folder().join(file.part_path()), place.bed.folder().join(&file.name));
        match self {
            Self::BothNames => fs::hard_link(part, name).unwrap(),
            Self::Damaged => fs::write(part, vec![0; file.size_bytes as usize]).unwrap(),
            _ => {}
        }
    }
}

fn find(steps: &[Step], step: Step, number: usize) -> usize {
    let found = steps.iter().enumerate().filter(|(_, name)| **name == step).nth(number);
    found.unwrap_or_else(|| panic!("{step} happens less often in {steps:?}")).0
}

/// The steps of a run where nothing goes wrong.
async fn dry(nature: Nature, left: Left, stop: Option<(usize, Fault)>) -> Vec<Step> {
    let place = Place::new(nature, PATIENCE).await;
    left.leave(stop, &place).await;
    place.sftp.script.listen();
    place.run().await.unwrap();
    let steps = place.sftp.script.steps();
    place.check().await;
    steps
}

/// Everything that may go wrong at a step.
fn faults(step: Step, nature: Nature) -> Vec<Fault> {
    match step {
        "connect" => vec![Cut(Before), Down(Before)],
        "login" | "channel" | "subsystem" => vec![Refuse, Cut(Before), Down(Before)],
        "init" => vec![Cut(Before), Cut(After), Down(After)],
        _ => {
            let mut faults = vec![
                Cut(Before),
                Cut(After),
                Down(Before),
                Down(After),
                Answer(Before, 4),
                Answer(Before, 11),
            ];
            faults.extend(match step {
                "write" => vec![ShortWrite, DiskFull, Answer(After, 4)],
                "rename" => vec![Answer(After, 4), Answer(After, 11)],
                "close" | "remove" | "fsync" | "open" => vec![Answer(After, 4)],
                _ => vec![],
            });
            // Nobody can know that the second name was there once.
            if step == "rename" && !nature.consumer {
                faults.push(BothNames);
            }
            faults
        }
    }
}

/// How a run may end at the first fault.
fn allowed(step: Step, fault: Fault) -> &'static [Outcome] {
    match fault {
        Refuse if step == "login" => &[Outcome::Lasting],
        Refuse => &[Outcome::Lasting, Outcome::Passing],
        ShortWrite | DiskFull => &[Outcome::Passing],
        _ => &[Outcome::Well, Outcome::Passing],
    }
}

#[derive(Clone, Copy, Debug)]
struct Case {
    nature: Nature,
    left: Left,
    /// Where the earlier run was stopped.
    stop: Option<(usize, Fault)>,
    at: usize,
    step: Step,
    fault: Fault,
}

async fn harm(case: Case) {
    let patience = if case.fault == Silence { IMPATIENCE } else { PATIENCE };
    let place = Place::new(case.nature, patience).await;
    case.left.leave(case.stop, &place).await;
    let before = place.bed.delivered();
    let trap = place.sftp.script.set(case.at, case.fault);
    let ended = place.run().await;
    let steps = place.sftp.script.steps();
    assert!(trap.hit.is_cancelled(), "the step was not reached: {steps:?} {ended:?}");
    assert_eq!(steps[case.at], case.step, "{steps:?}");
    assert!(allowed(case.step, case.fault).contains(&outcome(&ended)), "it ended with {ended:?}");
    place.sftp.script.up();
    place.sftp.script.listen();
    place.run().await.expect("the next run, where nothing goes wrong");
    assert!(place.pending().await.is_none());
    assert_eq!(place.run().await.unwrap().files, 0, "the same events again");
    for (name, bytes) in before {
        assert_eq!(place.bed.delivered().get(&name), Some(&bytes), "{name} was changed or replaced");
    }
    place.check().await;
}

/// In a short run one of so many cases, others each time, besides the ones that nothing else finds.
fn some(cases: Vec<Case>, one_of: u32) -> Vec<Case> {
    let one_of = rounds(one_of, 1) as usize;
    let first = random("a fault at a step of SFTP").below(one_of as u64) as usize;
    let always =
        |case: &Case| case.left == Left::Nothing && (case.step == "rename" || case.fault == ShortWrite);
    let chosen = |(number, case): &(usize, Case)| number % one_of == first || always(case);
    cases.into_iter().enumerate().filter(chosen).map(|(_, case)| case).collect()
}

/// Runs every case, some at once, and fails with all that failed.
async fn all(cases: Vec<Case>) {
    let (count, failed) = (cases.len(), Arc::new(Mutex::new(Vec::new())));
    stream::iter(cases)
        .for_each_concurrent(AT_ONCE, |case| {
            let failed = failed.clone();
            async move {
                // A task of its own, so that its panic is its own.
                let harmed = tokio::spawn(timeout(CASE, harm(case))).await;
                if !matches!(harmed, Ok(Ok(()))) {
                    failed.lock().unwrap().push(format!("{case:?}: {harmed:?}"));
                }
            }
        })
        .await;
    let failed = failed.lock().unwrap();
    assert!(failed.is_empty(), "{} of {count} failed:\n{}", failed.len(), failed.join("\n"));
    eprintln!("{count} faults");
}

async fn cases(nature: Nature, left: Left) -> Vec<Case> {
    let ordinary = dry(nature, Left::Nothing, None).await;
    let stop = left.stop(&ordinary);
    let steps = if left == Left::Nothing { ordinary } else { dry(nature, left, stop).await };
    let at_each = |(at, step): (usize, &Step)| {
        let step = *step;
        faults(step, nature).into_iter().map(move |fault| Case { nature, left, stop, at, step, fault })
    };
    let cases = steps.iter().enumerate().flat_map(at_each);
    cases.collect()
}

const CONSUMER: Nature = Nature {
    extensions: true,
    write_bytes: 2_048,
    consumer: true,
    rename_replaces: false,
    code_11: false,
    setstat: true,
};

/// All natures of servers in long runs, the first ones otherwise.
fn natures() -> Vec<Nature> {
    let plain = Nature { consumer: false, ..CONSUMER };
    let all = [
        plain,
        CONSUMER,
        Nature { extensions: false, ..plain },
        Nature { rename_replaces: true, ..plain },
        Nature { code_11: true, ..CONSUMER },
    ];
    all[..rounds(2, 5) as usize].to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_whatever_goes_wrong_at_any_step_of_sftp_costs_nothing() {
    for nature in natures() {
        let cases = cases(nature, Left::Nothing).await;
        assert!(cases.len() > 100, "{}", cases.len());
        all(some(cases, 12)).await;
    }
}

/// A run that finishes what another left goes wrong at every step.
async fn finished(left: Left) {
    for nature in natures() {
        if nature.consumer && left == Left::BothNames {
            continue;
        }
        all(some(cases(nature, left).await, 24)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_whatever_goes_wrong_while_a_run_finishes_what_was_cut_costs_nothing() {
    finished(Left::Part).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_whatever_goes_wrong_while_a_run_finishes_what_was_uploaded_costs_nothing() {
    finished(Left::Uploaded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_whatever_goes_wrong_while_a_run_finishes_what_was_renamed_costs_nothing() {
    finished(Left::Renamed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_whatever_goes_wrong_while_a_run_finishes_what_has_both_names_costs_nothing() {
    finished(Left::BothNames).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_whatever_goes_wrong_while_a_run_finishes_what_was_damaged_costs_nothing() {
    finished(Left::Damaged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_a_server_that_never_answers_costs_nothing() {
    let silent = |case: &Case| !["connect", "channel", "subsystem", "login"].contains(&case.step);
    let mut cases = cases(CONSUMER, Left::Nothing).await;
    cases.retain(silent);
    cases.dedup_by_key(|case| case.at);
    all(some(cases.into_iter().map(|case| Case { fault: Silence, ..case }).collect(), 4)).await;
}
