//! ARNs of everybody who can sign a request: users, roles and their sessions,
//! federated users and the root of an account; and those of instance profiles,
//! which hold a role.

mod instance_profile;

pub use instance_profile::InstanceProfileArn;

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use crate::ids::AccountId;
use crate::limits;
use crate::partition::Partition;

/// Why a text is not the ARN of a principal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArnError {
    /// It does not start with `arn:`.
    #[error("an ARN starts with `arn:`")]
    Prefix,
    /// It has fewer than six sections.
    #[error("an ARN has six sections, separated by colons")]
    Sections,
    /// Longer than IAM allows.
    #[error("an ARN has at most 2048 characters")]
    TooLong,
    /// A blank, a control character or text outside ASCII.
    #[error("an ARN holds neither blanks nor control characters")]
    Character,
    /// The second section names no partition.
    #[error("`{0}` is not an AWS partition")]
    Partition(String),
    /// The fifth section is not an account.
    #[error("`{0}` is not a twelve-digit account ID")]
    Account(String),
    /// The service has no principals.
    #[error("service `{0}` has no principals; an ARN of `iam` or `sts` is needed")]
    Service(String),
    /// An instance profile contains a role but is none.
    #[error("an instance profile is not a principal; use the ARN of the role inside it")]
    InstanceProfile,
    /// An instance profile was needed.
    #[error("`{0}` is not an instance profile of IAM")]
    NoProfile(String),
    /// The resource can't sign requests.
    #[error("`{0}` is not a principal; a user, role, assumed role, federated user or root is needed")]
    Resource(String),
    /// A role or session without a name.
    #[error("the ARN ends before the name of the principal")]
    Name,
}

/// What kind of principal an ARN names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// `arn:…:iam::ACCOUNT:root`
    Root,
    /// `arn:…:iam::ACCOUNT:user/PATH/NAME`
    User,
    /// `arn:…:iam::ACCOUNT:role/PATH/NAME`
    Role,
    /// `arn:…:sts::ACCOUNT:assumed-role/NAME/SESSION`
    AssumedRole,
    /// `arn:…:sts::ACCOUNT:federated-user/NAME`
    FederatedUser,
}

/// The ARN of a principal, as it was received.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Arn {
    text: String,
    partition: Partition,
    account: AccountId,
    kind: PrincipalKind,
    /// Path and name of a user or role, without the session of an assumed role.
    name: String,
}

impl FromStr for Arn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let Sections { partition, service, account, resource } = Sections::of(text)?;
        let (kind, name) = principal(service, resource)?;
        let account = account.parse().map_err(|_| ArnError::Account(account.to_owned()))?;
        Ok(Self { text: text.to_owned(), partition, account, kind, name: name.to_owned() })
    }
}

/// What an ARN is made of; the region says nothing in ARNs of IAM and STS.
struct Sections<'a> {
    partition: Partition,
    service: &'a str,
    account: &'a str,
    resource: &'a str,
}

impl<'a> Sections<'a> {
    fn of(text: &'a str) -> Result<Self, ArnError> {
        if text.len() > limits::ARN_BYTES {
            return Err(ArnError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ArnError::Character);
        }
        let rest = text.strip_prefix("arn:").ok_or(ArnError::Prefix)?;
        let mut sections = rest.splitn(5, ':');
        let mut section = || sections.next().ok_or(ArnError::Sections);
        let (partition, service, _region, account, resource) =
            (section()?, section()?, section()?, section()?, section()?);
        let partition = partition.parse().map_err(|_| ArnError::Partition(partition.to_owned()))?;
        Ok(Self { partition, service, account, resource })
    }
}

/// The kind of principal a resource section names, and its path and name.
fn principal<'a>(service: &str, resource: &'a str) -> Result<(PrincipalKind, &'a str), ArnError> {
    let (word, name) = resource.split_once('/').unwrap_or((resource, ""));
    let named = |kind| if name.is_empty() || name.ends_with('/') { Err(ArnError::Name) } else { Ok((kind, name)) };
    match (service, word) {
        ("iam", "root") if name.is_empty() => Ok((PrincipalKind::Root, "")),
        ("iam", "user") => named(PrincipalKind::User),
        ("iam", "role") => named(PrincipalKind::Role),
        ("iam", "instance-profile") => Err(ArnError::InstanceProfile),
        ("sts", "federated-user") => named(PrincipalKind::FederatedUser),
        ("sts", "assumed-role") => match name.rsplit_once('/') {
            Some((role, _session)) if !role.is_empty() && !role.ends_with('/') => {
                Ok((PrincipalKind::AssumedRole, role))
            }
            _ => Err(ArnError::Name),
        },
        ("iam" | "sts", _) => Err(ArnError::Resource(word.to_owned())),
        _ => Err(ArnError::Service(service.to_owned())),
    }
}

impl Arn {
    /// The text as received.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The partition.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The account.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// What kind of principal it names.
    pub fn kind(&self) -> PrincipalKind {
        self.kind
    }

    /// The form under which mappings and logs know the principal: the session
    /// of a role becomes the role, everything else stays as it is.
    pub fn canonical(&self) -> CanonicalArn {
        let text = match self.kind {
            PrincipalKind::AssumedRole => {
                format!("arn:{}:iam::{}:role/{}", self.partition, self.account, self.name)
            }
            PrincipalKind::Root | PrincipalKind::User | PrincipalKind::Role | PrincipalKind::FederatedUser => {
                self.text.clone()
            }
        };
        CanonicalArn(text)
    }

    /// The canonical form with the path of a role removed: STS never reports
    /// the path, so only this form can match a caller. Users keep theirs.
    pub fn without_role_path(&self) -> CanonicalArn {
        match (self.kind, self.name.rsplit_once('/')) {
            (PrincipalKind::Role | PrincipalKind::AssumedRole, Some((_path, name))) => {
                CanonicalArn(format!("arn:{}:iam::{}:role/{name}", self.partition, self.account))
            }
            _ => self.canonical(),
        }
    }

    /// Whether the ARN of a role shows the role's path.
    pub fn has_role_path(&self) -> bool {
        matches!(self.kind, PrincipalKind::Role | PrincipalKind::AssumedRole) && self.name.contains('/')
    }

    /// Name of the role, if this is a role or a session of one, without path.
    pub fn role_name(&self) -> Option<&str> {
        match self.kind {
            PrincipalKind::Role | PrincipalKind::AssumedRole => self.name.rsplit('/').next(),
            PrincipalKind::Root | PrincipalKind::User | PrincipalKind::FederatedUser => None,
        }
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An ARN in canonical form, letter case kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CanonicalArn(String);

impl CanonicalArn {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text that is compared: IAM names are unique ignoring letter case.
    pub fn key(&self) -> ArnKey {
        ArnKey(self.0.to_ascii_lowercase())
    }
}

impl fmt::Display for CanonicalArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A canonical ARN in lower case: what two ARNs share when they name the same
/// principal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ArnKey(String);

impl ArnKey {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(text: &str) -> Result<String, ArnError> {
        text.parse::<Arn>().map(|arn| arn.canonical().as_str().to_owned())
    }

    #[test]
    fn sessions_become_roles_and_all_else_stays() {
        let cases = [
            ("arn:aws:sts::123456789012:assumed-role/Admin/alice", "arn:aws:iam::123456789012:role/Admin"),
            ("arn:aws:sts::123456789012:assumed-role/Admin/", "arn:aws:iam::123456789012:role/Admin"),
            ("arn:aws:sts:us-east-1:123456789012:assumed-role/Admin/a", "arn:aws:iam::123456789012:role/Admin"),
            ("arn:aws-cn:sts::123456789012:assumed-role/x/y/R/S", "arn:aws-cn:iam::123456789012:role/x/y/R"),
            ("arn:aws:sts::123456789012:federated-user/Bob", "arn:aws:sts::123456789012:federated-user/Bob"),
            ("arn:aws:iam::123456789012:role/team/Dev", "arn:aws:iam::123456789012:role/team/Dev"),
            ("arn:aws:iam::123456789012:user/div/Bob", "arn:aws:iam::123456789012:user/div/Bob"),
            ("arn:aws-us-gov:iam::123456789012:root", "arn:aws-us-gov:iam::123456789012:root"),
        ];
        for (given, wanted) in cases {
            assert_eq!(canonical(given).as_deref(), Ok(wanted), "{given}");
        }
    }

    #[test]
    fn every_wrong_form_is_named() {
        let cases = [
            ("", ArnError::Prefix),
            ("ARN:aws:iam::123456789012:role/x", ArnError::Prefix),
            ("arn:aws:iam::123456789012", ArnError::Sections),
            ("arn:aws:iam::123456789012:role/x ", ArnError::Character),
            ("arn:aws:iam::123456789012:role/\n", ArnError::Character),
            ("arn:aws-us-govt:iam::123456789012:role/x", ArnError::Partition("aws-us-govt".into())),
            ("arn:aws:iam:::role/x", ArnError::Account(String::new())),
            ("arn:aws:iam::12345678901:role/x", ArnError::Account("12345678901".into())),
            ("arn:aws:s3::123456789012:bucket", ArnError::Service("s3".into())),
            ("arn:aws:iam::123456789012:instance-profile/x", ArnError::InstanceProfile),
            ("arn:aws:iam::123456789012:group/x", ArnError::Resource("group".into())),
            ("arn:aws:iam::123456789012:role", ArnError::Name),
            ("arn:aws:iam::123456789012:role/", ArnError::Name),
            ("arn:aws:iam::123456789012:role/x/", ArnError::Name),
            ("arn:aws:iam::123456789012:root/x", ArnError::Resource("root".into())),
            ("arn:aws:sts::123456789012:assumed-role/x", ArnError::Name),
            ("arn:aws:sts::123456789012:assumed-role//s", ArnError::Name),
            ("arn:aws:sts::123456789012:assumed-role/x//s", ArnError::Name),
        ];
        for (given, wanted) in cases {
            assert_eq!(given.parse::<Arn>(), Err(wanted), "{given}");
        }
    }

    #[test]
    fn length_is_bounded() {
        let arn = |len: usize| format!("arn:aws:iam::123456789012:role/{}", "r".repeat(len - 31));
        assert!(arn(limits::ARN_BYTES).parse::<Arn>().is_ok());
        assert_eq!(arn(limits::ARN_BYTES + 1).parse::<Arn>(), Err(ArnError::TooLong));
    }

    #[test]
    fn only_roles_lose_their_path() {
        let stripped = |text: &str| text.parse::<Arn>().unwrap().without_role_path().as_str().to_owned();
        assert_eq!(stripped("arn:aws:iam::123456789012:role/a/b/x"), "arn:aws:iam::123456789012:role/x");
        assert_eq!(stripped("arn:aws:sts::123456789012:assumed-role/x/s"), "arn:aws:iam::123456789012:role/x");
        assert_eq!(stripped("arn:aws:iam::123456789012:user/a/bob"), "arn:aws:iam::123456789012:user/a/bob");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}") {
            let _ = text.parse::<Arn>();
        }

        #[test]
        fn canonical_form_is_a_fixed_point(name in "[A-Za-z0-9+=,.@_-]{1,20}", session in "[A-Za-z0-9+=,.@_-]{0,20}") {
            let arn: Arn = format!("arn:aws:sts::123456789012:assumed-role/{name}/{session}").parse().unwrap();
            let again: Arn = arn.canonical().as_str().parse().unwrap();
            prop_assert_eq!(again.canonical(), arn.canonical());
        }
    }
}
