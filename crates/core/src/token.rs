//! Checking a token: every refusal that needs no network comes from here.
//!
//! The token holds a URL that somebody else wrote. It is taken apart by strict
//! rules into typed fields, and a new request is built from those. Nothing of
//! the caller's text is ever fetched, so that no two parsers can disagree.

mod check;
mod error;
mod query;

pub use check::{PREFIX, TokenPolicy, check};
pub use error::TokenError;

#[cfg(test)]
pub(crate) mod tests;
