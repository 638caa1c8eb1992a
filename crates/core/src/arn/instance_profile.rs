//! ARNs of instance profiles: the box in which an EC2 instance gets its role.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use super::{ArnError, Sections};
use crate::ids::AccountId;
use crate::partition::Partition;

/// `arn:…:iam::ACCOUNT:instance-profile/PATH/NAME`. It is no principal: the role
/// inside it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InstanceProfileArn {
    text: String,
    partition: Partition,
    account: AccountId,
}

impl FromStr for InstanceProfileArn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let Sections { partition, service, account, resource } = Sections::of(text)?;
        let path = resource.strip_prefix("instance-profile/").filter(|_| service == "iam");
        let path = path.ok_or_else(|| ArnError::NoProfile(resource.to_owned()))?;
        if path.rsplit('/').next().is_none_or(str::is_empty) {
            return Err(ArnError::Name);
        }
        let account = account.parse().map_err(|_| ArnError::Account(account.to_owned()))?;
        Ok(Self { text: text.to_owned(), partition, account })
    }
}

impl InstanceProfileArn {
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

    /// The name without its path, by which IAM knows the profile (`GetInstanceProfile`).
    pub fn name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for InstanceProfileArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_stands_after_the_path() {
        for (text, name) in [
            ("arn:aws:iam::111122223333:instance-profile/node", "node"),
            ("arn:aws-cn:iam::111122223333:instance-profile/a/b/node-1", "node-1"),
        ] {
            let arn: InstanceProfileArn = text.parse().unwrap();
            assert_eq!((arn.as_str(), arn.name(), arn.account().as_str()), (text, name, "111122223333"));
        }
    }

    #[test]
    fn what_is_no_profile_is_refused() {
        for bad in [
            "",
            "arn:aws:iam::111122223333:role/node",
            "arn:aws:iam::111122223333:instance-profile/",
            "arn:aws:iam::111122223333:instance-profile/a/",
            "arn:aws:ec2::111122223333:instance-profile/node",
            "arn:aws:iam::1111:instance-profile/node",
            "arn:aws:iam::111122223333:instance-profile/no de",
            "arn:nowhere:iam::111122223333:instance-profile/node",
        ] {
            assert!(bad.parse::<InstanceProfileArn>().is_err(), "{bad}");
        }
    }
}
