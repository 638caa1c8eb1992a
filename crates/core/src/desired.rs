//! Mappings as they are wanted, declared in a file.
//!
//! ```yaml
//! apiVersion: kube-iam.dev/v1alpha1
//! kind: MappingList
//! mappings:
//!   - arn: arn:aws:iam::111122223333:role/dev
//!     username: dev:{{SessionName}}
//!     groups: [dev]
//!   - sso: {permissionSetName: Admin, accountID: "111122223333", partition: aws}
//!     groups: [ops]
//!   - account: "444455556666"
//! ```
//!
//! `apiVersion` and `kind` may be left out, and so may `partition`, `username`
//! and `groups`. Without a username the canonical ARN is the username.

mod error;
mod plan;
mod read;

pub use error::{Conflict, ConflictKind, DesiredError};
pub use plan::{DesiredPlan, Options, plan_desired};
pub use read::{API_VERSION, KIND};

use alloc::format;
use alloc::vec::Vec;

use hashbrown::HashMap;

use crate::arn::Arn;
use crate::aws_auth::SsoPermissionSet;
use crate::change::{PrincipalKey, Wanted, Whom};
use crate::config::Problem;
use crate::yaml::Mark;

/// One mapping of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredMapping {
    /// Where it begins in the file.
    pub mark: Mark,
    /// What is wanted.
    pub wanted: Wanted,
}

/// All mappings of a file, no two about one principal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Desired {
    mappings: Vec<DesiredMapping>,
}

impl Desired {
    /// Reads a file, in YAML or JSON.
    ///
    /// # Errors
    ///
    /// All problems, in the order of their places.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mappings = read::mappings(text, &mut problems);
        Self::checked(mappings, problems)
    }

    fn checked(mappings: Vec<DesiredMapping>, mut problems: Vec<Problem>) -> Result<Self, Vec<Problem>> {
        let mut seen: HashMap<PrincipalKey, Mark, foldhash::fast::FixedState> = HashMap::default();
        for mapping in &mappings {
            if let Some(first) = seen.insert(mapping.wanted.whom.key(), mapping.mark) {
                let text = format!("{} stands here twice, first in line {}", mapping.wanted.whom, first.line);
                problems.push(Problem { mark: mapping.mark, text, hint: None });
            }
        }
        problems.sort_by_key(|problem| problem.mark);
        if problems.is_empty() { Ok(Self { mappings }) } else { Err(problems) }
    }

    /// The mappings in the order of the file.
    pub fn mappings(&self) -> &[DesiredMapping] {
        &self.mappings
    }

    /// The permission sets in it.
    pub fn permission_sets(&self) -> impl Iterator<Item = &SsoPermissionSet> {
        self.mappings.iter().filter_map(|mapping| match &mapping.wanted.whom {
            Whom::PermissionSet(set) => Some(set),
            Whom::Arn(_) | Whom::Account(_) => None,
        })
    }

    /// Puts today's roles in place of permission sets, for authenticators that
    /// know only roles. A set without a role stays.
    ///
    /// # Errors
    ///
    /// A role that has a mapping of its own in the file.
    pub fn with_roles(self, role: impl Fn(&SsoPermissionSet) -> Option<Arn>) -> Result<Self, Vec<Problem>> {
        let mut mappings = self.mappings;
        for mapping in &mut mappings {
            if let Whom::PermissionSet(set) = &mapping.wanted.whom
                && let Some(arn) = role(set)
            {
                mapping.wanted.whom = Whom::Arn(arn);
            }
        }
        Self::checked(mappings, Vec::new())
    }
}

#[cfg(test)]
mod tests;
