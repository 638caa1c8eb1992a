//! A row as texts.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use crate::aws_auth::{MappingRow, RowProblem, Section, SsoPermissionSet, Typing, row};
use crate::yaml::{Mark, Node};

/// One row where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The section it stands in.
    pub section: Section,
    /// Which one of its section, from 0.
    pub index: usize,
    /// All that is written in it.
    pub node: &'a Rc<Node>,
}

impl<'a> Row<'a> {
    /// Where it begins.
    pub fn mark(&self) -> Mark {
        self.node.mark
    }

    /// The value that counts under a key, whatever its letter case.
    pub fn value(&self, key: &str) -> Option<&'a Node> {
        row::value_of(self.node, key)
    }

    /// The text under a key.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.value(key)?.as_text()
    }

    /// The ARN as it is written: of `rolearn` or `userarn`, by the section.
    pub fn arn(&self) -> Option<&'a str> {
        self.text(arn_key(self.section))
    }

    /// The pattern of the username.
    pub fn username(&self) -> Option<&'a str> {
        self.text("username")
    }

    /// The patterns of the groups, as far as they are texts.
    pub fn groups(&self) -> Vec<&'a str> {
        let items = self.value("groups").and_then(Node::as_sequence).unwrap_or_default();
        items.iter().filter_map(|item| item.as_text()).collect()
    }

    /// The text of an item of mapAccounts, also of a number.
    pub fn account(&self) -> Option<&'a str> {
        self.node.as_written().filter(|_| self.section == Section::MapAccounts)
    }

    /// What an authenticator would read.
    pub fn reading(&self) -> Result<MappingRow, RowProblem> {
        MappingRow::read(
            self.node,
            self.node.entries().as_deref(),
            self.section,
            Typing::Strict,
            &mut row::Room::default(),
        )
    }
}

/// The key that holds the ARN in rows of a section.
pub(super) fn arn_key(section: Section) -> &'static str {
    if section == Section::MapUsers { "userarn" } else { "rolearn" }
}

/// A row to be written. Texts are taken as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRow {
    /// Whom it is about.
    pub principal: NewPrincipal,
    /// Pattern of the username.
    pub username: Option<String>,
    /// Patterns of the groups.
    pub groups: Vec<String>,
}

/// Whom a new row is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewPrincipal {
    /// The ARN of a role or user; the key is the section's.
    Arn(String),
    /// An Identity Center permission set.
    Sso(SsoPermissionSet),
    /// A whole account; only in mapAccounts.
    Account(String),
}

impl NewRow {
    /// A whole account.
    pub fn account(account: impl Into<String>) -> Self {
        Self { principal: NewPrincipal::Account(account.into()), username: None, groups: Vec::new() }
    }

    /// A role or user.
    pub fn arn(arn: impl Into<String>, username: Option<String>, groups: Vec<String>) -> Self {
        Self { principal: NewPrincipal::Arn(arn.into()), username, groups }
    }
}
