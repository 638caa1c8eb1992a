//! The rows of aws-auth as eksctl reads them: texts, all or none.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::plan::Refusal;
use crate::aws_auth::{Data, List, Row, Section};
use crate::yaml::{Mark, Node, Value};

/// A row of mapRoles or mapUsers; what is not there is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) section: Section,
    /// Which row of its section; of a new one, before which row.
    pub(super) index: usize,
    pub(super) arn: String,
    pub(super) username: String,
    pub(super) groups: Vec<String>,
}

/// All rows of mapRoles, then of mapUsers.
///
/// # Errors
///
/// One value that Go can't read makes all three sections unreadable.
pub(super) fn identities(data: &Data) -> Result<Vec<Identity>, Refusal> {
    let mut identities = Vec::new();
    for section in [Section::MapRoles, Section::MapUsers] {
        let list = list(data, section, false)?;
        for row in list.rows() {
            identities.push(identity(row).map_err(|(mark, reason)| Refusal::Unreadable {
                section,
                alone: false,
                mark,
                reason,
            })?);
        }
    }
    accounts(data, false)?;
    Ok(identities)
}

/// How many of the rows stand in a section.
pub(super) fn count<'a>(identities: impl IntoIterator<Item = &'a Identity>, section: Section) -> usize {
    identities.into_iter().filter(|identity| identity.section == section).count()
}

/// The texts of mapAccounts: a number is what its digits say.
pub(super) fn accounts(data: &Data, alone: bool) -> Result<Vec<String>, Refusal> {
    let section = Section::MapAccounts;
    let list = list(data, section, alone)?;
    let text = |row: Row<'_>| {
        let node = row.node;
        if node.is_null() {
            return Ok(String::new());
        }
        node.as_written().map(ToString::to_string).ok_or_else(|| Refusal::Unreadable {
            section,
            alone,
            mark: node.mark,
            reason: format!("an account must be a text, this is {}", node.describe()),
        })
    };
    list.rows().map(text).collect()
}

fn list(data: &Data, section: Section, alone: bool) -> Result<List, Refusal> {
    let text = data.get(section.as_str()).map(String::as_str).unwrap_or_default();
    List::parse(section, text).map_err(|error| Refusal::Unreadable {
        section,
        alone,
        mark: error.mark,
        reason: error.reason.into_owned(),
    })
}

type Reading<T> = Result<T, (Mark, String)>;

fn identity(row: Row<'_>) -> Reading<Identity> {
    let arn_key = if row.section == Section::MapUsers { "userarn" } else { "rolearn" };
    match &row.node.value {
        Value::Mapping(_) => {}
        _ if row.node.is_null() => {}
        _ => return Err((row.mark(), format!("a mapping must be a map, this is {}", row.node.describe()))),
    }
    Ok(Identity {
        section: row.section,
        index: row.index,
        arn: arn(row, arn_key)?,
        username: text(row, "username")?,
        groups: groups(row)?,
    })
}

/// Go makes a text of a number or word here, but not in usernames and groups.
fn arn(row: Row<'_>, key: &str) -> Reading<String> {
    let Some(node) = row.value(key).filter(|node| !node.is_null()) else { return Ok(String::new()) };
    node.as_written().map(ToString::to_string).ok_or_else(|| wrong_type(key, "a text", node))
}

fn text(row: Row<'_>, key: &str) -> Reading<String> {
    let Some(node) = row.value(key).filter(|node| !node.is_null()) else { return Ok(String::new()) };
    node.as_text().map(ToString::to_string).ok_or_else(|| wrong_type(key, "a text", node))
}

fn groups(row: Row<'_>) -> Reading<Vec<String>> {
    let Some(node) = row.value("groups").filter(|node| !node.is_null()) else { return Ok(Vec::new()) };
    let items = node.as_sequence().ok_or_else(|| wrong_type("groups", "a list of texts", node))?;
    let text = |item: &Node| match item.as_text() {
        Some(text) => Ok(text.to_owned()),
        None if item.is_null() => Ok(String::new()),
        None => Err(wrong_type("groups", "a list of texts", item)),
    };
    items.iter().map(|item| text(item)).collect()
}

fn wrong_type(key: &str, wanted: &str, node: &Node) -> (Mark, String) {
    (node.mark, format!("`{key}` must be {wanted}, this is {}", node.describe()))
}
