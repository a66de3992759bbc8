//! Pages of lists.

use crate::{
    domain::violation::Violations,
    service::{ServiceError, token::Tokens},
};

const DEFAULT_SIZE: usize = 100;
const MAX_SIZE: usize = 1_000;

/// Which page of a list is asked for.
pub struct Page<'a> {
    tokens: &'a Tokens,
    list: String,
    /// The last key of the page before; `None`: the first page.
    pub after: Option<String>,
    size: usize,
}

impl<'a> Page<'a> {
    /// Reads `page_size` and `page_token` of a request for `list`.
    pub fn read(tokens: &'a Tokens, list: String, size: u32, token: &str) -> Result<Self, ServiceError> {
        let size = match usize::try_from(size).unwrap_or(usize::MAX) {
            0 => DEFAULT_SIZE,
            size if size <= MAX_SIZE => size,
            _ => {
                return Err(
                    Violations::one("page_size", format!("at most {MAX_SIZE}; 0: {DEFAULT_SIZE}")).into()
                );
            }
        };
        let after = tokens.read_page(&list, token)?;
        Ok(Self { tokens, list, after, size })
    }

    /// How many to ask for: one more than fit, which tells whether there is another page.
    pub fn wanted(&self) -> usize {
        self.size + 1
    }

    /// Cuts what was found to the page; the token of the next one is made of the last key, or empty.
    pub fn cut<T>(&self, found: &mut Vec<T>, key: impl Fn(&T) -> String) -> String {
        if found.len() <= self.size {
            return String::new();
        }
        found.truncate(self.size);
        found.last().map(|last| self.tokens.page(&self.list, &key(last))).unwrap_or_default()
    }
}
