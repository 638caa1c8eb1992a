//! A node as kube-apiserver knows it, and the instance behind it as AWS does.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use jiff::Timestamp;

use super::Kind;
use crate::arn::Arn;
use crate::ids::InstanceId;
use crate::ports::Instance;

/// A node that kube-apiserver knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// Its name: on EC2 the private DNS name, on some clusters the instance ID.
    pub name: String,
    /// How the cloud knows it, as `aws:///eu-west-1a/i-0123456789abcdef0`.
    pub provider_id: Option<String>,
    /// Its labels that tell what made it and what it is.
    pub labels: BTreeMap<String, String>,
    /// When it registered itself.
    pub created: Option<Timestamp>,
    /// What its kubelet, and others, report of it.
    pub conditions: Vec<Condition>,
    /// The instance behind it. kube-apiserver does not know it: whoever asks AWS
    /// writes it here.
    pub instance: Option<NodeInstance>,
}

/// One thing that is reported of a node (Kubernetes API, `NodeCondition`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its name, such as `Ready` or `DiskPressure`.
    pub name: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// Why, in one word.
    pub reason: String,
    /// Why, for people: whatever the kubelet wrote.
    pub message: String,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionStatus {
    /// It does.
    True,
    /// It does not.
    False,
    /// Nobody has said so for a while. A node whose role is locked out can't
    /// report, and all of its conditions are unknown some 40 s later.
    Unknown,
}

/// What AWS says of the instance behind a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeInstance {
    /// What EC2 says.
    pub described: Instance,
    /// The role in its instance profile, as IAM has it.
    pub role: Option<Arn>,
}

/// Of EKS, on Fargate and hybrid nodes.
const COMPUTE_TYPE: &str = "eks.amazonaws.com/compute-type";
/// Of every kubelet.
const OS: &str = "kubernetes.io/os";

impl Node {
    /// The EC2 instance behind it; Fargate and hybrid nodes have none.
    pub fn instance_id(&self) -> Option<InstanceId> {
        self.provider_id.as_deref()?.strip_prefix("aws://")?.rsplit('/').next()?.parse().ok()
    }

    /// The region that it runs in, by the zone in how the cloud knows it: the zone's
    /// name begins with it, up to its first number (EC2 user guide, "Regions and
    /// Zones").
    pub fn region(&self) -> Option<&str> {
        let zone = self.provider_id.as_deref()?.strip_prefix("aws:///")?.split('/').next()?;
        let number = zone.find(|char: char| char.is_ascii_digit())?;
        let digits = zone.get(number..)?.bytes().take_while(u8::is_ascii_digit).count();
        let region = zone.get(..number + digits).filter(|region| !region.starts_with("i-"))?;
        // Whoever registered the node wrote this, and hosts are named after it.
        let is_name = region.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        region.get(..number)?.ends_with('-').then_some(region).filter(|_| is_name)
    }

    /// Whether its kubelet reports that it is ready.
    pub fn is_ready(&self) -> bool {
        self.ready().is_some_and(|ready| ready.status == ConditionStatus::True)
    }

    /// The condition `Ready`.
    pub fn ready(&self) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.name == "Ready")
    }

    /// What it runs on, as far as labels and names tell.
    pub fn kind(&self) -> Kind {
        let label = |name: &str| self.labels.get(name).map(String::as_str);
        let provider = self.provider_id.as_deref().unwrap_or_default();
        match (label(COMPUTE_TYPE), label(OS)) {
            (Some("fargate"), _) => Kind::Fargate,
            (Some("hybrid"), _) => Kind::Hybrid,
            _ if provider.starts_with("eks-hybrid://") => Kind::Hybrid,
            _ if self.name.starts_with("fargate-") && self.instance_id().is_none() => Kind::Fargate,
            (_, Some("windows")) => Kind::Windows,
            _ => Kind::Linux,
        }
    }

    /// The role it logs in by, if AWS was asked.
    pub fn role(&self) -> Option<&Arn> {
        self.instance.as_ref()?.role.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::ToOwned as _;
    use std::format;
    use std::string::ToString as _;

    use super::*;

    #[test]
    fn the_instance_is_the_end_of_the_provider_id() {
        let id = |provider_id: &str| {
            let node = Node { provider_id: Some(provider_id.to_owned()), ..Node::default() };
            node.instance_id().map(|id| id.to_string())
        };
        let expected = Some("i-0123456789abcdef0".to_owned());
        assert_eq!(id("aws:///eu-west-1a/i-0123456789abcdef0"), expected);
        assert_eq!(id("aws:///i-0123456789abcdef0"), expected);
        for none in [
            "aws:///eu-west-1a/0a1b-4c/fargate-ip-10-0-0-1.internal",
            "kind://x/i-01234567",
            "",
            "aws:///i-",
            "i-01234567",
        ] {
            assert_eq!(id(none), None, "{none}");
        }
    }

    #[test]
    fn the_region_is_the_beginning_of_the_zone() {
        let region = |provider_id: &str| {
            let node = Node { provider_id: Some(provider_id.to_owned()), ..Node::default() };
            node.region().map(str::to_owned)
        };
        for (zone, expected) in [
            ("eu-west-1a", "eu-west-1"),
            ("us-gov-west-1b", "us-gov-west-1"),
            ("us-west-2-lax-1a", "us-west-2"),
            ("us-east-1-wl1-bos-wlz-1", "us-east-1"),
        ] {
            assert_eq!(region(&format!("aws:///{zone}/i-0123456789abcdef0")), Some(expected.to_owned()), "{zone}");
        }
        for none in [
            "aws:///i-0123456789abcdef0",
            "aws:///",
            "aws:///9/i-01234567",
            "aws:///x9/i-01234567",
            "aws:///evil#-1a/i-01234567",
            "aws:///a.b-1a/i-01234567",
            "kind://",
            "",
        ] {
            assert_eq!(region(none), None, "{none}");
        }
    }

    #[test]
    fn kinds_are_told_by_labels_and_names() {
        let kind = |name: &str, provider: &str, labels: &[(&str, &str)]| {
            let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let node =
                Node { name: name.to_owned(), provider_id: Some(provider.to_owned()), labels, ..Node::default() };
            node.kind()
        };
        assert_eq!(kind("ip-10-0-0-1.ec2.internal", "aws:///a/i-0123456789abcdef0", &[(OS, "linux")]), Kind::Linux);
        assert_eq!(kind("ip-10-0-0-1.ec2.internal", "aws:///a/i-0123456789abcdef0", &[(OS, "windows")]), Kind::Windows);
        assert_eq!(kind("fargate-ip-10-0-0-1.ec2.internal", "aws:///a/b/fargate-ip-10-0-0-1", &[]), Kind::Fargate);
        assert_eq!(kind("x", "", &[(COMPUTE_TYPE, "fargate"), (OS, "linux")]), Kind::Fargate);
        assert_eq!(kind("mi-0123456789abcdef0", "eks-hybrid:///eu-west-1/c/mi-0123456789abcdef0", &[]), Kind::Hybrid);
        assert_eq!(kind("x", "", &[(COMPUTE_TYPE, "hybrid")]), Kind::Hybrid);
    }
}
