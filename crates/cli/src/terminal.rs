//! Asking the person at the terminal.

use std::io::{self, BufRead as _, IsTerminal as _};

use kube_iam_aws::mfa::{MfaPrompt, NobodyToAsk};

use crate::output;
use crate::report::Failure;

/// Asks on stderr and reads one line from stdin, as the Go client does.
pub struct Terminal {
    /// What kubectl says about it: `false` if nobody may be asked.
    pub interactive: Option<bool>,
}

impl MfaPrompt for Terminal {
    fn ask(&self, question: &str) -> Result<String, NobodyToAsk> {
        if self.interactive == Some(false) {
            return Err(NobodyToAsk("kubectl runs without a terminal".to_string()));
        }
        let mut line = String::new();
        let trouble = |error: io::Error| NobodyToAsk(error.to_string());
        output::talk(question).map_err(trouble)?;
        let read = io::stdin().lock().read_line(&mut line).map_err(trouble)?;
        if read == 0 || !io::stdin().is_terminal() {
            // The echo of what was typed ends the line of the question; nothing else does.
            output::talk("\n").map_err(trouble)?;
        }
        if read == 0 {
            return Err(NobodyToAsk("there is no input".to_string()));
        }
        Ok(line.trim().to_string())
    }
}

/// Asks a question that is answered by yes or no; whatever is no yes is a no.
pub fn confirm(question: &str) -> Result<bool, Failure> {
    let trouble = |error: io::Error| Failure::new("could not ask").because(&error);
    output::talk(&format!("{question} [y/N] ")).map_err(trouble)?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(trouble)?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
