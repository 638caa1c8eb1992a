//! The Kubernetes user that an identity becomes.

use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use serde::Serialize;

use crate::identity::Identity;
use crate::ids::AccountId;
use crate::mapping::{Backend, Mapping, ReservedPrefixes, Resolution};
use crate::node_instance::NODE_USERNAME_PREFIX;
use crate::reason::Reason;
use crate::template::{TemplateError, Values};

/// `UserInfo` of Kubernetes' `authentication.k8s.io`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserInfo {
    /// The username.
    pub username: String,
    /// The unique ID.
    pub uid: String,
    /// The groups, in the order of the mapping.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// What STS proved, for audit logs and admission rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<Extra>,
}

/// The keys of `extra`, each a list of one, as the Go authenticator sends them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Extra {
    access_key_id: Vec<String>,
    arn: Vec<String>,
    #[serde(rename = "canonicalArn")]
    canonical_arn: Vec<String>,
    principal_id: Vec<String>,
    session_name: Vec<String>,
    #[serde(rename = "sigs.k8s.io/aws-iam-authenticator/principalId")]
    qualified_principal_id: Vec<String>,
}

/// What mappings may hand out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MappingPolicy {
    /// Username prefixes kept from a backend.
    pub reserved_prefixes: Vec<ReservedPrefixes>,
    /// Accounts of whose callers only the username is passed on.
    pub scrubbed_accounts: Vec<AccountId>,
}

/// Why a mapping gives no user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// No mapping.
    #[error("no mapping matches")]
    NotMapped,
    /// A pattern has no value.
    #[error("the mapping can't be used")]
    Template(#[source] TemplateError),
    /// An empty username would be nobody, or anybody.
    #[error("the mapping gives an empty username")]
    EmptyUsername,
    /// `system:node:` alone would be a node without a name.
    #[error("the mapping gives the username of a node, without the node's name")]
    NamelessNode,
    /// A username that the backend may not hand out.
    #[error("username `{username}` begins with `{prefix}`, which {backend} may not hand out")]
    Reserved {
        /// The username.
        username: String,
        /// The reserved prefix.
        prefix: String,
        /// The backend.
        backend: Backend,
    },
}

impl From<&UserError> for Reason {
    fn from(error: &UserError) -> Self {
        match error {
            UserError::NotMapped => Self::NotMapped,
            UserError::Template(error) => (*error).into(),
            UserError::EmptyUsername | UserError::NamelessNode => Self::EmptyUsername,
            UserError::Reserved { .. } => Self::ReservedUsername,
        }
    }
}

/// Turns the result of a search into a user. See [`crate::node_instance::needed`] for
/// what has to be looked up before.
pub fn user_info(
    resolution: Resolution<'_>,
    identity: &Identity,
    values: &Values<'_>,
    policy: &MappingPolicy,
) -> Result<UserInfo, UserError> {
    let (backend, username, groups) = match resolution {
        Resolution::NotMapped => return Err(UserError::NotMapped),
        Resolution::AccountAllowed { backend } => (backend, identity.canonical.to_string(), Vec::new()),
        Resolution::Mapped { backend, mapping } => {
            let (username, groups) = render(mapping, identity, values).map_err(UserError::Template)?;
            (backend, username, groups)
        }
    };
    if username.is_empty() {
        return Err(UserError::EmptyUsername);
    }
    if username == NODE_USERNAME_PREFIX {
        return Err(UserError::NamelessNode);
    }
    if let Some(prefix) = ReservedPrefixes::violated_by(&policy.reserved_prefixes, backend, &username) {
        let prefix = prefix.to_string();
        return Err(UserError::Reserved { username, prefix, backend });
    }
    Ok(match policy.scrubbed_accounts.contains(&identity.account) {
        true => UserInfo {
            uid: alloc::format!("aws-iam-authenticator:administrative:{username}"),
            username,
            groups,
            extra: None,
        },
        false => UserInfo { username, uid: identity.uid(), groups, extra: Some(extra(identity)) },
    })
}

fn render(mapping: &Mapping, identity: &Identity, values: &Values<'_>) -> Result<(String, Vec<String>), TemplateError> {
    let username = match &mapping.username {
        Some(template) => template.render(identity, values)?,
        None => identity.canonical.to_string(),
    };
    let groups = mapping.groups.iter().map(|group| group.render(identity, values)).collect::<Result<_, _>>()?;
    Ok((username, groups))
}

fn extra(identity: &Identity) -> Extra {
    let principal_id = vec![identity.user_id.to_string()];
    Extra {
        access_key_id: vec![identity.access_key_id.to_string()],
        arn: vec![identity.arn.to_string()],
        canonical_arn: vec![identity.canonical.to_string()],
        qualified_principal_id: principal_id.clone(),
        principal_id,
        session_name: vec![identity.session_name.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws_auth::{Section, read_section};
    use crate::mapping::{RolePaths, Snapshot, resolve};
    use crate::testing::identity;

    const CALLER: &str = "arn:aws:sts::111122223333:assumed-role/Dev/bob@example.com";

    fn user(row: &str, policy: &MappingPolicy) -> Result<UserInfo, UserError> {
        let rows = read_section(Section::MapRoles, row).unwrap();
        let snapshot = Snapshot::new(Backend::EksConfigMap, [&rows], RolePaths::Match);
        let identity = identity(CALLER, "bob@example.com");
        user_info(resolve([&snapshot], &identity), &identity, &Values::default(), policy)
    }

    fn row(fields: &str) -> String {
        alloc::format!("- {{rolearn: 'arn:aws:iam::111122223333:role/Dev', {fields}}}")
    }

    #[test]
    fn user_has_the_form_that_the_go_authenticator_sends() {
        let user =
            user(&row("username: 'dev:{{SessionName}}', groups: [a, 'team-{{AccountID}}', a]"), &Default::default());
        insta::assert_snapshot!(serde_json::to_string_pretty(&user.unwrap()).unwrap(), @r#"
        {
          "username": "dev:bob-example.com",
          "uid": "aws-iam-authenticator:111122223333:AROAEXAMPLE",
          "groups": [
            "a",
            "team-111122223333",
            "a"
          ],
          "extra": {
            "accessKeyId": [
              "ASIAIOSFODNN7EXAMPLE"
            ],
            "arn": [
              "arn:aws:sts::111122223333:assumed-role/Dev/bob@example.com"
            ],
            "canonicalArn": [
              "arn:aws:iam::111122223333:role/Dev"
            ],
            "principalId": [
              "AROAEXAMPLE"
            ],
            "sessionName": [
              "bob@example.com"
            ],
            "sigs.k8s.io/aws-iam-authenticator/principalId": [
              "AROAEXAMPLE"
            ]
          }
        }
        "#);
    }

    #[test]
    fn a_row_without_username_gives_the_canonical_arn() {
        assert_eq!(
            user(&row("groups: [a]"), &Default::default()).unwrap().username,
            "arn:aws:iam::111122223333:role/Dev"
        );
        assert_eq!(
            user(&row("username: ''"), &Default::default()).unwrap().username,
            "arn:aws:iam::111122223333:role/Dev"
        );
    }

    #[test]
    fn reserved_prefixes_count_after_rendering() {
        let rules = |backend| MappingPolicy {
            reserved_prefixes: vec![ReservedPrefixes {
                backend,
                prefixes: vec!["".into(), "system:".into(), "bob".into()],
            }],
            ..Default::default()
        };
        let row = row("username: '{{SessionNameRaw}}'");
        assert!(matches!(
            user(&row, &rules(Backend::EksConfigMap)),
            Err(UserError::Reserved { prefix, .. }) if prefix == "bob"
        ));
        assert!(user(&row, &rules(Backend::MountedFile)).is_ok());
    }

    #[test]
    fn scrubbed_accounts_pass_on_the_username_only() {
        let policy = MappingPolicy { scrubbed_accounts: vec!["111122223333".parse().unwrap()], ..Default::default() };
        let user = user(&row("username: ops"), &policy).unwrap();
        assert_eq!((user.uid.as_str(), user.extra), ("aws-iam-authenticator:administrative:ops", None));
    }

    #[test]
    fn no_node_is_without_a_name() {
        let rows = "- {userarn: 'arn:aws:iam::111122223333:user/bob', username: 'system:node:{{SessionName}}'}";
        let rows = read_section(Section::MapUsers, rows).unwrap();
        let snapshot = Snapshot::new(Backend::EksConfigMap, [&rows], RolePaths::Match);
        let identity = identity("arn:aws:iam::111122223333:user/bob", "");
        let user = user_info(resolve([&snapshot], &identity), &identity, &Values::default(), &Default::default());
        assert_eq!(user, Err(UserError::NamelessNode));
    }

    #[test]
    fn stranger_is_not_mapped() {
        assert_eq!(user("[]", &Default::default()), Err(UserError::NotMapped));
    }
}
