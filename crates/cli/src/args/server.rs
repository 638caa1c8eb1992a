//! `kube-iam server`

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use jiff::SignedDuration;
use kube_iam_core::config::{CallRate, duration};
use kube_iam_core::decision::DenialStatus;
use kube_iam_core::last_good::OnBadConfig;
use kube_iam_core::mapping::{Backend, RolePaths};
use kube_iam_core::nodes::ReplicaName;
use kube_iam_core::partition::Partition;

/// Answer kube-apiserver's token reviews.
///
/// Listens with TLS on 127.0.0.1:21362 and writes the kubeconfig that
/// kube-apiserver needs. Mappings are read from the configuration file or from
/// the ConfigMap kube-system/aws-auth, and followed as they change.
#[derive(Debug, Default, Args)]
#[command(after_help = "Examples:
  kube-iam server -c /etc/kube-iam/config.yaml
  kube-iam server -i my-cluster --backend-mode EKSConfigMap --kubeconfig /etc/kubernetes/admin.conf
  kube-iam server -c config.yaml --break-glass-file /etc/kube-iam/break-glass.yaml")]
pub struct ServerArgs {
    /// AWS partition that is served [default: aws] [config: server.partition]
    #[arg(long)]
    pub partition: Option<Partition>,
    /// Address to listen on [default: 127.0.0.1] [config: server.address]
    #[arg(long, value_name = "IP")]
    pub address: Option<IpAddr>,
    /// Port to listen on [default: 21362] [config: server.port]
    #[arg(long)]
    pub port: Option<u16>,
    /// Where health and metrics are served without TLS [default: 127.0.0.1:21363] [config: server.healthAddress]
    #[arg(long, value_name = "IP:PORT")]
    pub health_address: Option<SocketAddr>,
    /// Directory of key, certificate and last good mappings [default: /var/aws-iam-authenticator] [config: server.stateDir]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Where the kubeconfig for kube-apiserver is written [default: /etc/kubernetes/aws-iam-authenticator/kubeconfig.yaml] [config: server.generateKubeconfig]
    #[arg(long, value_name = "FILE")]
    pub generate_kubeconfig: Option<PathBuf>,
    /// Don't write that kubeconfig: `kube-iam init` has written it [config: server.kubeconfigPregenerated]
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub kubeconfig_pregenerated: Option<bool>,
    /// Kubeconfig of the cluster whose aws-auth is read [default: in-cluster] [config: server.kubeconfig]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// URL of the API server, in place of the kubeconfig's [config: server.master]
    #[arg(long, value_name = "URL")]
    pub master: Option<String>,
    /// Backends in order, MountedFile or EKSConfigMap [default: MountedFile] [config: server.backendMode]
    #[arg(long, value_name = "MODE", value_delimiter = ',')]
    pub backend_mode: Option<Vec<Backend>>,
    /// File of mappings that count before every backend, to get back in [config: server.breakGlassFile]
    #[arg(long, value_name = "FILE")]
    pub break_glass_file: Option<PathBuf>,
    /// How somebody is turned away: `class`, or `403` as aws-iam-authenticator does [default: class] [config: server.denialStatus]
    #[arg(long, value_name = "FORM")]
    pub denial_status: Option<DenialStatus>,
    /// How long a verified token is remembered, 0 for not at all [default: 5m] [config: server.identityCacheTTL]
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub identity_cache_ttl: Option<SignedDuration>,
    /// How long a deleted aws-auth is still served [default: 5m] [config: server.deletionGrace]
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub deletion_grace: Option<SignedDuration>,
    /// What a section that can't be read leaves in force: `keep` its last good rows, or `drop` them [default: keep] [config: server.onBadConfig]
    #[arg(long, value_name = "WHAT")]
    pub on_bad_config: Option<OnBadConfig>,
    /// Whether a path in a role ARN is ignored (`match`) or matches nobody (`go`) [default: match] [config: server.rolePaths]
    #[arg(long, value_name = "HOW")]
    pub role_paths: Option<RolePaths>,
    /// kube-apiserver's own `--api-audiences` [config: server.apiAudiences]
    #[arg(long, value_name = "AUDIENCE", value_delimiter = ',')]
    pub api_audiences: Option<Vec<String>>,
    /// How often EC2 is called for names of instances, per second [default: 15] [config: server.ec2DescribeInstancesQps]
    #[arg(long = "ec2-describeInstances-qps", value_name = "N")]
    pub ec2_qps: Option<CallRate>,
    /// How many of these calls may come at once [default: 5] [config: server.ec2DescribeInstancesBurst]
    #[arg(long = "ec2-describeInstances-burst", value_name = "N")]
    pub ec2_burst: Option<CallRate>,
    /// Let a node in only if the instance it names runs and has the caller's own role [config: server.verifyNodeInstance]
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub verify_node_instance: Option<bool>,
    /// Publish last logins of nodes, and instances that fail, in ConfigMap kube-system/kube-iam-status [config: server.publishStatus]
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub publish_status: Option<bool>,
    /// Name of this server there, unlike that of any other [default: host name] [config: server.replicaName]
    #[arg(long, value_name = "NAME")]
    pub replica_name: Option<ReplicaName>,
}

fn span(text: &str) -> Result<SignedDuration, &'static str> {
    duration(text).ok_or("a span of time is written `5m`, `90s` or `0`")
}
