//! Commands on the mappings of aws-auth.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

use super::target::{DryRun, TargetArgs, WriteArgs, rule};

/// Show who is mapped to what.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam get mappings                                               who gets in, by the current kubeconfig
  kube-iam get mappings arn:aws:iam::111122223333:role/dev -o yaml    one role, as `apply -f` reads it
  kube-iam get mappings --effective --manifest aws-auth.yaml          with what hides what, from a file")]
pub struct GetMappingsArgs {
    /// Only mappings of this role or user, however it is spelt
    #[arg(value_name = "ARN")]
    pub arn: Option<String>,
    /// Form: table, wide, json, yaml (as `apply -f` reads it) or name
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORM")]
    pub output: ListForm,
    /// Also show what a login ends with: break-glass rows, rows that others hide, canonical ARNs
    #[arg(long)]
    pub effective: bool,
    /// The server's break-glass file, for `--effective`
    #[arg(long, value_name = "FILE", requires = "effective")]
    pub break_glass_file: Option<PathBuf>,
    /// Only mappings with this username
    #[arg(long, value_name = "USERNAME")]
    pub username: Option<String>,
    /// Only mappings that give this group
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Only mappings that this owner keeps
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
    #[command(flatten)]
    pub target: TargetArgs,
}

/// How a list is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListForm {
    /// Columns.
    Table,
    /// More columns.
    Wide,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// Names alone.
    Name,
}

/// Whom a mapping is about.
#[derive(Debug, Clone, Args)]
#[command(group(ArgGroup::new("subject").args(["arn", "sso_permission_set", "account"]).required(true).multiple(true)))]
pub struct SubjectArgs {
    /// ARN of a role or user; a role's path is left out, a session's ARN becomes its role's
    #[arg(long, value_name = "ARN", conflicts_with_all = ["sso_permission_set", "account"])]
    pub arn: Option<String>,
    /// Identity Center permission set in `--account` (only where kube-iam decides)
    #[arg(long, value_name = "NAME", requires = "account")]
    pub sso_permission_set: Option<String>,
    /// A whole account, or that of the permission set
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
    /// Partition of the permission set
    #[arg(long, value_name = "PARTITION", requires = "sso_permission_set")]
    pub partition: Option<String>,
}

/// Let somebody in.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam create mapping --arn arn:aws:iam::111122223333:role/dev --username dev --group viewers
  kube-iam create mapping --arn arn:aws:iam::111122223333:user/ann --group ops --bind clusterrole/edit -n shop
  kube-iam create mapping --arn arn:aws:iam::111122223333:role/ops --preset console-full
  kube-iam create mapping --account 444455556666 --manifest aws-auth.yaml --yes")]
pub struct CreateMappingArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Pattern of the username [default: the ARN]
    #[arg(long, value_name = "PATTERN")]
    pub username: Option<String>,
    /// Group to give; repeatable
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
    #[command(flatten)]
    pub bindings: BindArgs,
    #[command(flatten)]
    pub target: TargetArgs,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// RBAC objects that a mapping needs.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Rights that come with it")]
pub struct BindArgs {
    /// Also bind the mapping's group to this role: `clusterrole/NAME` or `role/NAME`; repeatable
    #[arg(long, value_name = "KIND/NAME", group = "rights")]
    pub bind: Vec<String>,
    /// Also create what a common need takes
    #[arg(long, value_name = "NAME", value_enum, group = "rights")]
    pub preset: Option<Preset>,
    /// Namespace in which the binding holds [default: the whole cluster]
    #[arg(short, long, value_name = "NAMESPACE", requires = "rights")]
    pub namespace: Option<String>,
}

/// Common needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// See all of the cluster in the EKS console.
    ConsoleFull,
    /// See one namespace in the EKS console.
    ConsoleRestricted,
    /// ClusterRole `view`.
    View,
    /// ClusterRole `edit`.
    Edit,
    /// ClusterRole `admin`.
    Admin,
}

/// Let somebody in, or change as whom.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam set mapping --arn arn:aws:iam::111122223333:role/dev --add-group deployers
  kube-iam set mapping --arn arn:aws:iam::111122223333:role/dev --remove-group system:masters
  kube-iam set mapping --arn arn:aws:iam::111122223333:role/dev --username dev --group viewers")]
#[command(group(ArgGroup::new("change").args(["username", "groups", "add_groups", "remove_groups"]).multiple(true)))]
pub struct SetMappingArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Pattern of the username
    #[arg(long, value_name = "PATTERN")]
    pub username: Option<String>,
    /// All groups; repeatable
    #[arg(long = "group", value_name = "GROUP", conflicts_with_all = ["add_groups", "remove_groups"])]
    pub groups: Vec<String>,
    /// A group that comes; repeatable
    #[arg(long = "add-group", value_name = "GROUP")]
    pub add_groups: Vec<String>,
    /// A group that goes; repeatable
    #[arg(long = "remove-group", value_name = "GROUP")]
    pub remove_groups: Vec<String>,
    #[command(flatten)]
    pub target: TargetArgs,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Take out every row of somebody.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam delete mapping --arn arn:aws:iam::111122223333:role/dev
  kube-iam delete mapping --username dev --dry-run=client
  kube-iam delete mapping --account 444455556666 --manifest aws-auth.yaml --yes")]
#[command(group(ArgGroup::new("whose").args(["arn", "username", "account"]).required(true).multiple(true)))]
pub struct DeleteMappingArgs {
    /// All rows of this principal, however spelt
    #[arg(long, value_name = "ARN", conflicts_with_all = ["username", "account"])]
    pub arn: Option<String>,
    /// All rows with exactly this username
    #[arg(long, value_name = "PATTERN", conflicts_with = "account")]
    pub username: Option<String>,
    /// The account, or that of `--sso-permission-set`
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
    /// Identity Center permission set in `--account`
    #[arg(long, value_name = "NAME", requires = "account")]
    pub sso_permission_set: Option<String>,
    #[command(flatten)]
    pub target: TargetArgs,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Change the mappings in an editor; nothing is written until it is right.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam edit
  EDITOR='code --wait' kube-iam edit --manifest aws-auth.yaml")]
pub struct EditArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Make mappings what a file says.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam apply -f mappings.yaml
  kube-iam apply -f team-a.yaml --owner team-a --prune --yes
  kube-iam get mappings -o yaml > mappings.yaml")]
pub struct ApplyArgs {
    #[command(flatten)]
    pub desired: DesiredArgs,
    #[command(flatten)]
    pub target: TargetArgs,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Show what `apply` would change; exit 1 if anything.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam diff -f mappings.yaml
  kube-iam diff -f team-a.yaml --owner team-a --prune")]
pub struct DiffArgs {
    #[command(flatten)]
    pub desired: DesiredArgs,
    #[command(flatten)]
    pub target: TargetArgs,
}

/// A file of mappings as they should be.
#[derive(Debug, Clone, Args)]
pub struct DesiredArgs {
    /// File with the mappings (`-` is stdin)
    #[arg(short, long = "filename", value_name = "FILE")]
    pub file: PathBuf,
    /// Touch only rows of this owner, and new ones become its own
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
    /// Take out rows that the file does not name: those of `--owner`, or those without an owner
    #[arg(long)]
    pub prune: bool,
    /// Take over rows that belong to somebody else
    #[arg(long)]
    pub take_ownership: bool,
}

/// Find mistakes in aws-auth; exit 1 if there are any, 2 if it is not there or can't be read.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam check
  kube-iam check --manifest aws-auth.yaml -o github
  kube-iam check --manifest aws-auth.yaml --fix")]
pub struct CheckArgs {
    /// Repair what can be repaired safely; how it ends tells whether mistakes are left
    #[arg(long)]
    pub fix: bool,
    /// With `--fix`: also repair rows that let nobody in as they are, and would then
    #[arg(long, requires = "fix")]
    pub grants: bool,
    /// Form of the findings: text, json, sarif or github
    #[arg(
        short = 'o',
        long = "output",
        value_enum,
        default_value = "text",
        value_name = "FORM",
        conflicts_with = "fix"
    )]
    pub form: CheckForm,
    #[command(flatten)]
    pub target: TargetArgs,
    #[command(flatten)]
    pub repair: RepairArgs,
}

/// How repairs are written.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "How repairs are written")]
pub struct RepairArgs {
    /// Don't ask
    #[arg(short, long, requires = "fix")]
    pub yes: bool,
    /// Write nothing: `client` shows what would change, `server` also lets kube-apiserver check it
    #[arg(long, value_name = "WHERE", value_enum, requires = "fix")]
    pub dry_run: Option<DryRun>,
    /// Let a repair through that this rule of the lock-out guard refuses; repeatable
    #[arg(long = "override", value_name = "RULE", value_parser = rule, value_delimiter = ',', requires = "fix")]
    pub overrides: Vec<String>,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckForm {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For code scanning.
    Sarif,
    /// For GitHub's workflows.
    Github,
}
