//! Values that several test modules need.

use std::format;

use crate::arn::{Arn, PrincipalKind};
use crate::authenticator::Mappings;
use crate::aws_auth::Section;
use crate::identity::{Identity, UserId};
use crate::partition::StsHosts;

/// An identity with an ARN and, for roles, a session name.
pub(crate) fn identity(arn: &str, session: &str) -> Identity {
    let arn: Arn = arn.parse().unwrap();
    let user_id = match arn.kind() {
        PrincipalKind::Root => format!("{}", arn.account()),
        PrincipalKind::User => "AIDAEXAMPLE".into(),
        PrincipalKind::FederatedUser => format!("{}:bob", arn.account()),
        PrincipalKind::Role | PrincipalKind::AssumedRole => format!("AROAEXAMPLE:{session}"),
    };
    let (user_id, session_name) = UserId::parse(&user_id, arn.kind(), arn.account()).unwrap();
    Identity {
        key: arn.canonical().key(),
        canonical: arn.canonical(),
        account: arn.account(),
        sts_host: StsHosts::of(arn.partition()).iter().next().unwrap().clone(),
        arn,
        user_id,
        session_name,
        access_key_id: "ASIAIOSFODNN7EXAMPLE".parse().unwrap(),
    }
}

/// A document with these sections.
pub(crate) fn mappings(roles: &str, users: &str, accounts: &str) -> Mappings {
    Mappings::read(|section| {
        Some(match section {
            Section::MapRoles => roles,
            Section::MapUsers => users,
            Section::MapAccounts => accounts,
        })
    })
}
