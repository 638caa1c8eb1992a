//! Commands on worker nodes.

use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use kube_iam_core::authenticator::Deciding;
use kube_iam_core::nodes::Kind;

use super::mappings::ListForm;
use super::target::{ClusterArgs, TargetArgs, WriteArgs, duration};

/// Let worker nodes join.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct NodesArgs {
    /// What to do
    #[command(subcommand)]
    pub command: NodesResource,
}

/// What can be done about nodes.
#[derive(Debug, Subcommand)]
pub enum NodesResource {
    /// Let the nodes of a role join: aws-auth is created, or a row added
    ///
    /// Where aws-auth is absent it is created as AWS offers it for download; else a row is added, or
    /// completed. What is there already is not written twice.
    Apply(Box<NodesApplyArgs>),
    /// Wait until nodes are ready
    ///
    /// Exit 0 when they are, 1 with what is missing when the time is up, 3 where the cluster or AWS can't be
    /// reached, 130 after Ctrl-C.
    Wait(Box<NodesWaitArgs>),
    /// Show nodes, and by which row each gets in
    ///
    /// A row that is only likely, as the role of its nodes is not known, has a question mark.
    List(Box<NodesListArgs>),
    /// Say why a node does not join, or is not ready, and what to do
    ///
    /// Exit 0 if nothing keeps it out, 1 if anything does, 2 if that is not known.
    Why(Box<NodesWhyArgs>),
}

/// Let the nodes of a role join.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam nodes apply --role-arn arn:aws:iam::111122223333:role/my-node-role
  kube-iam nodes apply --role-arn arn:aws:iam::111122223333:role/windows-nodes --kind windows --dry-run=server
  kube-iam nodes apply --stack my-nodegroup-stack --yes
  kube-iam nodes apply --cluster my-cluster --nodegroup my-nodegroup
  kube-iam nodes apply --role-arn arn:aws:iam::111122223333:role/my-node-role --print > aws-auth-cm.yaml")]
#[command(group(ArgGroup::new("whose").args(["role_arns", "stacks", "nodegroups", "all_stacks"]).required(true).multiple(true)))]
pub struct NodesApplyArgs {
    /// ARN of the role that the nodes run under, whose path is left out, or of an instance profile with it; repeatable
    #[arg(long = "role-arn", value_name = "ARN")]
    pub role_arns: Vec<String>,
    /// Take the role from the outputs of this CloudFormation stack; repeatable
    #[arg(long = "stack", value_name = "NAME")]
    pub stacks: Vec<String>,
    /// Take the role of this node group of `--cluster`; repeatable
    #[arg(long = "nodegroup", value_name = "NAME", requires = "cluster")]
    pub nodegroups: Vec<String>,
    /// Take the roles from the outputs of all CloudFormation stacks of the region
    #[arg(long)]
    pub all_stacks: bool,
    /// What the nodes run on: linux, windows, fargate or hybrid
    #[arg(long, value_name = "KIND", default_value = "linux")]
    pub kind: Kind,
    /// Write the manifest of an aws-auth with nothing else in it to stdout, and change nothing
    #[arg(long, conflicts_with_all = ["manifest", "dry_run", "yes", "output"])]
    pub print: bool,
    #[command(flatten)]
    pub target: TargetArgs,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Wait until nodes are ready.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam nodes wait                          until all nodes that there are, and at least one, are ready
  kube-iam nodes wait --count 3 --timeout 15m
  kube-iam nodes wait --count 3 --for joined -o json
  kube-iam nodes wait --count 3 --role-arn arn:aws:iam::111122223333:role/my-node-role")]
pub struct NodesWaitArgs {
    /// How many nodes [default: all that there are, and at least one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub count: Option<u32>,
    /// How far they must have come: ready, or joined
    #[arg(long = "for", value_name = "STATE", value_enum, default_value = "ready")]
    pub state: WaitFor,
    /// How long to wait, as 90s or 10m
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    pub timeout: Duration,
    /// Only nodes that EC2 and IAM say run under this role count; repeatable
    #[arg(long = "role-arn", value_name = "ARN")]
    pub role_arns: Vec<String>,
    /// Form: text, or json with one event in a line
    #[arg(short, long, value_enum, default_value = "text", value_name = "FORM")]
    pub output: WaitForm,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// How far nodes must have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WaitFor {
    /// Their kubelets report that they are ready.
    Ready,
    /// They have registered themselves.
    Joined,
}

/// How waiting is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WaitForm {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Show nodes, and by which row each gets in.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam nodes list
  kube-iam nodes list -o wide
  kube-iam nodes list -o json | jq '.unusedRows'")]
pub struct NodesListArgs {
    /// Form: table, wide, json, yaml or name
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORM")]
    pub output: ListForm,
    /// Which authenticator reads aws-auth: kube-iam, aws-iam-authenticator, eks or auto
    #[arg(long, value_name = "NAME", default_value = "auto", env = "KUBE_IAM_AUTHENTICATOR")]
    pub authenticator: Deciding,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// Say why a node does not join, or is not ready, and what to do.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam nodes why                              whatever keeps any node out
  kube-iam nodes why ip-10-0-0-1.ec2.internal     this node
  kube-iam nodes why i-0123456789abcdef0          this instance, be it a node or not")]
pub struct NodesWhyArgs {
    /// Name of the node, or ID of the instance
    #[arg(value_name = "NODE|INSTANCE")]
    pub node: Option<String>,
    /// Form: text or json
    #[arg(short, long, value_enum, default_value = "text", value_name = "FORM")]
    pub output: WhyForm,
    /// Which authenticator reads aws-auth: kube-iam, aws-iam-authenticator, eks or auto
    #[arg(long, value_name = "NAME", default_value = "auto", env = "KUBE_IAM_AUTHENTICATOR")]
    pub authenticator: Deciding,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// How a diagnosis is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WhyForm {
    /// For people.
    Text,
    /// For programs.
    Json,
}
