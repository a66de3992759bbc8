//! A progress bar on standard error, where somebody looks at it.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar for `bytes` of input, or a spinner if the size is not known. Invisible if standard error is no terminal.
pub fn bytes(bytes: Option<u64>) -> ProgressBar {
    let bar = bar(bytes);
    let template = match bytes {
        Some(_) => "{bar:30} {percent:>3}%  {bytes} of {total_bytes}  {msg}",
        None => "{spinner} {bytes}  {msg}",
    };
    styled(bar, template)
}

/// A spinner that [`looked_at`] makes a bar for positions of a log.
pub fn positions() -> ProgressBar {
    spinner("counting")
}

/// So many positions of `all` have been looked at.
pub fn looked_at(bar: &ProgressBar, positions: u64, all: u64) {
    let template = "{bar:30} {percent:>3}%  {human_pos} of {human_len} events looked at";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_length(all);
    bar.set_position(positions);
}

/// So many positions of `all` have been exported.
pub fn exported(bar: &ProgressBar, positions: u64, all: u64) {
    let template = "{bar:30} {percent:>3}%  {human_pos} of {human_len} events  {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_length(all);
    bar.set_position(positions);
}

/// A spinner with a message.
pub fn spinner(message: &str) -> ProgressBar {
    let bar = styled(bar(None), "{spinner} {msg}");
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
