//! What the stand-in knows: its keys, roles, sign-ins, machines and what is built of them.

use std::fmt;

use jiff::Timestamp;

use crate::arns;
use crate::calls::Recording;
use crate::clock::Clock;
use crate::cloudformation::Stack;
use crate::ec2::{Ec2Instance, TokenBucket};
use crate::eks::{Cluster, Nodegroup};
use crate::iam::InstanceProfile;

/// Everything the stand-in is told at its start. The default knows nobody.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The access keys whose signatures are accepted.
    pub keys: Vec<Key>,
    /// The roles that exist.
    pub roles: Vec<Role>,
    /// What `AssumeRoleWithWebIdentity` accepts.
    pub web_identities: Vec<WebIdentity>,
    /// What the IAM Identity Center portal gives credentials for.
    pub sso: Vec<SsoAccess>,
    /// The clusters of EKS.
    pub clusters: Vec<Cluster>,
    /// The node groups of those clusters.
    pub nodegroups: Vec<Nodegroup>,
    /// The instances of EC2.
    pub instances: Vec<Ec2Instance>,
    /// How many calls EC2 takes; any number if not set.
    pub ec2_bucket: Option<TokenBucket>,
    /// The instance profiles of IAM.
    pub profiles: Vec<InstanceProfile>,
    /// The stacks of CloudFormation.
    pub stacks: Vec<Stack>,
    /// Permissions that nobody has, such as `ec2:DescribeInstances`.
    pub denied: Vec<String>,
    /// Fewer things in one page of a list than the service gives.
    pub page_size: Option<usize>,
    /// The machine instance metadata tells of; without it those paths are not found.
    pub instance: Option<Instance>,
    /// The container that credentials are given to; without it the path is not found.
    pub container: Option<Container>,
    /// The certificate of the HTTPS listener.
    pub certificate: Certificate,
    /// How many calls are remembered.
    pub recording: Recording,
    /// The clock.
    pub clock: Clock,
}

/// An access key and whose it is.
#[derive(Clone)]
pub struct Key {
    /// `AKIA…` for a long-term key, `ASIA…` for a temporary one.
    pub access_key_id: String,
    /// The secret that signatures are made with.
    pub secret_access_key: String,
    /// A temporary key's session token. A request must carry exactly this one.
    pub session_token: Option<String>,
    /// Who signs with it.
    pub principal: Principal,
    /// From this instant requests are answered with `ExpiredToken`.
    pub expires: Option<Timestamp>,
}

impl Key {
    /// A long-term key.
    pub fn long_term(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
        principal: Principal,
    ) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            session_token: None,
            principal,
            expires: None,
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("access_key_id", &self.access_key_id)
            .field("principal", &self.principal)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// An identity as `GetCallerIdentity` reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// For example `arn:aws:iam::111122223333:user/jo`.
    pub arn: String,
    /// The account, twelve digits.
    pub account: String,
    /// For example `AIDA…`, or `AROA…:SESSION` for a role's session.
    pub user_id: String,
}

impl Principal {
    /// A principal of the account its ARN names (none if it names none).
    pub fn new(arn: impl Into<String>, user_id: impl Into<String>) -> Self {
        let arn = arn.into();
        Self { account: arns::account(&arn).unwrap_or_default().to_owned(), arn, user_id: user_id.into() }
    }
}

/// A role and who may take it.
#[derive(Clone)]
pub struct Role {
    /// `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`; the path is optional.
    pub arn: String,
    /// The unique id, `AROA…`.
    pub role_id: String,
    /// Who may take it with `AssumeRole`.
    pub trust: Trust,
    /// The external id that must be named.
    pub external_id: Option<String>,
    /// The MFA device and code that must be given.
    pub mfa: Option<Mfa>,
    /// The ARN of the resource on whose behalf it must be taken (`x-amz-source-arn`).
    pub source_arn: Option<String>,
    /// The longest session in seconds; AWS allows 3600 to 43200.
    pub max_session_seconds: i64,
}

impl Role {
    /// A role that anyone may take, for an hour at most.
    pub fn new(arn: impl Into<String>, role_id: impl Into<String>) -> Self {
        Self {
            arn: arn.into(),
            role_id: role_id.into(),
            trust: Trust::Anyone,
            external_id: None,
            mfa: None,
            source_arn: None,
            max_session_seconds: 3600,
        }
    }
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Role")
            .field("arn", &self.arn)
            .field("role_id", &self.role_id)
            .field("trust", &self.trust)
            .finish_non_exhaustive()
    }
}

/// Whom a role's trust policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Every known principal.
    Anyone,
    /// These: a user's ARN, a role's ARN (for all its sessions), a session's ARN, or
    /// `arn:PARTITION:iam::ACCOUNT:root` for a whole account.
    Principals(Vec<String>),
}

/// An MFA device with the one code it accepts.
#[derive(Clone)]
pub struct Mfa {
    /// For example `arn:aws:iam::111122223333:mfa/jo`.
    pub serial: String,
    /// Six digits.
    pub code: String,
}

impl fmt::Debug for Mfa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mfa").field("serial", &self.serial).finish_non_exhaustive()
    }
}

/// A token of another identity provider and the role it opens.
#[derive(Clone)]
pub struct WebIdentity {
    /// The token, compared as it is.
    pub token: String,
    /// The role; one of [`Settings::roles`].
    pub role_arn: String,
    /// The token's subject, told in the reply.
    pub subject: String,
    /// The token's audience, told in the reply.
    pub audience: String,
    /// The provider, told in the reply.
    pub provider: String,
}

impl fmt::Debug for WebIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebIdentity")
            .field("role_arn", &self.role_arn)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// A permission set that a signed-in user of IAM Identity Center has in one account.
#[derive(Clone)]
pub struct SsoAccess {
    /// The access token of the sign-in, as `aws sso login` caches it.
    pub access_token: String,
    /// The account asked for.
    pub account_id: String,
    /// The permission set asked for (`sso_role_name`).
    pub permission_set: String,
    /// The role behind it, `AWSReservedSSO_…`; one of [`Settings::roles`].
    pub role_arn: String,
    /// The user, which names the session.
    pub user: String,
}

impl fmt::Debug for SsoAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SsoAccess")
            .field("account_id", &self.account_id)
            .field("permission_set", &self.permission_set)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// The EC2 instance that instance metadata tells of.
#[derive(Clone, Debug)]
pub struct Instance {
    /// `i-…`, which also names the session.
    pub instance_id: String,
    /// For example `us-east-1`.
    pub region: String,
    /// The instance's role; one of [`Settings::roles`].
    pub role_arn: String,
}

/// The container that credentials are given to.
#[derive(Clone)]
pub struct Container {
    /// The role; one of [`Settings::roles`].
    pub role_arn: String,
    /// The session's name.
    pub session_name: String,
    /// The `Authorization` header a client must send.
    pub authorization: Option<String>,
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Container")
            .field("role_arn", &self.role_arn)
            .field("session_name", &self.session_name)
            .finish_non_exhaustive()
    }
}

/// The certificate that the HTTPS listener shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Certificate {
    /// Signed by the stand-in's authority for the host asked for.
    #[default]
    Trusted,
    /// For the right host, signed by another authority.
    UntrustedAuthority,
    /// Signed by the stand-in's authority for another host.
    WrongName,
}
