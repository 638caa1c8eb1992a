//! Usernames and groups that are to be written.
//!
//! A word that can't be meant is an error. One that may be meant, by somebody
//! who knows, is a finding that refuses the change unless its rule is named.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::finding::{Finding, Severity};
use crate::guard::Rule;
use crate::node_instance::NODE_USERNAME_PREFIX;
use crate::shown::excerpt;
use crate::template::{Placeholder, Template};

/// A username outside nodes that begins like those of Kubernetes itself.
const RESERVED_USERNAME: &str = "reserved-username";
/// A group with a blank or comma.
const GROUP_BLANK: &str = "group-blank";

/// The rules that refuse words unless they are named.
pub const RULES: &[Rule] = &[
    Rule {
        id: RESERVED_USERNAME,
        severity: Severity::Block,
        summary: "a username would begin with `system:` and is not that of a node",
        why: "Names that begin with `system:` are those of components of Kubernetes, and bindings give them rights. Only \
              nodes need one: `system:node:` and the group `system:nodes`.",
    },
    Rule {
        id: GROUP_BLANK,
        severity: Severity::Block,
        summary: "a group would have a blank or a comma in its name",
        why: "Kubernetes takes such a name as one group. Mostly two groups were meant, and no binding names the one.",
    },
];

/// Why a username or group is not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// An empty username would be nobody, or anybody.
    #[error("the username is empty")]
    EmptyUsername,
    /// An empty group is nobody's.
    #[error("a group has no name")]
    EmptyGroup,
    /// A control character.
    #[error("{what} `{}` holds a control character", excerpt(text))]
    Control {
        /// `username` or `group`.
        what: &'static str,
        /// The text.
        text: String,
    },
    /// A blank at one end.
    #[error("{what} `{}` begins or ends with a blank", excerpt(text))]
    OuterBlank {
        /// `username` or `group`.
        what: &'static str,
        /// The text.
        text: String,
    },
    /// Braces around what is no placeholder.
    #[error("`{}` in {what} `{}` is not a placeholder", excerpt(written), excerpt(text))]
    Placeholder {
        /// `username` or `group`.
        what: &'static str,
        /// The text.
        text: String,
        /// The braces and what stands between them.
        written: String,
    },
}

impl WordError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::EmptyUsername => Some("leave it out to use the canonical ARN".to_string()),
            Self::EmptyGroup | Self::Control { .. } => None,
            Self::OuterBlank { text, .. } => Some(format!("did you mean `{}`?", excerpt(text.trim()))),
            Self::Placeholder { written, .. } => Some(nearest_placeholder(written)),
        }
    }
}

fn nearest_placeholder(written: &str) -> String {
    let names = || Placeholder::ALL.into_iter().map(|(_, name)| name);
    let bare = written.replace(' ', "").to_ascii_lowercase();
    let distance = |name: &&str| strsim::osa_distance(&name.to_ascii_lowercase(), &bare);
    match names().min_by_key(distance).filter(|name| written.len() < 64 && distance(name) <= 4) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known are {}", names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
    }
}

/// What is wrong with words that are to be written.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    pub(crate) errors: Vec<WordError>,
    pub(crate) findings: Vec<Finding>,
}

impl Judgement {
    /// Looks at a new username; the groups are all that the row has afterwards.
    pub(crate) fn username(&mut self, username: &str, groups: &[String]) {
        if username.is_empty() {
            self.errors.push(WordError::EmptyUsername);
        }
        self.text("username", username);
        let is_node = username.starts_with(NODE_USERNAME_PREFIX) && groups.iter().any(|group| group == "system:nodes");
        if username.starts_with("system:") && !is_node {
            let message = format!("username `{}` is one for components of Kubernetes", excerpt(username));
            let hint = "a prefix of your own, such as `dev:`, can't be mistaken for one";
            self.findings.push(finding(RESERVED_USERNAME, message, hint));
        }
    }

    /// Looks at a new group.
    pub(crate) fn group(&mut self, group: &str) {
        if group.is_empty() {
            self.errors.push(WordError::EmptyGroup);
        }
        self.text("group", group);
        let inner = group.trim();
        if inner.contains(char::is_whitespace) || inner.contains(',') {
            let message = format!("`{}` would be one group, blanks and commas included", excerpt(group));
            self.findings.push(finding(GROUP_BLANK, message, "give each group by itself"));
        }
    }

    fn text(&mut self, what: &'static str, text: &str) {
        if text.chars().any(char::is_control) {
            self.errors.push(WordError::Control { what, text: text.into() });
        } else if text.trim() != text {
            self.errors.push(WordError::OuterBlank { what, text: text.into() });
        }
        if let Some(written) = Template::unknown_placeholder(text) {
            self.errors.push(WordError::Placeholder { what, text: text.into(), written: written.into() });
        }
    }
}

fn finding(rule: &'static str, message: String, hint: &str) -> Finding {
    Finding { rule, severity: Severity::Block, section: None, mark: None, message, hint: Some(hint.into()) }
}
