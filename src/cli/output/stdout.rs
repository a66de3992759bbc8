//! Standard output that may be closed at any time.

use std::io::{self, IsTerminal as _, Write as _};

use serde_json::Value as Json;

use super::escape::escape_json;

/// How much is collected before it is written.
const CHUNK: usize = 64 * 1024;

/// Collects output and writes it in chunks. What is not flushed is lost, so flush at the end.
#[derive(Debug)]
pub struct Stdout {
    buffer: Vec<u8>,
    terminal: bool,
}

impl Default for Stdout {
    fn default() -> Self {
        Self::new()
    }
}

impl Stdout {
    /// Standard output.
    pub fn new() -> Self {
        Self { buffer: Vec::new(), terminal: io::stdout().is_terminal() }
    }

    /// A line of text. It must be safe for a terminal: see [`super::escape::escape`].
    ///
    /// # Errors
    ///
    /// If the output is closed (`BrokenPipe`) or full.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        self.buffer.extend_from_slice(text.as_bytes());
        self.buffer.push(b'\n');
        self.flush_if_large()
    }

    /// Whether somebody looks at it.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Bytes as they are. If [`Stdout::is_terminal`], they must be safe for one.
    ///
    /// # Errors
    ///
    /// As [`Stdout::line`].
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(bytes);
        self.flush_if_large()
    }

    /// Bytes of JSON with their line feeds. For a terminal, what would steer it is escaped; elsewhere they stay as they
    /// are.
    ///
    /// # Errors
    ///
    /// As [`Stdout::line`].
    pub fn json_bytes(&mut self, json: &[u8]) -> io::Result<()> {
        match std::str::from_utf8(json) {
            Ok(text) if self.terminal => self.buffer.extend_from_slice(escape_json(text).as_bytes()),
            _ => self.buffer.extend_from_slice(json),
        }
        self.flush_if_large()
    }

    /// One JSON value on a line of its own.
    ///
    /// # Errors
    ///
    /// As [`Stdout::line`].
    pub fn json(&mut self, value: &Json) -> io::Result<()> {
        self.json_bytes(format!("{value}\n").as_bytes())
    }

    /// Writes what has been collected.
    ///
    /// # Errors
    ///
    /// As [`Stdout::line`].
    pub fn flush(&mut self) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(&self.buffer)?;
        self.buffer.clear();
        stdout.flush()
    }

    fn flush_if_large(&mut self) -> io::Result<()> {
        if self.buffer.len() >= CHUNK { self.flush() } else { Ok(()) }
    }
}

/// A line on standard error, for what is not the command's output. Must be safe for a terminal.
pub fn note(text: &str) {
    // Nobody reads it: nothing to do about that.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
