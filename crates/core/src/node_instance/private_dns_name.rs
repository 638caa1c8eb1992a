//! The private DNS name of an instance, as it becomes part of a username.

use alloc::string::{String, ToString as _};
use core::fmt;
use core::str::FromStr;

/// Longest name, in bytes (RFC 1123, section 2.1, and Kubernetes for names of nodes).
const NAME_BYTES: usize = 253;

/// Longest part of a name between dots, in bytes (RFC 1035, section 2.3.4).
const LABEL_BYTES: usize = 63;

/// A DNS name of letters, digits and hyphens. Its letter case stays as EC2 gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateDnsName(String);

/// Why a text is no DNS name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a DNS name of at most 253 letters, digits, hyphens and dots")]
pub struct PrivateDnsNameError;

impl FromStr for PrivateDnsName {
    type Err = PrivateDnsNameError;

    fn from_str(text: &str) -> Result<Self, PrivateDnsNameError> {
        let is_label = |label: &str| {
            (1..=LABEL_BYTES).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let is_name = text.len() <= NAME_BYTES && text.split('.').all(is_label);
        if is_name { Ok(Self(text.to_string())) } else { Err(PrivateDnsNameError) }
    }
}

impl PrivateDnsName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PrivateDnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn names_that_ec2_gives_are_taken_as_they_are() {
        for name in [
            "ip-10-0-0-1.ec2.internal",
            "ip-10-0-0-1.eu-west-1.compute.internal",
            "i-0123456789abcdef0.us-west-2.compute.internal",
            "ip-10-0-0-1.Example.COM",
            "node",
        ] {
            assert_eq!(name.parse::<PrivateDnsName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn what_is_no_dns_name_is_refused() {
        for bad in ["", " ", ".", "a.", ".a", "a..b", "-a", "a-", "a b", "a,b", "a_b", "a:b", "a\nb", "é", "a.b c"] {
            assert_eq!(bad.parse::<PrivateDnsName>(), Err(PrivateDnsNameError), "{bad:?}");
        }
    }

    #[test]
    fn length_is_bounded() {
        let of = |bytes: usize| format!("{}.{}", ["a".repeat(63).as_str(); 3].join("."), "b".repeat(bytes - 3 * 64));
        assert!(of(253).parse::<PrivateDnsName>().is_ok());
        assert!(of(254).parse::<PrivateDnsName>().is_err());
        assert!("a".repeat(63).parse::<PrivateDnsName>().is_ok());
        assert!("a".repeat(64).parse::<PrivateDnsName>().is_err());
    }
}
