//! aws-auth as it is written: every row with its bytes, and edits that touch
//! no other.
//!
//! Rows are kept as texts here. A row that our own reader would leave out is
//! still there to be shown, changed and deleted.

mod edit;
mod render;
mod row;

pub use edit::{EditError, Edited, Operation, RowChange};
pub use row::{NewPrincipal, NewRow, Row};

use alloc::borrow::{Cow, ToOwned as _};
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Rows, Section, SectionError, Typing, read_section_node};
use crate::yaml::{self, Mark, Node, YamlError};

/// The data of a ConfigMap.
pub type Data = BTreeMap<String, String>;

/// One section with its text.
#[derive(Debug, Clone)]
pub struct List {
    section: Section,
    text: String,
    root: Option<Rc<Node>>,
}

/// The three sections of one aws-auth.
#[derive(Debug, Clone)]
pub struct Document {
    roles: Option<List>,
    users: Option<List>,
    accounts: Option<List>,
}

impl Document {
    /// Reads the sections of `data`; other keys are nobody's business here.
    ///
    /// # Errors
    ///
    /// Every section that is no YAML or no list.
    pub fn parse(data: &Data) -> Result<Self, Vec<SectionError>> {
        let mut problems = Vec::new();
        let mut read = |section: Section| {
            let text = data.get(section.as_str())?;
            List::parse(section, text).map_err(|problem| problems.push(problem)).ok()
        };
        let document = Self {
            roles: read(Section::MapRoles),
            users: read(Section::MapUsers),
            accounts: read(Section::MapAccounts),
        };
        if problems.is_empty() { Ok(document) } else { Err(problems) }
    }

    /// A section, if its key is there.
    pub fn list(&self, section: Section) -> Option<&List> {
        match section {
            Section::MapRoles => self.roles.as_ref(),
            Section::MapUsers => self.users.as_ref(),
            Section::MapAccounts => self.accounts.as_ref(),
        }
    }

    fn slot(&mut self, section: Section) -> &mut Option<List> {
        match section {
            Section::MapRoles => &mut self.roles,
            Section::MapUsers => &mut self.users,
            Section::MapAccounts => &mut self.accounts,
        }
    }

    /// The rows of a section in the order written.
    pub fn rows(&self, section: Section) -> impl Iterator<Item = Row<'_>> {
        self.list(section).into_iter().flat_map(List::rows)
    }

    /// What an authenticator would read from a section.
    pub fn reading(&self, section: Section) -> Rows {
        self.list(section).map(List::reading).unwrap_or_default()
    }
}

impl List {
    /// Reads the text of a section. Nothing, blanks and empty quotes are an
    /// empty list, as in Go.
    pub fn parse(section: Section, text: &str) -> Result<Self, SectionError> {
        let root = match text.trim() {
            "" | "``" => None,
            _ => yaml::parse(text).map_err(|YamlError { mark, reason }| SectionError { section, mark, reason })?,
        };
        let is_empty = |node: &Node| node.is_null() || matches!(text.trim(), "\"\"" | "''");
        let refused = root.as_ref().filter(|node| node.as_sequence().is_none() && !is_empty(node));
        if let Some(node) = refused {
            let reason = match node.as_text() {
                Some(_) => "it must be a list, this is a text",
                None => "it must be a list",
            };
            return Err(SectionError { section, mark: node.mark, reason: Cow::Borrowed(reason) });
        }
        Ok(Self { section, text: text.to_owned(), root })
    }

    /// The section.
    pub fn section(&self) -> Section {
        self.section
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn items(&self) -> &[Rc<Node>] {
        self.root.as_deref().and_then(Node::as_sequence).unwrap_or_default()
    }

    /// The rows in the order written.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.items().iter().enumerate().map(|(index, node)| Row { section: self.section, index, node })
    }

    /// What an authenticator would read.
    pub fn reading(&self) -> Rows {
        let list = self.root.as_deref().filter(|node| node.as_sequence().is_some());
        list.and_then(|node| read_section_node(self.section, node, Typing::Strict).ok()).unwrap_or_default()
    }

    /// Where a byte stands.
    pub fn mark_at(&self, offset: usize) -> Mark {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).map_or(0, |line| line.chars().count()) + 1;
        Mark { line: before.bytes().filter(|byte| *byte == b'\n').count() + 1, column }
    }
}

#[cfg(test)]
mod tests;
