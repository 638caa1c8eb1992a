//! Why a cluster was not found, and the command that helps.

use crate::call_error::CallError;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no way to a cluster. `Display` says what, `source()` why, [`hint`](Self::hint) what to do.
#[derive(Debug, thiserror::Error)]
pub enum EksError {
    /// No cluster can have such a name.
    #[error(
        "`{0}` is not the name of an EKS cluster: 1 to 100 letters, digits, `-` and `_`, the first a letter or digit"
    )]
    Name(String),
    /// The account has no such cluster in this region.
    #[error("there is no EKS cluster `{cluster}` in region `{region}`")]
    NotFound {
        /// The name asked for.
        cluster: String,
        /// The region asked.
        region: String,
    },
    /// The caller lacks `eks:DescribeCluster`.
    #[error("{} may not describe EKS cluster `{cluster}`", .caller.as_ref().map_or_else(|| "the caller".to_owned(), |caller| format!("`{caller}`")))]
    Denied {
        /// The name asked for.
        cluster: String,
        /// The region asked.
        region: String,
        /// The caller's ARN, if AWS told it.
        caller: Option<String>,
        /// What AWS said.
        source: BoxError,
    },
    /// The cluster has no API server yet, or no more.
    #[error("EKS cluster `{cluster}` has no API server to connect to: its status is `{status}`")]
    NotReady {
        /// The name.
        cluster: String,
        /// The region.
        region: String,
        /// The status as EKS gave it.
        status: String,
    },
    /// The cluster is only registered with EKS.
    #[error("cluster `{cluster}` is not run by EKS, only registered there")]
    Connected {
        /// The name.
        cluster: String,
    },
    /// The call itself.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl EksError {
    /// What to do about it: one line, with the command to run where there is one.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotFound { region, .. } => format!(
                "see which there are with `aws eks list-clusters --region {region}`; name another region with `--region`, another \
                 account by `AWS_PROFILE`"
            ),
            Self::Denied { cluster, region, .. } => format!(
                "the caller's policy must allow `eks:DescribeCluster`; try `aws eks describe-cluster --name {cluster} --region {region}`"
            ),
            Self::NotReady { cluster, region, status } if status == "CREATING" => {
                format!("run `aws eks wait cluster-active --name {cluster} --region {region}` first")
            }
            Self::NotReady { cluster, region, .. } => {
                format!("see `aws eks describe-cluster --name {cluster} --region {region}`")
            }
            Self::Connected { .. } => "use the kubeconfig of the cluster with `--kubeconfig`".to_owned(),
            Self::Call(error) => return error.hint(),
            Self::Name(_) => return None,
        })
    }
}
