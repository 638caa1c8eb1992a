//! A mapping as it is asked for, and what eksctl says about impossible ones.

use alloc::string::String;
use alloc::vec::Vec;

use super::plan::Refusal;
use super::service;
use crate::aws_auth::Section;

/// One mapping to create, from flags or from a ClusterConfig. Empty texts are
/// texts that were not given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping {
    /// ARN of a role or user.
    pub arn: String,
    /// Pattern of the username.
    pub username: String,
    /// Patterns of the groups.
    pub groups: Vec<String>,
    /// A whole account.
    pub account: String,
    /// An AWS service; only `emr-containers` is known.
    pub service_name: String,
    /// Namespace the service gets rights in.
    pub namespace: String,
    /// Refuse an ARN that is mapped already.
    pub no_duplicate_arns: bool,
}

/// Checks all mappings before anything is done: first the options of each that
/// exclude each other, then what is wrong with a single value.
///
/// # Errors
///
/// The first problem, in eksctl's order and words.
pub fn validate(mappings: &[Mapping]) -> Result<(), Refusal> {
    mappings.iter().try_for_each(Mapping::validate_options)?;
    mappings.iter().try_for_each(|mapping| match mapping.kind() {
        Kind::Service => service::is_known(&mapping.service_name),
        Kind::Account => Ok(()),
        Kind::Principal => mapping.section().map(|_| ()),
    })
}

/// Which of the three forms a mapping has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A role or user.
    Principal,
    /// A whole account.
    Account,
    /// An AWS service.
    Service,
}

impl Mapping {
    pub(super) fn kind(&self) -> Kind {
        match (self.service_name.is_empty(), self.account.is_empty()) {
            (false, _) => Kind::Service,
            (true, false) => Kind::Account,
            (true, true) => Kind::Principal,
        }
    }

    /// Whether RBAC objects are part of the mapping.
    pub fn is_service(&self) -> bool {
        self.kind() == Kind::Service
    }

    fn validate_options(&self) -> Result<(), Refusal> {
        let (has_arn, has_username, has_groups) =
            (!self.arn.is_empty(), !self.username.is_empty(), !self.groups.is_empty());
        let (has_service, has_namespace) = (!self.service_name.is_empty(), !self.namespace.is_empty());
        match (has_service, has_namespace) {
            (true, false) => Err(Refusal::ServiceWithoutNamespace),
            // Only all three together are a conflict; fewer are ignored.
            (true, true) if has_arn && has_username && has_groups => Err(Refusal::ServiceWithArn),
            (false, true) => Err(Refusal::NamespaceWithoutService),
            _ => Ok(()),
        }?;
        let has_account = !self.account.is_empty();
        if has_account && (has_arn || has_username || has_groups || has_service || has_namespace) {
            return Err(Refusal::AccountWithOthers);
        }
        Ok(())
    }

    /// The section that the ARN belongs to, checks in eksctl's order.
    pub(super) fn section(&self) -> Result<Section, Refusal> {
        if self.arn.is_empty() {
            return Err(Refusal::EmptyArn);
        }
        if self.username.is_empty() && self.groups.is_empty() {
            return Err(Refusal::NobodyToBe);
        }
        section_of(&self.arn)
    }
}

/// Service, partition, account and region may be anything.
fn section_of(arn: &str) -> Result<Section, Refusal> {
    let rest = arn.strip_prefix("arn:").ok_or(Refusal::ArnPrefix)?;
    let resource = rest.splitn(5, ':').nth(4).ok_or(Refusal::ArnSections)?;
    let kind = resource.split_once('/').map_or(resource, |(kind, _)| kind);
    match kind {
        "role" => Ok(Section::MapRoles),
        "user" => Ok(Section::MapUsers),
        _ => Err(Refusal::NeitherUserNorRole(arn.into())),
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    fn mapping(fields: &[(&str, &str)]) -> Mapping {
        let mut mapping = Mapping::default();
        for (key, value) in fields {
            let value = value.to_string();
            match *key {
                "arn" => mapping.arn = value,
                "username" => mapping.username = value,
                "group" => mapping.groups.push(value),
                "account" => mapping.account = value,
                "service" => mapping.service_name = value,
                "namespace" => mapping.namespace = value,
                _ => unreachable!(),
            }
        }
        mapping
    }

    fn refusal(fields: &[(&str, &str)]) -> String {
        validate(&[mapping(fields)]).map_or_else(|refusal| refusal.to_string(), |()| "fine".to_string())
    }

    const ROLE: (&str, &str) = ("arn", "arn:aws:iam::111122223333:role/x");

    #[test]
    fn options_that_exclude_each_other() {
        let (username, group) = (("username", "u"), ("group", "g"));
        let (account, service, namespace) = (("account", "1"), ("service", "emr-containers"), ("namespace", "emr"));
        for other in [ROLE, username, group] {
            assert_eq!(refusal(&[account, other]), "account cannot be configured with any other options");
        }
        assert_eq!(refusal(&[account, namespace]), "serviceName is required when using namespace");
        assert_eq!(refusal(&[account, service]), "namespace is required when using serviceName");
        assert_eq!(refusal(&[account, service, namespace]), "account cannot be configured with any other options");
        assert_eq!(refusal(&[service]), "namespace is required when using serviceName");
        assert_eq!(refusal(&[service, username]), "namespace is required when using serviceName");
        assert_eq!(refusal(&[namespace, ROLE, username]), "serviceName is required when using namespace");
        let all = [service, namespace, ROLE, username, group];
        assert_eq!(refusal(&all), "cannot use arn, username, and groups with serviceName");
        assert_eq!(refusal(&all[..4]), "fine");
        assert_eq!(refusal(&[service, ROLE, username, group]), "namespace is required when using serviceName");
        assert_eq!(refusal(&[("service", "EMR-Containers"), namespace]), "invalid service name \"EMR-Containers\"");
    }

    #[test]
    fn principals_are_checked_in_order() {
        let username = ("username", "u");
        assert_eq!(refusal(&[]), "expected a valid arn but got empty string");
        assert_eq!(refusal(&[("group", "g")]), "expected a valid arn but got empty string");
        assert_eq!(refusal(&[("arn", "x")]), "neither username nor group are set for iam identity");
        assert_eq!(refusal(&[("arn", " arn:aws:iam::1:role/x"), username]), "arn: invalid prefix");
        assert_eq!(refusal(&[("arn", "ARN:aws:iam::1:role/x"), username]), "arn: invalid prefix");
        assert_eq!(refusal(&[("arn", "arn:aws:iam::1"), username]), "arn: not enough sections");
        for resource in ["root", "group/x", "assumed-role/x/y", "instance-profile/x", "Role/x", "roles", ":role/x"] {
            let arn = std::format!("arn:aws:iam::1:{resource}");
            assert_eq!(refusal(&[("arn", &arn), username]), "arn is neither user nor role", "{arn}");
        }
        for resource in ["role/x", "role", "user/a/b", "role/", "role/a:b"] {
            let arn = std::format!("arn:anything:s3:nowhere:12:{resource}");
            assert_eq!(refusal(&[("arn", &arn), username]), "fine", "{arn}");
        }
    }

    #[test]
    fn conflicts_of_any_item_come_before_values() {
        let (bad_arn, conflict) = (mapping(&[("arn", "x"), ("username", "u")]), mapping(&[("namespace", "n")]));
        assert_eq!(validate(&[bad_arn.clone(), conflict]), Err(Refusal::NamespaceWithoutService));
        assert_eq!(validate(&[bad_arn]), Err(Refusal::ArnPrefix));
    }
}
