//! `kube-iam quickstart`

use clap::Args;

/// See it work: no AWS account, no cluster, no configuration.
///
/// Starts a local AWS and the webhook, signs sample identities in for real, and
/// shows who is let in as whom, and who is turned away and why. Where
/// kube-apiserver and etcd are found, a real control plane is started too.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam quickstart
  kube-iam quickstart --once")]
pub struct QuickstartArgs {
    /// Print the table and end
    #[arg(long)]
    pub once: bool,
}
