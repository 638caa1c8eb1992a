//! `kube-iam verify`

use std::convert::Infallible;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use kube_iam_core::partition::Partition;
use kube_iam_core::secret::Token;

/// Decode and verify a token, and say what it maps to and why.
///
/// Asks STS who signed the token. With a configuration file, or a cluster whose
/// aws-auth can be read, the mapping is shown as the server would choose it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam verify -i my-cluster -t \"$(kube-iam token -i my-cluster --token-only)\"
  kube-iam verify -i my-cluster -t - --offline < token
  kube-iam verify -c config.yaml -t - -o json < token")]
pub struct VerifyArgs {
    /// The token, or `-` to read it from stdin
    #[arg(short, long, value_parser = token)]
    pub token: Option<Token>,
    /// Form of the answer [config: output]
    #[arg(short, long, value_enum)]
    pub output: Option<VerifyOutput>,
    /// AWS partition the token belongs to [default: aws] [config: partition]
    #[arg(long)]
    pub partition: Option<Partition>,
    /// Only decode: don't ask STS, so that nothing is proven
    #[arg(long)]
    pub offline: bool,
    /// Kubeconfig of a cluster whose aws-auth is read for the mapping
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context in that kubeconfig
    #[arg(long, value_name = "NAME", requires = "kubeconfig")]
    pub context: Option<String>,
}

/// Form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VerifyOutput {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Keeps the token from whoever prints the arguments.
fn token(text: &str) -> Result<Token, Infallible> {
    Ok(Token::new(text))
}
