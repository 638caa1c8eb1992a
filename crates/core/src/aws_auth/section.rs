//! One section: a YAML list kept as a text.

use alloc::borrow::Cow;

use super::row::{self, Room};
use super::{MappingRow, RowError, RowProblem, Rows, Section};
use crate::yaml::{self, Mark, Node, YamlError};

/// Why a section as a whole can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{section}` can't be read, {mark}: {reason}")]
pub struct SectionError {
    /// The section.
    pub section: Section,
    /// Where, counted from the first line of the section.
    pub mark: Mark,
    /// What is wrong.
    pub reason: Cow<'static, str>,
}

/// What counts as a text inside a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    /// Only what YAML 1.1 takes for text: aws-auth.
    Strict,
    /// Numbers and words too, and `a,b` as a list: configuration files, whose
    /// reader in the Go authenticator converts.
    Loose,
}

/// Reads the text of a section. Nothing, blanks and empty quotes are an empty
/// list, as in Go.
pub fn read_section(section: Section, text: &str) -> Result<Rows, SectionError> {
    if matches!(text.trim(), "" | "\"\"" | "''" | "``") {
        return Ok(Rows::default());
    }
    let node = yaml::parse(text).map_err(|YamlError { mark, reason }| SectionError { section, mark, reason })?;
    node.map_or_else(|| Ok(Rows::default()), |node| read_section_node(section, &node, Typing::Strict))
}

/// Reads a section that is already a tree, as in a configuration file.
pub fn read_section_node(section: Section, node: &Node, typing: Typing) -> Result<Rows, SectionError> {
    if node.is_null() {
        return Ok(Rows::default());
    }
    let items = node.as_sequence().ok_or_else(|| SectionError {
        section,
        mark: node.mark,
        reason: Cow::Borrowed(match node.as_text() {
            Some(_) => "it must be a list, this is a text",
            None => "it must be a list",
        }),
    })?;
    let mut rows = Rows::default();
    let mut room = Room::default();
    for item in items {
        match section {
            Section::MapRoles | Section::MapUsers => {
                let entries = item.entries();
                rows.repeated.extend(row::repeated_keys(entries.as_deref().unwrap_or_default()));
                match MappingRow::read(item, entries.as_deref(), section, typing, &mut room) {
                    Ok(row) => rows.mappings.push(row),
                    Err(problem) => rows.problems.push(problem),
                }
            }
            // The text as written: an account ID is no number, whatever YAML says.
            Section::MapAccounts => match item.as_written().and_then(|text| text.parse().ok()) {
                Some(account) => rows.accounts.push(account),
                None => {
                    let (mark, error) = (item.mark, RowError::Account);
                    rows.problems.push(RowProblem { mark, error, principal: None });
                }
            },
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests;
