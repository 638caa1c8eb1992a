//! Newtypes for every identifier that AWS or Kubernetes hands us.

use alloc::string::{String, ToString as _};
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits;

/// Why a text is not the identifier it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// An account ID is twelve digits.
    #[error("an AWS account ID has exactly twelve digits")]
    AccountId,
    /// An access key ID is 16 to 128 word characters (IAM API, `AccessKeyId`).
    #[error("an access key ID has 16 to 128 letters and digits")]
    AccessKeyId,
    /// A cluster ID travels as the value of an HTTP header.
    #[error("a cluster ID has 1 to 256 printable ASCII characters and no blank at either end")]
    ClusterId,
    /// A session name is part of an ARN.
    #[error("a session name has at most 256 characters and neither a colon nor control characters")]
    SessionName,
    /// A unique ID such as `AROA…`.
    #[error("a unique ID has 1 to 128 letters and digits")]
    UniqueId,
    /// An instance ID has one of the two forms that EC2 has used.
    #[error("an EC2 instance ID is `i-` and 8 or 17 letters and digits")]
    InstanceId,
}

/// A twelve-digit AWS account ID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId([u8; 12]);

impl FromStr for AccountId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let digits: [u8; 12] = text.as_bytes().try_into().map_err(|_| IdError::AccountId)?;
        if digits.iter().all(u8::is_ascii_digit) { Ok(Self(digits)) } else { Err(IdError::AccountId) }
    }
}

impl AccountId {
    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Gives a text newtype its reading, printing and serde forms.
macro_rules! text_id {
    ($name:ident, $error:expr, $valid:expr) => {
        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.to_string())) } else { Err($error) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// The ID that binds a token to one cluster: the signed header `x-k8s-aws-id`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClusterId(String);

text_id!(ClusterId, IdError::ClusterId, |text| {
    !text.is_empty()
        && text.len() <= limits::CLUSTER_ID_BYTES
        && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
        && text.trim_matches(' ').len() == text.len()
});

/// The public half of an access key, as the caller claims it in the token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccessKeyId(String);

text_id!(AccessKeyId, IdError::AccessKeyId, |text| {
    (16..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
});

/// The name a caller chose for its session of a role. Never trusted as identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SessionName(String);

text_id!(SessionName, IdError::SessionName, |text| {
    text.len() <= 256 && !text.chars().any(|c| c.is_control() || c == ':')
});

/// IAM's unique ID of a user or role, `AIDA…` or `AROA…`, never reused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UniqueId(String);

text_id!(UniqueId, IdError::UniqueId, |text| {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
});

/// The ID of an EC2 instance. As a session name it is the caller's word only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId(String);

// The Go authenticator takes word characters, not only hexadecimal digits.
text_id!(InstanceId, IdError::InstanceId, |text| {
    text.strip_prefix("i-").is_some_and(|id| {
        matches!(id.len(), 8 | 17) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
});

impl InstanceId {
    /// Whether EC2 could have given it: those it gives are hexadecimal, in lower case.
    pub fn is_plausible(&self) -> bool {
        self.0.bytes().skip(2).all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }
}

impl Serialize for AccountId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_id_is_twelve_digits() {
        assert_eq!("012345678901".parse::<AccountId>().unwrap().as_str(), "012345678901");
        for bad in ["", "12345678901", "1234567890123", "12345678901x", "１２３４", "+12345678901"] {
            assert_eq!(bad.parse::<AccountId>(), Err(IdError::AccountId), "{bad}");
        }
    }

    #[test]
    fn cluster_id_fits_an_http_header() {
        assert!("my-cluster.example.com".parse::<ClusterId>().is_ok());
        assert!("two words".parse::<ClusterId>().is_ok());
        assert!("c".repeat(limits::CLUSTER_ID_BYTES).parse::<ClusterId>().is_ok());
        assert!("c".repeat(limits::CLUSTER_ID_BYTES + 1).parse::<ClusterId>().is_err());
        for bad in ["", " x", "x ", "a\nb", "a\0b", "clüster"] {
            assert_eq!(bad.parse::<ClusterId>(), Err(IdError::ClusterId), "{bad}");
        }
    }

    #[test]
    fn instance_id_has_one_of_two_lengths() {
        for good in ["i-12345678", "i-0123456789abcdef0"] {
            assert_eq!(good.parse::<InstanceId>().unwrap().as_str(), good);
        }
        for bad in ["", "i-", "i-1234567", "i-0123456789abcdef", "I-12345678", "i-1234567é", "i-1234567/"] {
            assert_eq!(bad.parse::<InstanceId>(), Err(IdError::InstanceId), "{bad}");
        }
    }

    #[test]
    fn instance_ids_that_ec2_gives_are_hexadecimal() {
        for (id, plausible) in
            [("i-12345678", true), ("i-0123456789abcdef0", true), ("i-1234567x", false), ("i-ABCDEF12", false)]
        {
            assert_eq!(id.parse::<InstanceId>().unwrap().is_plausible(), plausible, "{id}");
        }
    }

    #[test]
    fn access_key_id_has_its_bounds() {
        assert!("AKIAIOSFODNN7EXAMPLE".parse::<AccessKeyId>().is_ok());
        for bad in ["", "AKIA", "AKIAIOSFODNN7EXAMPL/", "AKIAIOSFODNN7 EXAMPLE"] {
            assert_eq!(bad.parse::<AccessKeyId>(), Err(IdError::AccessKeyId), "{bad}");
        }
    }
}
