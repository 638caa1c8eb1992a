//! What the webhook process is told at its start.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube_iam_core::aws_auth::Rows;
use kube_iam_core::decision::DenialStatus;
use kube_iam_core::ids::ClusterId;
use kube_iam_core::last_good::LastGoodPolicy;
use kube_iam_core::mapping::Backend;
use kube_iam_core::nodes::ReplicaName;
use kube_iam_core::partition::Partition;
use kube_iam_core::ports::{Instances, MappingSource, StatusStore, Sts};
use kube_iam_core::user_info::MappingPolicy;
use rustix::system::uname;

use crate::limits::{self, Limits};

/// Tells the time of day.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the webhook process needs from outside.
pub struct Ports {
    /// Asks STS.
    pub sts: Arc<dyn Sts>,
    /// Watches aws-auth; needed if [`Settings::backends`] names `EKSConfigMap`.
    pub aws_auth: Option<Box<dyn MappingSource>>,
    /// Describes EC2 instances; without it no mapping with `{{EC2PrivateDNSName}}` lets
    /// anybody in.
    pub instances: Option<Arc<dyn Instances>>,
    /// Where this server tells of the logins of nodes; without it, nowhere.
    pub status: Option<Arc<dyn StatusStore>>,
    /// The clock.
    pub clock: Clock,
}

/// Typed, checked values; where they come from is the caller's matter.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The cluster that tokens must be signed for.
    pub cluster_id: ClusterId,
    /// The partition whose principals are let in.
    pub partition: Partition,
    /// Where the webhook listens.
    pub address: IpAddr,
    /// Its port; 0 lets the system choose.
    pub port: u16,
    /// The name by which kube-apiserver calls: in the certificate and in the
    /// webhook kubeconfig.
    pub hostname: String,
    /// Where health and metrics are told without TLS; `None` for nowhere.
    pub health_address: Option<SocketAddr>,
    /// Directory of the certificate, its key and the last good aws-auth.
    pub state_dir: PathBuf,
    /// Where the webhook kubeconfig is written; `None` if it was made before.
    pub generate_kubeconfig: Option<PathBuf>,
    /// How somebody is turned away.
    pub denial_status: DenialStatus,
    /// The backends in their order, each at most once; break-glass is not one of them.
    pub backends: Vec<Backend>,
    /// The rules of last known good.
    pub last_good: LastGoodPolicy,
    /// The mappings that stand in files.
    pub mappings: StaticMappings,
    /// How long an identity is remembered; zero: not at all.
    pub identity_ttl: Duration,
    /// How many identities are remembered.
    pub identity_capacity: usize,
    /// How often EC2 may be called, per second.
    pub ec2_qps: NonZeroU32,
    /// How many calls to EC2 may come at once.
    pub ec2_burst: NonZeroU32,
    /// Whether a node's instance must have the role of its caller; needs
    /// [`Ports::instances`].
    pub verify_node_instance: bool,
    /// What tells this server from its replicas in [`Ports::status`].
    pub replica: ReplicaName,
    /// kube-apiserver's own audiences (`--api-audiences`); empty if not known.
    pub api_audiences: Vec<String>,
    /// Bounds.
    pub limits: Limits,
}

impl Settings {
    /// The defaults for a cluster: listens where the Go authenticator does, with
    /// `MountedFile` as the one backend, and is named after its host.
    pub fn new(cluster_id: ClusterId, state_dir: impl Into<PathBuf>) -> Self {
        Self {
            cluster_id,
            partition: Partition::Aws,
            address: Ipv4Addr::LOCALHOST.into(),
            port: 21362,
            hostname: "localhost".to_owned(),
            health_address: Some((Ipv4Addr::LOCALHOST, 21363).into()),
            state_dir: state_dir.into(),
            generate_kubeconfig: None,
            denial_status: DenialStatus::ByClass,
            backends: vec![Backend::MountedFile],
            last_good: LastGoodPolicy::default(),
            mappings: StaticMappings::default(),
            identity_ttl: limits::IDENTITY_TTL,
            identity_capacity: limits::IDENTITIES,
            ec2_qps: limits::EC2_QPS,
            ec2_burst: limits::EC2_BURST,
            verify_node_instance: false,
            replica: ReplicaName::of_host(&uname().nodename().to_string_lossy()),
            api_audiences: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// The mappings that stand in files and can be exchanged while the server runs.
#[derive(Debug, Clone, Default)]
pub struct StaticMappings {
    /// Rows of the configuration file, for the backend `MountedFile`.
    pub mounted_file: Vec<Rows>,
    /// Rows of the break-glass file, read before every backend.
    pub break_glass: Vec<Rows>,
    /// What mappings may hand out.
    pub policy: MappingPolicy,
    /// Names this state of the files in `/readyz`, so that replicas can be
    /// compared; empty if not known.
    pub config_hash: String,
}
