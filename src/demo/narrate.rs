//! Numbered steps, for a terminal and for a pipe.

use std::io;

use console::Term;

use crate::cli::{Stdout, Style, escape, table_width};

/// Tells what happens while it happens: every line is written at once.
pub struct Narrator {
    out: Stdout,
    style: Style,
    step: u32,
}

impl Narrator {
    /// On standard output.
    pub fn new(style: Style) -> Self {
        Self { out: Stdout::new(), style, step: 0 }
    }

    /// How it is painted.
    pub fn style(&self) -> Style {
        self.style
    }

    /// Whether somebody watches who likes to see things happen one after the other.
    pub fn is_watched(&self) -> bool {
        Term::stdout().is_term()
    }

    /// Characters of a line, 100 where it is not known.
    pub fn width(&self) -> usize {
        if self.is_watched() { table_width().into() } else { 120 }
    }

    /// The first line.
    pub fn title(&mut self, text: &str) -> io::Result<()> {
        self.line(&self.style.bold(text))
    }

    /// The next step.
    pub fn step(&mut self, text: &str) -> io::Result<()> {
        self.step += 1;
        let number = self.style.cyan(&format!("{}.", self.step));
        self.line("")?;
        self.line(&format!("{number} {}", self.style.bold(text)))
    }

    /// A line within a step. Must be safe for a terminal.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.line(format!("   {text}").trim_end())
    }

    /// Something that went as it should.
    pub fn good(&mut self, text: &str) -> io::Result<()> {
        let mark = self.style.green("ok");
        self.say(&format!("{mark} {text}"))
    }

    /// Text from outside, on one line, cut at the width.
    pub fn quote(&mut self, text: &str) -> io::Result<()> {
        let room = self.width().saturating_sub(8);
        let text = escape(text);
        let text = console::truncate_str(&text, room, "…").into_owned();
        self.say(&format!("  {}", self.style.dim(&text)))
    }

    /// A command to try, and what it does.
    pub fn command(&mut self, command: &str, what: &str) -> io::Result<()> {
        let command = format!("{command:<58}");
        self.line(format!("   {} {}", self.style.cyan(&command), self.style.dim(what)).trim_end())
    }

    /// A line as it is.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        self.out.line(text)?;
        self.out.flush()
    }
}
