//! Pure rules.

mod filter;
mod validate;
