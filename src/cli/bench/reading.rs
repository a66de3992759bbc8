//! The report of `vidne bench query`, for people and for README.

use crate::{
    bench::{Page, Read, Reading, StoreReading},
    cli::output::{escape::escape, style::Style, table},
};

use super::render::{self, thousands};

const READS: [&str; 6] = ["read to the end", "events/s", "MB/s", "events", "first ms", "of the limit"];
const PAGES: [&str; 3] = ["first page", "p50 ms", "p99 ms"];

/// Its lines on a terminal.
pub(super) fn lines(report: &Reading, width: u16, style: Style) -> Vec<String> {
    let mut lines = vec![escape(&render::machine(&report.machine)).to_string()];
    for store in &report.stores {
        lines.push(String::new());
        lines.push(style.bold(&escape(&heading(store))));
        let mut reads = table::new(&READS, width, style);
        store.reads.iter().for_each(|read| table::row(&mut reads, read_cells(read)));
        lines.extend(table::lines(&reads));
        let mut pages = table::new(&PAGES, width, style);
        store.pages.iter().for_each(|page| table::row(&mut pages, page_cells(page)));
        lines.extend(table::lines(&pages));
        lines.push(escape(&limit(store)).to_string());
        lines.extend(memory(store));
        lines.extend(render::goals(&store.goals, style));
    }
    lines
}

/// Its lines as Markdown.
pub(super) fn markdown(report: &Reading) -> Vec<String> {
    let mut lines = vec![format!("Measured on: {}.", render::machine(&report.machine))];
    for store in &report.stores {
        lines.extend([String::new(), format!("**{}**", heading(store)), String::new()]);
        lines.extend([row(&READS), "|---|---:|---:|---:|---:|---:|".to_owned()]);
        lines.extend(store.reads.iter().map(|read| row(&read_cells(read))));
        lines.extend([String::new(), row(&PAGES), "|---|---:|---:|".to_owned()]);
        lines.extend(store.pages.iter().map(|page| row(&page_cells(page))));
        lines.push(String::new());
        lines.push(format!("- {}", limit(store)));
        lines.extend(memory(store).map(|line| format!("- {line}")));
        lines.extend(store.goals.iter().map(|goal| {
            let word = if goal.met { "met" } else { "**short**" };
            format!("- {word}: {}", render::goal(goal))
        }));
    }
    lines
}

fn heading(store: &StoreReading) -> String {
    format!("{} ({}), {} events", store.version, store.settings, thousands(store.events as f64))
}

fn limit(store: &StoreReading) -> String {
    format!("the limit: {}", store.limit)
}

fn memory(store: &StoreReading) -> Option<String> {
    let (idle, scan, peak) = (store.idle_memory_mib?, store.scan_memory_mib?, store.peak_memory_mib?);
    Some(format!(
        "the server's memory: {idle} MiB before, {scan} MiB at its highest up to the end of the first full scan, {peak} \
         MiB at its highest"
    ))
}

fn read_cells(read: &Read) -> [String; 6] {
    [
        read.case.clone(),
        thousands(read.events_per_second),
        format!("{:.1}", read.megabytes_per_second),
        thousands(read.events as f64),
        format!("{:.1}", read.first_ms),
        format!("{:.2}", read.ratio),
    ]
}

fn page_cells(page: &Page) -> [String; 3] {
    [page.case.clone(), format!("{:.2}", page.p50_ms), format!("{:.2}", page.p99_ms)]
}

fn row<T: AsRef<str>>(cells: &[T]) -> String {
    let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
    format!("| {} |", cells.join(" | "))
}
