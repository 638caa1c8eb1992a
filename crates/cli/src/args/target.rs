//! Flags that say which aws-auth is meant, and how it is written.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use kube_iam_core::authenticator::{Authenticator, Deciding};
use kube_iam_core::finding::Severity;
use kube_iam_core::{change, guard};

/// Which aws-auth is meant.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which aws-auth")]
pub struct TargetArgs {
    /// Work on a file that holds aws-auth (a ConfigMap or its bare data; `-` reads stdin and writes stdout)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kubeconfig", "context", "cluster"])]
    pub manifest: Option<PathBuf>,
    /// Which authenticator reads this aws-auth: kube-iam, aws-iam-authenticator, eks or auto
    #[arg(long, value_name = "NAME", default_value = "auto", env = "KUBE_IAM_AUTHENTICATOR")]
    pub authenticator: Deciding,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// The way to a cluster.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which cluster")]
pub struct ClusterArgs {
    /// Kubeconfig that leads to the cluster [default: as kubectl]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context in the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Find the cluster through EKS by its name, and log in with a token of our own
    #[arg(long, value_name = "NAME", conflicts_with_all = ["kubeconfig", "context"])]
    pub cluster: Option<String>,
    /// Region of the cluster and its nodes [default: that of the nodes, else as the AWS CLI]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// AWS profile for `--cluster`, and for what else AWS is asked
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Username to act as
    #[arg(long = "as", value_name = "USERNAME")]
    pub act_as: Option<String>,
    /// Group to act as a member of; repeatable
    #[arg(long = "as-group", value_name = "GROUP", requires = "act_as")]
    pub act_as_groups: Vec<String>,
}

/// How something is written.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "How it is written")]
pub struct WriteArgs {
    /// Don't ask
    #[arg(short, long)]
    pub yes: bool,
    /// Write nothing: `client` shows what would change, `server` also lets kube-apiserver check it
    #[arg(long, value_name = "WHERE", value_enum)]
    pub dry_run: Option<DryRun>,
    /// Let a change through that this rule of the lock-out guard refuses; repeatable
    #[arg(long = "override", value_name = "RULE", value_parser = rule, value_delimiter = ',')]
    pub overrides: Vec<String>,
    /// How long to try while others change aws-auth too, as 30s or 2m
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time_to_try)]
    pub timeout: Duration,
    /// Name of the writer in the object's `managedFields`
    #[arg(long, value_name = "NAME", default_value = "kube-iam")]
    pub field_manager: String,
    /// Form of the result: name, json or yaml [default: a sentence]
    #[arg(short, long, value_name = "FORM", value_enum)]
    pub output: Option<ResultForm>,
}

impl WriteArgs {
    /// For whom rows are written: whoever overrides the rule against rows that
    /// only kube-iam matches gets them.
    pub fn written_for(&self, deciding: Deciding) -> Deciding {
        match self.overrides.iter().any(|rule| rule == "only-kube-iam-matches") {
            true => Deciding::Known(Authenticator::KubeIam),
            false => deciding,
        }
    }
}

impl Default for WriteArgs {
    fn default() -> Self {
        Self {
            yes: false,
            dry_run: None,
            overrides: Vec::new(),
            timeout: Duration::from_secs(60),
            field_manager: "kube-iam".to_owned(),
            output: None,
        }
    }
}

/// Where a dry run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DryRun {
    /// Before anything is sent.
    Client,
    /// In kube-apiserver, after every check.
    Server,
}

/// How the result of a change is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ResultForm {
    /// The principal alone.
    Name,
    /// One JSON object.
    Json,
    /// The same as YAML.
    Yaml,
}

/// The name of a rule that refuses changes.
pub fn rule(text: &str) -> Result<String, String> {
    let rules = guard::RULES.iter().chain(change::RULES).filter(|rule| rule.severity == Severity::Block);
    let rules: Vec<_> = rules.map(|rule| rule.id).collect();
    match rules.iter().find(|rule| **rule == text) {
        Some(rule) => Ok((*rule).to_owned()),
        None => Err(format!("no such rule refuses a change; those that do are {}", rules.join(", "))),
    }
}

/// A time as `90s`, `2m` or `1h`; without a unit, seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|char: char| char.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| "a time is written `30s`, `2m` or `1h`".to_string())?;
    let seconds = match text.get(digits.len()..) {
        Some("" | "s") => Some(number),
        Some("m") => number.checked_mul(60),
        Some("h") => number.checked_mul(3600),
        _ => None,
    };
    let seconds = seconds.filter(|seconds| *seconds <= 24 * 3600);
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "a time is written `30s`, `2m` or `1h`, at most 24 hours".to_string())
}

/// A time in which something can be tried.
fn time_to_try(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    if time.is_zero() { Err("nothing can be tried in no time; the least is `1s`".to_string()) } else { Ok(time) }
}
