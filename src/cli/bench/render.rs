//! The report for people.

use crate::{
    bench::{Figures, Goal, Machine, Measure, Report, StoreReport},
    cli::output::{escape::escape, style::Style, table},
};

/// Its lines.
pub fn lines(report: &Report, width: u16, style: Style) -> Vec<String> {
    let mut lines = vec![escape(&machine(&report.machine)).to_string()];
    for store in &report.stores {
        lines.push(String::new());
        lines.push(style.bold(&escape(&heading(store))));
        let mut cases = table::new(&["case", "events/s", "p50 ms", "p99 ms", "events"], width, style);
        for figures in store.cases.iter().chain(&store.limits) {
            table::row(&mut cases, cells(figures));
        }
        lines.extend(table::lines(&cases));
        if let Some(memory) = store.server_peak_memory_mib {
            lines.push(format!("the server's memory at its highest: {memory} MiB"));
        }
        lines.extend(goals(&store.goals, style));
    }
    lines
}

/// Whether each goal is met.
pub(super) fn goals(goals: &[Goal], style: Style) -> impl Iterator<Item = String> {
    goals.iter().map(move |goal| {
        let word = if goal.met { style.green("met  ") } else { style.red("short") };
        format!("{word}  {}", escape(&self::goal(goal)))
    })
}

/// What it was measured on.
pub(super) fn machine(machine: &Machine) -> String {
    let build = if machine.release { "" } else { ", DEBUG BUILD" };
    format!(
        "vidne {}{build}; {} cores of {}, {} MiB of memory, {}; SQLite on {}",
        machine.vidne, machine.cores, machine.cpu, machine.memory_mib, machine.system, machine.file_system
    )
}

/// The store and how it is set.
pub(super) fn heading(store: &StoreReport) -> String {
    match store.settings.as_str() {
        "" => store.version.clone(),
        settings => format!("{} ({settings})", store.version),
    }
}

/// A goal in one line.
pub(super) fn goal(goal: &Goal) -> String {
    let side = match goal.measure {
        Measure::AtLeast => "at least",
        Measure::AtMost => "at most",
    };
    format!("{:.2}, {side} {} wanted: {}", goal.measured, goal.goal, goal.ratio)
}

/// A case in one row.
pub(super) fn cells(figures: &Figures) -> [String; 5] {
    [
        figures.case.clone(),
        thousands(figures.events_per_second),
        format!("{:.2}", figures.p50_ms),
        format!("{:.2}", figures.p99_ms),
        thousands(figures.events as f64),
    ]
}

/// A rate or count, rounded, with commas.
pub(super) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas() {
        for (number, text) in
            [(0.4, "0"), (999.6, "1,000"), (123_456.0, "123,456"), (1_234_567.0, "1,234,567")]
        {
            assert_eq!(thousands(number), text);
        }
    }
}
