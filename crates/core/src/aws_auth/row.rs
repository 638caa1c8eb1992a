//! One row of mapRoles or mapUsers.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::{RepeatedKey, RowProblem, Section, Typing};
use crate::arn::{Arn, ArnError};
use crate::ids::AccountId;
use crate::limits;
use crate::partition::Partition;
use crate::yaml::{Entry, Mark, Node, Value};

/// Whom a row is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Principal {
    /// A user, role, root or federated user.
    Arn(Arn),
    /// Whoever holds an Identity Center permission set in an account.
    Sso(SsoPermissionSet),
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arn(arn) => arn.fmt(f),
            Self::Sso(set) => {
                write!(f, "permission set `{}` in account {}", set.name, set.account)
            }
        }
    }
}

/// An IAM Identity Center permission set, as provisioned into one account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SsoPermissionSet {
    /// The partition.
    pub partition: Partition,
    /// The account.
    pub account: AccountId,
    /// The name, 1 to 32 characters (Identity Center API, `PermissionSetName`).
    pub name: String,
}

/// One mapping as it is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingRow {
    /// The section it stands in.
    pub section: Section,
    /// Where it begins.
    pub mark: Mark,
    /// Whom it is about.
    pub principal: Principal,
    /// Pattern of the username; the canonical ARN if there is none.
    pub username: Option<String>,
    /// Patterns of the groups.
    pub groups: Vec<String>,
    /// The unique ID written beside the ARN.
    pub user_id: Option<String>,
}

/// Why a row can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// Not a map.
    #[error("a row must be a map of keys and values, this is {0}")]
    NotAMap(&'static str),
    /// A value of the wrong kind.
    #[error("`{key}` must be {wanted}, this is {found}")]
    Type {
        /// The key.
        key: &'static str,
        /// What it must be.
        wanted: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// No principal.
    #[error("the row names no principal: `{0}` is missing")]
    NoPrincipal(&'static str),
    /// Two principals.
    #[error("the row has both `rolearn` and `sso`; only one can be meant")]
    TwoPrincipals,
    /// An ARN that is none.
    #[error("`{key}` is not the ARN of a principal: {error}")]
    Arn {
        /// The key.
        key: &'static str,
        /// Why.
        error: ArnError,
    },
    /// A permission set without one of its keys.
    #[error("`sso` needs `{0}`")]
    SsoKey(&'static str),
    /// A permission set with a value that can't be right.
    #[error("`sso.{0}` is not valid")]
    SsoValue(&'static str),
    /// More groups than all rows of a section may have together, by aliases.
    #[error("the rows of this section have too many groups together")]
    TooManyGroups,
    /// More text than all rows of a section may have together, by aliases.
    #[error("the usernames and groups of this section are too long together")]
    TooMuchText,
    /// Not an account.
    #[error("an account must be twelve digits, in quotes")]
    Account,
}

/// A row as it is kept in the state directory: JSON that reads as a row again.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    rolearn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    userarn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sso: Option<WrittenSso>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    groups: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    userid: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct WrittenSso {
    permission_set_name: String,
    #[serde(rename = "accountID")]
    account_id: AccountId,
    partition: Partition,
}

impl<'de> Deserialize<'de> for Partition {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for MappingRow {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut written = Written {
            rolearn: None,
            userarn: None,
            sso: None,
            username: self.username.clone(),
            groups: self.groups.clone(),
            userid: self.user_id.clone(),
        };
        match &self.principal {
            Principal::Arn(arn) if self.section == Section::MapRoles => written.rolearn = Some(arn.as_str().to_owned()),
            Principal::Arn(arn) => written.userarn = Some(arn.as_str().to_owned()),
            Principal::Sso(set) => {
                written.sso = Some(WrittenSso {
                    permission_set_name: set.name.clone(),
                    account_id: set.account,
                    partition: set.partition,
                });
            }
        }
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for MappingRow {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { rolearn, userarn, sso, username, groups, userid } = Written::deserialize(deserializer)?;
        let arn = |text: String| text.parse().map(Principal::Arn).map_err(serde::de::Error::custom);
        let (section, principal) = match (rolearn, userarn, sso) {
            (Some(text), None, None) => (Section::MapRoles, arn(text)?),
            (None, Some(text), None) => (Section::MapUsers, arn(text)?),
            (None, None, Some(set)) => {
                let WrittenSso { permission_set_name: name, account_id: account, partition } = set;
                (Section::MapRoles, Principal::Sso(SsoPermissionSet { partition, account, name }))
            }
            _ => return Err(serde::de::Error::custom("a row is about exactly one principal")),
        };
        Ok(Self { section, mark: Mark::default(), principal, username, groups, user_id: userid })
    }
}

/// What the rows of a section may still take.
pub(super) struct Room {
    groups: usize,
    bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { groups: limits::SECTION_GROUPS, bytes: limits::SECTION_TEXT_BYTES }
    }
}

impl Room {
    fn text(&mut self, text: &str, mark: Mark) -> Result<String, (Mark, RowError)> {
        self.bytes = self.bytes.checked_sub(text.len()).ok_or((mark, RowError::TooMuchText))?;
        Ok(text.to_owned())
    }

    fn group(&mut self, text: &str, mark: Mark) -> Result<String, (Mark, RowError)> {
        self.groups = self.groups.checked_sub(1).ok_or((mark, RowError::TooManyGroups))?;
        self.text(text, mark)
    }
}

impl MappingRow {
    /// Reads one row of a section, given its keys if it is a map. An alias costs
    /// no bytes where it stands, but a row has texts of its own.
    pub(super) fn read(
        node: &Node,
        entries: Option<&[Entry<'_>]>,
        section: Section,
        typing: Typing,
        room: &mut Room,
    ) -> Result<Self, RowProblem> {
        let mark = node.mark;
        let problem = |(mark, error), principal| RowProblem { mark, error, principal };
        let entries = entries.ok_or_else(|| problem((mark, RowError::NotAMap(node.describe())), None))?;
        let keys = Keys { entries, typing };
        let principal = principal(&keys, section, mark).map_err(|error| problem(error, None))?;
        let mut rest = || {
            let mut owned = |text: Option<&str>| text.map(|text| room.text(text, mark)).transpose();
            let (username, user_id) = (owned(keys.text("username")?)?, owned(keys.text("userid")?)?);
            Ok((username, keys.groups(mark, room)?, user_id))
        };
        match rest() {
            Ok((username, groups, user_id)) => Ok(Self { section, mark, principal, username, groups, user_id }),
            Err(error) => Err(problem(error, Some(principal))),
        }
    }
}

/// Which pair of a row counts under a key, merged keys left out.
pub(super) fn index_of(node: &Node, key: &str) -> Option<usize> {
    let Value::Mapping(pairs) = &node.value else { return None };
    let name = |index: usize| pairs.get(index).and_then(|(key, _)| key.as_written());
    let spelt = (0..pairs.len()).filter(|&index| name(index).is_some_and(|name| name.eq_ignore_ascii_case(key)));
    spelt.max_by_key(|&index| name(index))
}

/// The pair of a row that counts under a key, merged keys left out.
pub(super) fn pair_of<'a>(node: &'a Node, key: &str) -> Option<(&'a Node, &'a Node)> {
    let Value::Mapping(pairs) = &node.value else { return None };
    pairs.get(index_of(node, key)?).map(|(key, value)| (key.as_ref(), value.as_ref()))
}

/// The value of a row that counts under a key, merged keys included.
pub(super) fn value_of<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    if let Some((_, value)) = pair_of(node, key) {
        return Some(value);
    }
    node.entries()?.into_iter().filter(|entry| entry.key.eq_ignore_ascii_case(key)).map(|entry| entry.value).next()
}

/// Keys that stand twice in a row.
pub(super) fn repeated_keys(entries: &[Entry<'_>]) -> Vec<RepeatedKey> {
    let twice = |(index, entry): (usize, &Entry<'_>)| {
        let twin = entries.iter().take(index).any(|earlier| earlier.key.eq_ignore_ascii_case(entry.key));
        twin.then(|| RepeatedKey { mark: entry.mark, key: entry.key.chars().take(limits::EXCERPT_CHARS).collect() })
    };
    // A row with more keys than this is no row, and pairs would be too many.
    if entries.len() > limits::ROW_KEYS { Vec::new() } else { entries.iter().enumerate().filter_map(twice).collect() }
}

/// The keys of a row, found ignoring letter case. Of two spellings the later in
/// byte order counts, of two equal keys the later one: both as in Go.
struct Keys<'a> {
    entries: &'a [Entry<'a>],
    typing: Typing,
}

impl<'a> Keys<'a> {
    fn find(&self, key: &str) -> Option<&'a Node> {
        let spelt = self.entries.iter().filter(|entry| entry.key.eq_ignore_ascii_case(key));
        spelt.max_by_key(|entry| entry.key).map(|entry| entry.value)
    }

    fn text_of(&self, node: &'a Node) -> Option<&'a str> {
        match self.typing {
            Typing::Strict => node.as_text(),
            Typing::Loose => node.as_written(),
        }
    }

    fn text(&self, key: &'static str) -> Result<Option<&'a str>, (Mark, RowError)> {
        match self.find(key) {
            None => Ok(None),
            Some(node) if node.is_null() => Ok(None),
            Some(node) => self.text_of(node).map(Some).ok_or_else(|| wrong_type(key, "a text", node)),
        }
    }

    fn groups(&self, row: Mark, room: &mut Room) -> Result<Vec<String>, (Mark, RowError)> {
        let key = "groups";
        let Some(node) = self.find(key).filter(|node| !node.is_null()) else { return Ok(Vec::new()) };
        if let (Typing::Loose, Some(text)) = (self.typing, node.as_text()) {
            return text.split(',').map(|group| room.group(group, row)).collect();
        }
        let items = node.as_sequence().ok_or_else(|| wrong_type(key, "a list of texts", node))?;
        let text = |item| self.text_of(item).ok_or_else(|| wrong_type(key, "a list of texts", item));
        items.iter().map(|item| room.group(text(item)?, row)).collect()
    }
}

fn wrong_type(key: &'static str, wanted: &'static str, node: &Node) -> (Mark, RowError) {
    (node.mark, RowError::Type { key, wanted, found: node.describe() })
}

fn principal(keys: &Keys<'_>, section: Section, mark: Mark) -> Result<Principal, (Mark, RowError)> {
    let key = if section == Section::MapUsers { "userarn" } else { "rolearn" };
    let sso = keys.find("sso").filter(|node| section == Section::MapRoles && !node.is_null());
    let arn = keys.text(key)?.filter(|text| !text.is_empty());
    match (arn, sso) {
        (Some(_), Some(_)) => Err((mark, RowError::TwoPrincipals)),
        (None, None) => Err((mark, RowError::NoPrincipal(key))),
        (None, Some(node)) => permission_set(node, keys.typing).map(Principal::Sso),
        (Some(text), None) => {
            let at = keys.find(key).map_or(mark, |node| node.mark);
            text.parse().map(Principal::Arn).map_err(|error| (at, RowError::Arn { key, error }))
        }
    }
}

fn permission_set(node: &Node, typing: Typing) -> Result<SsoPermissionSet, (Mark, RowError)> {
    let entries = node.entries().ok_or_else(|| wrong_type("sso", "a map", node))?;
    let keys = Keys { entries: &entries, typing };
    let at = |key: &str| keys.find(key).map_or(node.mark, |value| value.mark);
    let name = keys.text("permissionSetName")?.ok_or((node.mark, RowError::SsoKey("permissionSetName")))?;
    if !is_permission_set_name(name) {
        return Err((at("permissionSetName"), RowError::SsoValue("permissionSetName")));
    }
    let account = keys.find("accountID").ok_or((node.mark, RowError::SsoKey("accountID")))?;
    let account = account.as_written().and_then(|text| text.parse().ok());
    let account = account.ok_or_else(|| (at("accountID"), RowError::SsoValue("accountID")))?;
    let partition = keys.text("partition")?.filter(|text| !text.is_empty()).unwrap_or("aws");
    let partition = partition.parse().map_err(|_| (at("partition"), RowError::SsoValue("partition")))?;
    Ok(SsoPermissionSet { partition, account, name: name.to_owned() })
}

/// `[\w+=,.@-]{1,32}`, the rule of the Identity Center API.
pub(crate) fn is_permission_set_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    (1..=32).contains(&name.len()) && name.bytes().all(allowed)
}
