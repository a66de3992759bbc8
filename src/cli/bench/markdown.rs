//! The report for README.

use crate::bench::Report;

use super::render::{cells, goal, heading, machine};

/// Its lines.
pub fn lines(report: &Report) -> Vec<String> {
    let mut lines = vec![format!("Measured on: {}.", machine(&report.machine))];
    for store in &report.stores {
        lines.push(String::new());
        lines.push(format!("**{}**", heading(store)));
        lines.push(String::new());
        lines.push("| case | events/s | p50 ms | p99 ms |".to_owned());
        lines.push("|---|---:|---:|---:|".to_owned());
        for figures in &store.cases {
            let [case, rate, p50, p99, _] = cells(figures);
            lines.push(format!("| {case} | {rate} | {p50} | {p99} |"));
        }
        for figures in &store.limits {
            let [case, rate, p50, p99, _] = cells(figures);
            lines.push(format!("| *{case}* | {rate} | {p50} | {p99} |"));
        }
        lines.push(String::new());
        for goal in &store.goals {
            let word = if goal.met { "met" } else { "**short**" };
            lines.push(format!("- {word}: {}", self::goal(goal)));
        }
        if let Some(memory) = store.server_peak_memory_mib {
            lines.push(format!("- the server's memory at its highest: {memory} MiB"));
        }
    }
    lines
}
