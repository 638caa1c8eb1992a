//! Secrets as types: none of them can be printed by accident.

use alloc::string::String;
use core::fmt;

use sha2::{Digest as _, Sha256};

/// A text that must never be printed: a key, a session token, a signed query.
///
/// `Debug` shows the length only, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that has to send it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[redacted, {} bytes]", self.0.len())
    }
}

/// A bearer token as kubectl sends it: `k8s-aws-v1.` and a presigned URL.
///
/// Logs name a token by its [`Fingerprint`].
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Wraps a text; nothing is checked here, see [`crate::token::check`].
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that has to send it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// SHA-256 over the exact bytes.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.fingerprint())
    }
}

/// SHA-256 of a token: the key of the identity cache.
///
/// Printed as its first eight hexadecimal digits, enough to find a token's
/// lines in a log and useless to whoever steals the log.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// All 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn debug_shows_neither_secret_nor_token() {
        let secret = Secret::new("wJalrXUtnFEMI");
        let token = Token::new("k8s-aws-v1.aGVsbG8");
        let shown = format!("{secret:?} {token:?}");
        assert!(!shown.contains("wJal") && !shown.contains("aGVs"), "{shown}");
    }

    #[test]
    fn fingerprint_prints_eight_digits_of_sha256() {
        // SHA-256 of the empty text starts e3b0c442 (FIPS 180-4 test values).
        assert_eq!(format!("{}", Token::new("").fingerprint()), "e3b0c442");
    }
}
