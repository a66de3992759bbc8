//! Reading lists page by page.

use super::CliError;
use crate::client::ClientError;

/// Every item of a list, or the first `limit`.
///
/// # Errors
///
/// That of the call for a page.
pub async fn all<T, F>(limit: usize, call: impl Fn(String) -> F) -> Result<Vec<T>, CliError>
where
    F: Future<Output = Result<(Vec<T>, String), ClientError>>,
{
    let mut items = Vec::new();
    let mut token = String::new();
    loop {
        let (page, next) = call(token).await?;
        items.extend(page);
        if items.len() >= limit || next.is_empty() {
            items.truncate(limit);
            return Ok(items);
        }
        token = next;
    }
}
