//! Why there is no client for kube-apiserver.

use std::io;
use std::path::{Path, PathBuf};

use kube::config::{KubeconfigError, LoadDataError};

use crate::credentials;

/// Why there is no client for kube-apiserver. No text shows credentials.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing says where a cluster is.
    #[error(
        "there is no cluster: no kubeconfig was given, and this is not a pod (`KUBERNETES_SERVICE_HOST` is not set)"
    )]
    NoCluster,
    /// This is a pod, but its service account can't be used.
    #[error("the service account of this pod can't be used: {0}")]
    ServiceAccount(String),
    /// A kubeconfig can't be read.
    #[error("could not read kubeconfig `{}`", .path.display())]
    ReadKubeconfig {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A kubeconfig leads to no cluster.
    #[error("kubeconfig `{}` can't be used: {problem}", .path.display())]
    Kubeconfig {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The address of kube-apiserver is none.
    #[error("`{0}` is not a URL of a kube-apiserver")]
    Server(String),
    /// The proxy on the way is none that is understood.
    #[error("the proxy for kube-apiserver ({0}) is not a URL with scheme `http` or `socks5`")]
    Proxy(&'static str),
    /// Groups to act as, without a user.
    #[error("there are groups to act as, but no user")]
    GroupsOfNobody,
    /// There is nothing to show kube-apiserver who is asking.
    #[error("there are no credentials for kube-apiserver: {0}")]
    Credentials(String),
    /// A certificate or a key can't be used.
    #[error("the certificates for kube-apiserver can't be used: {0}")]
    Tls(String),
}

impl ConnectError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoCluster => "name a kubeconfig with `--kubeconfig` or `server.kubeconfig`, or run in a pod",
            Self::ServiceAccount(_) => {
                "let the pod have its service account (`automountServiceAccountToken`), or name a kubeconfig"
            }
            Self::ReadKubeconfig { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "name one that exists with `--kubeconfig`"
            }
            Self::ReadKubeconfig { .. } => "check the path and who may read the file",
            Self::Kubeconfig { .. } => "mend it; `kubectl config view --kubeconfig FILE` shows how kubectl reads it",
            Self::Server(_) => "write it as `https://HOST:PORT`",
            Self::Proxy(_) => "mend it, or list the host of kube-apiserver in `NO_PROXY`",
            Self::GroupsOfNobody => "name the user with `--as`",
            Self::Credentials(_) => "run the exec plugin of the kubeconfig by hand, or renew its credentials",
            Self::Tls(_) => "check the certificates and the key in the kubeconfig",
        }
        .to_owned()
    }

    pub(super) fn kubeconfig(path: &Path, error: KubeconfigError) -> Self {
        let problem = match error {
            KubeconfigError::ReadConfig(source, path) => return Self::ReadKubeconfig { path, source },
            // The parser's own text would quote the lines around, and so perhaps a token.
            KubeconfigError::Parse(error) => match error.location() {
                Some(at) => format!("its YAML can't be read at line {} column {}", at.line(), at.column()),
                None => "its YAML can't be read".to_owned(),
            },
            KubeconfigError::CurrentContextNotSet => "it has no current context".to_owned(),
            KubeconfigError::LoadContext(name) => format!("it has no context `{name}`"),
            KubeconfigError::LoadClusterOfContext(name) => format!("it has no cluster `{name}`"),
            KubeconfigError::MissingClusterUrl => "its cluster has no `server`".to_owned(),
            KubeconfigError::ParseClusterUrl(_) => "the `server` of its cluster is not a URL".to_owned(),
            KubeconfigError::ParseProxyUrl(_) => "its `proxy-url` is not a URL".to_owned(),
            KubeconfigError::LoadCertificateAuthority(error) => unloaded("the certificate authority", &error),
            KubeconfigError::LoadClientCertificate(error) => unloaded("the client certificate", &error),
            KubeconfigError::LoadClientKey(error) => unloaded("the client key", &error),
            KubeconfigError::ParseCertificates(_) => "its certificate authority is not PEM".to_owned(),
            KubeconfigError::KindMismatch | KubeconfigError::ApiVersionMismatch | KubeconfigError::FindPath => {
                error.to_string()
            }
        };
        Self::Kubeconfig { path: path.to_owned(), problem }
    }

    /// Why a configuration gives no client.
    pub(super) fn client(error: kube::Error) -> Self {
        match error {
            kube::Error::Auth(error) => Self::Credentials(credentials::why_none(&error)),
            kube::Error::RustlsTls(error) => Self::Tls(error.to_string()),
            kube::Error::InferKubeconfig(KubeconfigError::LoadClientCertificate(error)) => {
                Self::Tls(unloaded("the client certificate", &error))
            }
            kube::Error::InferKubeconfig(KubeconfigError::LoadClientKey(error)) => {
                Self::Tls(unloaded("the client key", &error))
            }
            _ => Self::Credentials("the user of the kubeconfig can't be written into a request".to_owned()),
        }
    }
}

fn unloaded(what: &str, error: &LoadDataError) -> String {
    match error {
        LoadDataError::ReadFile(error, path) => format!("{what} `{}` can't be read: {error}", path.display()),
        LoadDataError::DecodeBase64(_) => format!("{what} is not base64"),
        LoadDataError::NoBase64DataOrFile => format!("{what} is missing"),
    }
}
