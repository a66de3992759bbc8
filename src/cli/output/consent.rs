//! Asking a person at the terminal.

use std::io;

use console::Term;

use crate::domain::secret::Secret;

/// Asks a question to be answered with yes or no; anything but `y` or `yes` is a no.
///
/// # Errors
///
/// If the terminal cannot be read.
pub fn confirm(question: &str) -> io::Result<bool> {
    let term = Term::stderr();
    term.write_str(&format!("{question} [y/N] "))?;
    let answer = term.read_line()?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Asks for a secret, which is not shown while it is typed.
///
/// # Errors
///
/// If the terminal cannot be read.
pub fn password(question: &str) -> io::Result<Secret> {
    let term = Term::stderr();
    term.write_str(&format!("{question}: "))?;
    Ok(Secret::new(term.read_secure_line()?))
}
