//! Asking a person for the code of an MFA device.

/// The question, word for word the Go client's.
pub(crate) const QUESTION: &str = "Assume Role MFA token code: ";

/// Asks whoever sits at the terminal.
pub trait MfaPrompt: Send + Sync {
    /// Shows `question` and reads one line.
    ///
    /// # Errors
    ///
    /// At once when nobody can be asked: kubectl says that it is not interactive, or there is no terminal.
    fn ask(&self, question: &str) -> Result<String, NobodyToAsk>;
}

/// Nobody can be asked for the code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody can be asked: {0}")]
pub struct NobodyToAsk(pub String);
