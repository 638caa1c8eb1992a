//! One immutable set of mappings from one backend.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use hashbrown::{HashMap, HashSet};

use super::Backend;
use crate::arn::ArnKey;
use crate::aws_auth::{MappingRow, Principal, Rows, Section, SsoPermissionSet};
use crate::ids::AccountId;
use crate::template::{Placeholder, Template};
use crate::yaml::Mark;

type FixedMap<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// What a match hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Section of the row.
    pub section: Section,
    /// Where the row begins.
    pub mark: Mark,
    /// The principal as written.
    pub principal: Principal,
    /// Pattern of the username; without one the canonical ARN is the username.
    pub username: Option<Template>,
    /// Patterns of the groups.
    pub groups: Vec<Template>,
}

impl Mapping {
    /// Every pattern: the username's, then those of the groups.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        self.username.iter().chain(&self.groups)
    }
}

/// How the path in a role's ARN is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RolePaths {
    /// The path is removed before matching, since STS never reports it.
    #[default]
    Match,
    /// As in Go: a row with a path matches nobody.
    Go,
}

/// A row that can't be reached because a later one is about the same principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadowed {
    /// The row that never matches.
    pub hidden: (Section, Mark),
    /// The row that matches in its place.
    pub by: (Section, Mark),
    /// Whom both are about.
    pub principal: String,
}

/// One immutable set of mappings.
#[derive(Debug, Clone)]
pub struct Snapshot {
    backend: Backend,
    by_arn: FixedMap<ArnKey, Arc<Mapping>>,
    by_permission_set: FixedMap<SsoPermissionSet, Arc<Mapping>>,
    accounts: HashSet<AccountId, foldhash::fast::FixedState>,
    shadowed: Vec<Shadowed>,
}

impl Snapshot {
    /// A backend without any mapping.
    pub fn empty(backend: Backend) -> Self {
        Self {
            backend,
            by_arn: FixedMap::default(),
            by_permission_set: FixedMap::default(),
            accounts: HashSet::default(),
            shadowed: Vec::new(),
        }
    }

    /// Builds a snapshot. Of two rows about one principal the last wins, rows
    /// of mapRoles before those of mapUsers: as in Go, but never by chance.
    pub fn new<'a>(backend: Backend, sections: impl IntoIterator<Item = &'a Rows>, paths: RolePaths) -> Self {
        let mut snapshot = Self::empty(backend);
        let mut rows: Vec<&MappingRow> = Vec::new();
        for section in sections {
            rows.extend(&section.mappings);
            snapshot.accounts.extend(&section.accounts);
        }
        rows.sort_by_key(|row| row.section != Section::MapUsers);
        rows.into_iter().for_each(|row| snapshot.insert(row, paths));
        snapshot
    }

    fn insert(&mut self, row: &MappingRow, paths: RolePaths) {
        let mapping = Arc::new(Mapping {
            section: row.section,
            mark: row.mark,
            principal: row.principal.clone(),
            username: row.username.as_deref().filter(|text| !text.is_empty()).map(Template::parse),
            groups: row.groups.iter().map(|group| Template::parse(group)).collect(),
        });
        let place = (mapping.section, mapping.mark);
        let hidden = match &row.principal {
            Principal::Arn(arn) => {
                let canonical = match paths {
                    RolePaths::Match => arn.without_role_path(),
                    RolePaths::Go => arn.canonical(),
                };
                self.by_arn.insert(canonical.key(), mapping)
            }
            Principal::Sso(set) => self.by_permission_set.insert(set.clone(), mapping),
        };
        self.shadowed.extend(hidden.map(|hidden| Shadowed {
            hidden: (hidden.section, hidden.mark),
            by: place,
            principal: alloc::format!("{}", row.principal),
        }));
    }

    /// The backend it comes from.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Rows that never match.
    pub fn shadowed(&self) -> &[Shadowed] {
        &self.shadowed
    }

    /// How many mappings can match.
    pub fn len(&self) -> usize {
        self.by_arn.len() + self.by_permission_set.len() + self.accounts.len()
    }

    /// Whether nothing can match.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All mappings, in no particular order.
    pub fn mappings(&self) -> impl Iterator<Item = &Mapping> {
        self.by_arn.values().chain(self.by_permission_set.values()).map(AsRef::as_ref)
    }

    /// All accounts that are let in whole.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.accounts.iter().copied()
    }

    /// Mappings that ask for a value, in no particular order.
    pub fn needing(&self, placeholder: Placeholder) -> impl Iterator<Item = &Mapping> {
        let needs = move |template: &Template| template.needs(placeholder);
        self.mappings().filter(move |mapping| mapping.templates().any(needs))
    }

    pub(super) fn by_arn(&self, key: &ArnKey) -> Option<&Arc<Mapping>> {
        self.by_arn.get(key)
    }

    pub(super) fn by_permission_set(&self, set: Option<&SsoPermissionSet>) -> Option<&Arc<Mapping>> {
        self.by_permission_set.get(set?)
    }

    pub(super) fn has_permission_sets(&self) -> bool {
        !self.by_permission_set.is_empty()
    }

    pub(super) fn lets_in(&self, account: AccountId) -> bool {
        self.accounts.contains(&account)
    }
}
