//! A progress bar on standard error, where somebody looks at it. It keeps to one row, however narrow the terminal: what
//! needs more is cut there, since rows that wrap cannot be drawn over in place by every terminal.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Beside it there is room for "1,234,567 of 5,000,000" on 40 columns.
const BAR: &str = "{bar:10} {percent:>3}%  {wide_msg}";

/// A bar for `bytes` of input, or a spinner if the size is not known. Invisible if standard error is no terminal.
pub fn bytes(bytes: Option<u64>) -> ProgressBar {
    let bar = bar(bytes);
    let template = match bytes {
        Some(_) => "{bar:10} {percent:>3}%  {bytes}  {wide_msg}",
        None => "{spinner} {bytes}  {wide_msg}",
    };
    styled(bar, template)
}

/// A spinner that [`looked_at`] makes a bar for positions of a log.
pub fn positions() -> ProgressBar {
    spinner("counting")
}

/// So many positions of `all` have been looked at.
pub fn looked_at(bar: &ProgressBar, positions: u64, all: u64) {
    come(bar, positions, all, "events looked at");
}

/// So many positions of `all` have been exported, and what is being done.
pub fn exported(bar: &ProgressBar, positions: u64, all: u64, doing: &str) {
    come(bar, positions, all, doing);
}

/// Makes it a bar that has come so far.
fn come(bar: &ProgressBar, positions: u64, all: u64, words: &str) {
    if let Ok(style) = ProgressStyle::with_template(BAR) {
        bar.set_style(style);
    }
    if bar.length() != Some(all) {
        bar.set_length(all);
    }
    // The message last: it is what draws, so bar and numbers are never of two moments.
    bar.set_position(positions);
    bar.set_message(format!("{} of {} {words}", HumanCount(positions), HumanCount(all)));
}

/// A spinner with a message.
pub fn spinner(message: &str) -> ProgressBar {
    let bar = styled(bar(None), "{spinner} {wide_msg}");
    bar.set_message(message.to_owned());
    bar
}

fn bar(length: Option<u64>) -> ProgressBar {
    let seen = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    let target = if seen { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(length, target);
    if seen {
        bar.enable_steady_tick(Duration::from_millis(120));
    }
    bar
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    // A template that does not parse would only cost the looks.
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
