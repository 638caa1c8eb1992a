//! Finds a cluster of EKS, `DescribeCluster`, and its [node groups](nodegroups).

mod cluster;
mod error;
mod nodegroups;

use jiff::Timestamp;
use kube_iam_core::limits::EXCERPT_CHARS;

use crate::calls::caller_in;
use crate::refusal::Meaning;
use crate::service::{Call, Service};
use crate::session::{Failed, Session};
use crate::signed::Input;

pub use cluster::{Access, AuthenticationMode, Cluster};
pub use error::EksError;
pub use nodegroups::NodegroupError;

impl Session<'_> {
    /// Asks EKS for a cluster of the session's region and account. The request is signed at `now`.
    ///
    /// # Errors
    ///
    /// When there is no such cluster or it can't be asked for: [`EksError::hint`] says what to do.
    pub async fn describe_cluster(&self, name: &str, now: Timestamp) -> Result<Cluster, EksError> {
        if !is_cluster_name(name) {
            return Err(EksError::Name(name.chars().take(EXCERPT_CHARS).collect()));
        }
        let input = Input::Get(format!("clusters/{name}"));
        let call = Call { service: Service::Eks, action: "DescribeCluster", input };
        let (cluster, region) = (name.to_owned(), self.region().to_owned());
        match self.ask(&call, now).await {
            Ok(body) => Ok(Cluster::read(&body, self.region()).map_err(|source| call.senseless(source))?),
            Err(Failed::Refused(refusal)) if refusal.code == "ResourceNotFoundException" => {
                Err(EksError::NotFound { cluster, region })
            }
            Err(Failed::Refused(refusal)) if refusal.meaning() == Meaning::Denied => {
                let caller = caller_in(&refusal.message).map(str::to_owned);
                Err(EksError::Denied { cluster, region, caller, source: refusal.to_string().into() })
            }
            Err(failed) => Err(self.failed(&call, failed).into()),
        }
    }
}

/// The pattern of `ClusterName` in the EKS API, 1 to 100 characters. Nothing in it needs encoding in a URL.
fn is_cluster_name(text: &str) -> bool {
    is_name(text, 100)
}

fn is_name(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_eks() {
        let most = "a".repeat(100);
        for name in ["a", "0", "Prod-1_x", &most] {
            assert!(is_cluster_name(name), "{name}");
        }
        let more = "a".repeat(101);
        for name in ["", "-a", "_a", "a b", "a/b", "a.b", "é", "a\n", "..", &more] {
            assert!(!is_cluster_name(name), "{name}");
        }
    }
}
