//! Reading the sections of aws-auth, row by row.
//!
//! A row that can't be read never takes its neighbours with it, and nothing is
//! half read: a row is taken whole or not at all.

mod document;
mod row;
mod section;

pub use document::{Data, Document, EditError, Edited, List, NewPrincipal, NewRow, Operation, Row, RowChange};
pub(crate) use row::is_permission_set_name;
pub use row::{MappingRow, Principal, RowError, SsoPermissionSet};
pub use section::{SectionError, Typing, read_section, read_section_node};

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::yaml::Mark;

/// One of the three lists of mappings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Section {
    /// Roles to Kubernetes users.
    #[serde(rename = "mapRoles")]
    MapRoles,
    /// Users to Kubernetes users.
    #[serde(rename = "mapUsers")]
    MapUsers,
    /// Whole accounts.
    #[serde(rename = "mapAccounts")]
    MapAccounts,
}

impl Section {
    /// All three.
    pub const ALL: [Self; 3] = [Self::MapRoles, Self::MapUsers, Self::MapAccounts];

    /// The data key, exactly as it must be spelt.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MapRoles => "mapRoles",
            Self::MapUsers => "mapUsers",
            Self::MapAccounts => "mapAccounts",
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one section holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    /// Rows that were read, in the order written.
    pub mappings: alloc::vec::Vec<MappingRow>,
    /// Accounts that were read.
    pub accounts: alloc::vec::Vec<crate::ids::AccountId>,
    /// Rows that were not.
    pub problems: alloc::vec::Vec<RowProblem>,
    /// Keys that are written twice in one row: the later one counts, as in Go.
    pub repeated: alloc::vec::Vec<RepeatedKey>,
}

/// A key that stands twice in one row, in whatever letter case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepeatedKey {
    /// Where it stands again.
    pub mark: Mark,
    /// The key.
    pub key: alloc::string::String,
}

/// One row that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowProblem {
    /// Where the trouble is, counted from the first line of the section.
    pub mark: Mark,
    /// What the trouble is.
    pub error: RowError,
    /// Whom the row is about, if that much can be read.
    pub principal: Option<Principal>,
}
