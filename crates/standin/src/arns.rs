//! The few ARN rules that the services themselves apply.

/// A role's ARN, `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RoleArn<'a> {
    pub(crate) partition: &'a str,
    pub(crate) account: &'a str,
    /// The last element: STS drops the path.
    pub(crate) name: &'a str,
}

impl<'a> RoleArn<'a> {
    pub(crate) fn parse(arn: &'a str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let (prefix, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let name = resource.strip_prefix("role/")?.rsplit('/').next()?;
        let plausible = prefix == "arn"
            && !partition.is_empty()
            && service == "iam"
            && region.is_empty()
            && is_account(account)
            && !name.is_empty();
        plausible.then_some(Self { partition, account, name })
    }

    /// The ARN of a session of this role.
    pub(crate) fn session(self, session_name: &str) -> String {
        let Self { partition, account, name } = self;
        format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session_name}")
    }
}

/// The partition of any ARN.
pub(crate) fn partition(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').next().filter(|partition| !partition.is_empty())
}

/// The account of any ARN, if it has one.
pub(crate) fn account(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| is_account(account))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_drops_the_path_of_its_role() {
        let role = RoleArn::parse("arn:aws-cn:iam::111122223333:role/team/a/Admin").unwrap();
        assert_eq!(role.account, "111122223333");
        assert_eq!(role.session("jo"), "arn:aws-cn:sts::111122223333:assumed-role/Admin/jo");
    }

    #[test]
    fn what_is_not_a_role_is_refused() {
        for arn in [
            "",
            "arn:aws:iam::111122223333:user/jo",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::1111:role/a",
            "arn:aws:sts::111122223333:assumed-role/a/b",
            "arn:aws:iam:us-east-1:111122223333:role/a",
        ] {
            assert_eq!(RoleArn::parse(arn), None, "{arn}");
        }
    }

    #[test]
    fn an_account_is_twelve_digits() {
        assert_eq!(account("arn:aws:iam::111122223333:root"), Some("111122223333"));
        assert_eq!(account("arn:aws:s3:::bucket"), None);
    }

    #[test]
    fn a_partition_is_what_follows_the_first_colon() {
        assert_eq!(partition("arn:aws-cn:iam::111122223333:root"), Some("aws-cn"));
        assert_eq!((partition("arn:"), partition("jo")), (None, None));
    }
}
