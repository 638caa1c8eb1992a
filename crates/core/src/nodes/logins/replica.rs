//! The name of a replica.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use crate::limits;

/// What tells one replica of the server from the others: a key of a ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaName(String);

/// A text that is no key of a ConfigMap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it must have 1 to 253 letters, digits, `-`, `_` and `.`, and not begin with a dot")]
pub struct ReplicaNameError;

impl FromStr for ReplicaName {
    type Err = ReplicaNameError;

    fn from_str(text: &str) -> Result<Self, ReplicaNameError> {
        let fits = (1..=limits::REPLICA_NAME_BYTES).contains(&text.len());
        match fits && !text.starts_with('.') && text.chars().all(is_known) {
            true => Ok(Self(text.into())),
            false => Err(ReplicaNameError),
        }
    }
}

impl ReplicaName {
    /// The name of a replica on a host, whatever the host is called.
    pub fn of_host(host: &str) -> Self {
        let known = host.chars().map(|char| if is_known(char) { char } else { '-' });
        let name: String = known.skip_while(|char| *char == '.').take(limits::REPLICA_NAME_BYTES).collect();
        Self(if name.is_empty() { "unnamed".into() } else { name })
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReplicaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_known(char: char) -> bool {
    char.is_ascii_alphanumeric() || "-_.".contains(char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_key_of_a_config_map() {
        let longest = "r".repeat(limits::REPLICA_NAME_BYTES);
        for good in ["ip-10-0-0-1.ec2.internal", "A_b-1", &longest] {
            assert_eq!(good.parse::<ReplicaName>().unwrap().as_str(), good);
            assert_eq!(ReplicaName::of_host(good).as_str(), good);
        }
        for (bad, host) in [
            ("", "unnamed"),
            (".", "unnamed"),
            ("..a", "a"),
            ("a b/c", "a-b-c"),
            ("é\u{1b}", "--"),
            (&(longest.clone() + "r"), &longest),
        ] {
            assert_eq!(bad.parse::<ReplicaName>(), Err(ReplicaNameError), "{bad}");
            assert_eq!(ReplicaName::of_host(bad).as_str(), host);
        }
    }
}
