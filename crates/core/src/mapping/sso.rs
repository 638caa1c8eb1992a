//! Permission sets of IAM Identity Center.

use alloc::borrow::ToOwned as _;

use crate::arn::Arn;
use crate::aws_auth::SsoPermissionSet;
use crate::ids::AccountId;
use crate::partition::Partition;

impl SsoPermissionSet {
    /// The permission set a role was provisioned for: its name is exactly
    /// `AWSReservedSSO_<name>_<16 lower-case hexadecimal digits>`, in whatever
    /// path. Another set whose name merely starts alike never matches.
    pub fn of_role(arn: &Arn) -> Option<Self> {
        Self::of_role_name(arn.partition(), arn.account(), arn.role_name()?)
    }

    /// The same, for a role whose ARN is already taken apart.
    pub(crate) fn of_role_name(partition: Partition, account: AccountId, name: &str) -> Option<Self> {
        let rest = name.strip_prefix("AWSReservedSSO_")?;
        let (name, suffix) = rest.rsplit_once('_')?;
        let is_suffix = suffix.len() == 16 && suffix.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (is_suffix && !name.is_empty()).then(|| Self { partition, account, name: name.to_owned() })
    }
}
