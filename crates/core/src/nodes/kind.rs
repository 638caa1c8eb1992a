//! Kinds of nodes, and as whom each logs in.

use core::fmt;
use core::str::FromStr;

/// What a node runs on, which decides the username and the groups it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Kind {
    /// An EC2 instance with Linux (EKS user guide, "Apply the aws-auth ConfigMap to your cluster").
    #[default]
    Linux,
    /// An EC2 instance with Windows (EKS user guide, "Deploy Windows nodes on EKS clusters").
    Windows,
    /// A pod on Fargate (EKS user guide, "Amazon EKS pod execution IAM role").
    Fargate,
    /// A machine outside AWS (EKS user guide, "Prepare cluster access for hybrid nodes").
    Hybrid,
}

/// Why a text is no kind of node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a node is one of `linux`, `windows`, `fargate` and `hybrid`")]
pub struct UnknownKind;

/// The instance whose ID is the session name is looked up in EC2.
const BY_INSTANCE: &str = "system:node:{{EC2PrivateDNSName}}";
/// The session is named after the node.
const BY_SESSION: &str = "system:node:{{SessionName}}";

/// Group of whoever may ask for a kubelet's certificate (kubernetes.io, TLS bootstrapping).
const BOOTSTRAPPERS: &str = "system:bootstrappers";
/// Group that the Node authorizer obeys, together with the username.
pub(super) const NODES: &str = "system:nodes";

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Linux, Self::Windows, Self::Fargate, Self::Hybrid];

    /// The name, as the flag `--kind` takes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Windows => "windows",
            Self::Fargate => "fargate",
            Self::Hybrid => "hybrid",
        }
    }

    /// The pattern of the username.
    pub fn username(self) -> &'static str {
        match self {
            Self::Linux | Self::Windows => BY_INSTANCE,
            Self::Fargate | Self::Hybrid => BY_SESSION,
        }
    }

    /// The groups.
    pub fn groups(self) -> &'static [&'static str] {
        match self {
            Self::Linux | Self::Hybrid => &[BOOTSTRAPPERS, NODES],
            Self::Windows => &[BOOTSTRAPPERS, NODES, "eks:kube-proxy-windows"],
            Self::Fargate => &[BOOTSTRAPPERS, NODES, "system:node-proxier"],
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}
