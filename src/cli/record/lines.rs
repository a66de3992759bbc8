//! Lines of bounded length.

use tokio::io::{self, AsyncBufRead, AsyncBufReadExt as _};

/// The longest line that is read. An event is at most 64 KiB; JSON needs more for escapes.
pub const LINE_BYTES: usize = 1024 * 1024;

/// One line of the input.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// Its text, without the line end.
    Text(String),
    /// It is longer than [`LINE_BYTES`].
    TooLong,
    /// It is not UTF-8.
    NotText,
}

/// Reads line after line and counts them.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    number: u64,
    bytes: u64,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// The lines of `input`.
    pub fn new(input: R) -> Self {
        Self { input, number: 0, bytes: 0 }
    }

    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line with its number, from 1; `None` at the end. A line that is too long is skipped, not kept.
    ///
    /// # Errors
    ///
    /// If the input cannot be read.
    pub async fn next(&mut self) -> io::Result<Option<(u64, Line)>> {
        let mut line = Vec::new();
        let (mut too_long, mut any) = (false, false);
        loop {
            let chunk = self.input.fill_buf().await?;
            if chunk.is_empty() {
                break;
            }
            any = true;
            let end = chunk.iter().position(|&byte| byte == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            too_long |= line.len() + part.len() > LINE_BYTES;
            if !too_long {
                line.extend_from_slice(part);
            }
            let used = end.map_or(chunk.len(), |end| end + 1);
            self.input.consume(used);
            self.bytes += used as u64;
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        self.number += 1;
        Ok(Some((self.number, if too_long { Line::TooLong } else { text(line) })))
    }
}

fn text(mut line: Vec<u8>) -> Line {
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_or(Line::NotText, Line::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_counted_and_bad_ones_do_not_stop_the_rest() {
        let mut input = b"one\r\n\n".to_vec();
        input.extend(std::iter::repeat_n(b'x', LINE_BYTES + 1));
        input.extend(b"\n\xff\nlast");
        let total = input.len() as u64;
        let mut lines = Lines::new(input.as_slice());
        let mut seen = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            seen.push(line);
        }
        let text = |text: &str| Line::Text(text.to_owned());
        assert_eq!(
            seen,
            [(1, text("one")), (2, text("")), (3, Line::TooLong), (4, Line::NotText), (5, text("last"))]
        );
        assert_eq!(lines.bytes(), total);
    }
}
