//! `kube-iam token`

use clap::Args;

/// Make a token for kubectl.
///
/// Prints an ExecCredential in the version that kubectl asks for. With keys in
/// the environment nothing is asked over the network.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam token -i my-cluster
  kube-iam token -i my-cluster -r arn:aws:iam::111122223333:role/Admin
  AWS_PROFILE=dev kube-iam token -i my-cluster --token-only

In a kubeconfig:
  users:
  - name: me
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1
        command: kube-iam
        args: [token, -i, my-cluster]
        interactiveMode: IfAvailable")]
pub struct TokenArgs {
    /// Region whose STS endpoint the token is for [default: environment, profile, instance metadata]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Role to assume before signing
    #[arg(short, long, value_name = "ARN", env = "DEFAULT_ROLE")]
    pub role: Option<String>,
    /// External ID that the role's trust policy asks for
    #[arg(short, long, value_name = "ID")]
    pub external_id: Option<String>,
    /// Name of the session of the assumed role
    #[arg(short, long, value_name = "NAME")]
    pub session_name: Option<String>,
    /// Print the bare token instead of an ExecCredential
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub token_only: Option<bool>,
    /// Name the session of the assumed role after the session that assumes it
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub forward_session_name: Option<bool>,
    /// Keep the source credentials in a private file for the next call
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub cache: Option<bool>,
}
