//! Who a caller is, once STS has said so.

use alloc::format;
use alloc::string::String;
use core::fmt;

use crate::arn::{Arn, ArnKey, CanonicalArn, PrincipalKind};
use crate::ids::{AccessKeyId, AccountId, IdError, SessionName, UniqueId};
use crate::partition::StsHost;

/// The unique ID of a principal. Kinds are variants, so that the ID of a
/// federated user can never equal the root's, nor a role's a user's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum UserId {
    /// The root of an account; its ID is the account's.
    Root(AccountId),
    /// A user, `AIDA…`.
    User(UniqueId),
    /// A role, `AROA…`, without the session name.
    Role(UniqueId),
    /// A federated user, `ACCOUNT:NAME`.
    Federated {
        /// The account it belongs to.
        account: AccountId,
        /// The name the caller of GetFederationToken chose.
        name: SessionName,
    },
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(account) => account.fmt(f),
            Self::User(id) | Self::Role(id) => id.fmt(f),
            Self::Federated { account, name } => write!(f, "{account}:{name}"),
        }
    }
}

/// Why the `UserId` of a reply does not fit its ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the user ID does not have the form that its ARN demands")]
pub struct UserIdError;

impl From<IdError> for UserIdError {
    fn from(_: IdError) -> Self {
        Self
    }
}

impl UserId {
    /// Reads STS's `UserId` for a principal of a kind; a role's comes as
    /// `ID:SESSION`, and so gives the session name too.
    pub fn parse(text: &str, kind: PrincipalKind, account: AccountId) -> Result<(Self, SessionName), UserIdError> {
        let alone = |id| Ok((id, SessionName::default()));
        match kind {
            PrincipalKind::Root if text == account.as_str() => alone(Self::Root(account)),
            PrincipalKind::Root => Err(UserIdError),
            PrincipalKind::User => alone(Self::User(text.parse()?)),
            PrincipalKind::FederatedUser => {
                let (owner, name) = text.split_once(':').ok_or(UserIdError)?;
                if owner != account.as_str() {
                    return Err(UserIdError);
                }
                alone(Self::Federated { account, name: name.parse()? })
            }
            PrincipalKind::Role | PrincipalKind::AssumedRole => {
                let (id, session) = text.split_once(':').ok_or(UserIdError)?;
                Ok((Self::Role(id.parse()?), session.parse()?))
            }
        }
    }
}

/// A verified caller: what STS answered, and the access key that signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// As STS returned it.
    pub arn: Arn,
    /// The session of a role turned into the role.
    pub canonical: CanonicalArn,
    /// [`CanonicalArn::key`], kept because every login looks it up.
    pub key: ArnKey,
    /// The account.
    pub account: AccountId,
    /// The unique ID.
    pub user_id: UserId,
    /// Chosen by the caller; empty for users.
    pub session_name: SessionName,
    /// The access key the caller signed with.
    pub access_key_id: AccessKeyId,
    /// The STS host that vouched.
    pub sts_host: StsHost,
}

impl Identity {
    /// The `uid` of the Kubernetes user.
    pub fn uid(&self) -> String {
        format!("aws-iam-authenticator:{}:{}", self.account, self.user_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> AccountId {
        "123456789012".parse().unwrap()
    }

    #[test]
    fn ids_of_different_kinds_are_never_equal() {
        let root = UserId::parse("123456789012", PrincipalKind::Root, account()).unwrap().0;
        let federated = UserId::parse("123456789012:root", PrincipalKind::FederatedUser, account()).unwrap().0;
        let user = UserId::parse("AIDAEXAMPLE", PrincipalKind::User, account()).unwrap().0;
        let role = UserId::parse("AIDAEXAMPLE:x", PrincipalKind::AssumedRole, account()).unwrap().0;
        for (a, b) in [(&root, &federated), (&user, &role), (&root, &user)] {
            assert_ne!(a, b);
        }
    }

    #[test]
    fn malformed_ids_are_refused() {
        let cases = [
            ("999999999999", PrincipalKind::Root),
            ("123456789012", PrincipalKind::FederatedUser),
            ("999999999999:bob", PrincipalKind::FederatedUser),
            ("AROAEXAMPLE", PrincipalKind::AssumedRole),
            ("AROAEXAMPLE:a:b", PrincipalKind::AssumedRole),
            ("AIDA EXAMPLE", PrincipalKind::User),
            ("", PrincipalKind::User),
        ];
        for (text, kind) in cases {
            assert!(UserId::parse(text, kind, account()).is_err(), "{text} as {kind:?}");
        }
    }

    #[test]
    fn role_ids_give_the_session_name() {
        let (id, session) = UserId::parse("AROAEXAMPLE:i-0abc", PrincipalKind::AssumedRole, account()).unwrap();
        assert_eq!((id.to_string().as_str(), session.as_str()), ("AROAEXAMPLE", "i-0abc"));
    }

    use std::string::ToString as _;
}
