//! Commands on who can do what.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use kube_iam_core::authenticator::Deciding;

use super::target::ClusterArgs;

/// See who can do what, and why not: from IAM principal to RBAC rule.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct AccessArgs {
    /// What to see
    #[command(subcommand)]
    pub command: AccessCommand,
}

/// What can be seen of access.
#[derive(Debug, Subcommand)]
pub enum AccessCommand {
    /// Say whether an IAM principal may do something, and what grants it; exit 0 yes, 1 no, 2 unknown
    CanI(Box<CanIArgs>),
    /// Show who may do something: IAM principals, and other users, groups and service accounts
    WhoCan(Box<WhoCanArgs>),
    /// Show what an IAM principal may do, link by link, and what is missing on the way
    Explain(Box<ExplainArgs>),
    /// Show what every IAM principal may do, in the cluster and in each namespace
    List(Box<AccessListArgs>),
}

/// Where mappings and RBAC are read.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which mappings")]
pub struct SourceArgs {
    /// Take the mappings from a file that holds aws-auth (`-` reads stdin); roles and bindings come from the cluster
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// Which authenticator reads aws-auth: kube-iam, aws-iam-authenticator, eks or auto
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub authenticator: Deciding,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// What is asked.
#[derive(Debug, Clone, Args)]
pub struct QuestionArgs {
    /// Verb of Kubernetes, such as get, list or create; for a path the method in lower case
    #[arg(value_name = "VERB")]
    pub verb: String,
    /// Resource by any of its names, as `pods`, `deploy`, `deployments.apps` or `pods/exec`; or a path, as `/healthz`
    #[arg(value_name = "RESOURCE[.GROUP][/SUB]|/PATH")]
    pub resource: String,
    /// Name of the object
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// Namespace [default: that of the context]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// In all namespaces at once
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswerForm {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Say whether an IAM principal may do something, and what grants it. The answer is "unknown", never
/// "no", while something that may grant it was not read. Exit 0 yes, 1 no, 2 unknown.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam access can-i list pods -n shop --arn arn:aws:iam::111122223333:role/dev
  kube-iam access can-i get secrets db-password -n shop --arn arn:aws:iam::111122223333:user/ann
  kube-iam access can-i create pods/exec -A --arn arn:aws:sts::111122223333:assumed-role/ops/ann -o json
  kube-iam access can-i get /metrics --arn arn:aws:iam::111122223333:role/prometheus")]
pub struct CanIArgs {
    #[command(flatten)]
    pub question: QuestionArgs,
    /// ARN of the role or user, or of a session of the role
    #[arg(long, value_name = "ARN")]
    pub arn: String,
    /// Form: table or json
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORM")]
    pub output: AnswerForm,
    #[command(flatten)]
    pub source: SourceArgs,
}

/// Show who may do something: IAM principals by their rows, and beside them the users, groups and service
/// accounts that no row gives.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam access who-can get secrets -n kube-system
  kube-iam access who-can create pods/exec -A
  kube-iam access who-can '*' '*' -o json | jq '.principals[].principal'")]
pub struct WhoCanArgs {
    #[command(flatten)]
    pub question: QuestionArgs,
    /// Form: table or json
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORM")]
    pub output: AnswerForm,
    #[command(flatten)]
    pub source: SourceArgs,
}

/// Show what an IAM principal may do, link by link: row, username and groups, bindings, roles, rules; and
/// what is missing on the way.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam access explain arn:aws:iam::111122223333:role/dev
  kube-iam access explain arn:aws:sts::111122223333:assumed-role/dev/ann
  kube-iam access explain arn:aws:iam::111122223333:role/dev --manifest aws-auth.yaml -o json")]
pub struct ExplainArgs {
    /// ARN of the role or user, or of a session of the role
    #[arg(value_name = "ARN")]
    pub arn: String,
    /// Form: table or json
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORM")]
    pub output: AnswerForm,
    #[command(flatten)]
    pub source: SourceArgs,
}

/// Show what every IAM principal may do, in the cluster (`*`) and in each namespace where something is bound.
/// ACCESS names the roles in a word: masters, cluster-admin, admin, edit, view, custom or nothing; a question
/// mark says that not all is known. What everybody who gets in may do stands under `system:authenticated`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam access list
  kube-iam access list -n shop -o wide
  kube-iam access list --arn arn:aws:iam::111122223333:role/dev
  kube-iam access list -o csv > access.csv")]
pub struct AccessListArgs {
    /// Only what holds in this namespace
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Only this role or user
    #[arg(long, value_name = "ARN")]
    pub arn: Option<String>,
    /// Form: table, wide, json or csv
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORM")]
    pub output: RightsForm,
    #[command(flatten)]
    pub source: SourceArgs,
}

/// How rights are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RightsForm {
    /// Columns.
    Table,
    /// More columns.
    Wide,
    /// JSON.
    Json,
    /// Comma-separated values.
    Csv,
}
