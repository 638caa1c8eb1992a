//! One remark about a document or a change, for people and for programs.

use alloc::string::String;

use serde::Serialize;

use crate::aws_auth::Section;
use crate::yaml::Mark;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The change is refused unless the rule is named.
    Block,
    /// Likely a mistake; nothing is refused.
    Warn,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word for it, in texts and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Warn => "warn",
            Self::Note => "note",
        }
    }
}

/// One remark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule that made it, as its page in the docs and `--override` name it.
    pub rule: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// The section it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<Section>,
    /// Where in the section, if it is about a place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    /// What is found: lower case, no full stop.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}
