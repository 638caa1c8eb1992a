//! Why the server does not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::tls::TlsError;

/// Why nothing was started: one line, its causes, and a hint.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address of a listener is taken or not ours.
    #[error("can't listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The flag that sets it.
        flag: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A name that no certificate can be made for.
    #[error("`{0}` is neither a host name nor an IP address")]
    Hostname(String),
    /// No certificate.
    #[error("no certificate to serve with")]
    Tls(#[from] TlsError),
    /// TLS itself can't be set up.
    #[error("TLS can't be set up")]
    TlsConfig(#[source] rustls::Error),
    /// The webhook kubeconfig can't be written.
    #[error("the webhook kubeconfig `{path}` can't be written")]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A backend without the source that it reads.
    #[error("backend `EKSConfigMap` has no cluster to read from")]
    NoCluster,
    /// Nodes are to be verified, and nobody describes instances.
    #[error("nodes can't be verified without a way to EC2")]
    NoInstances,
}

impl StartError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { source, flag, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                let flag = if *flag == "--address" { "--port" } else { flag };
                Some(format!("another process listens there; stop it, or choose another port with `{flag}`"))
            }
            Self::Listen { flag, .. } => Some(format!("choose an address of this host with `{flag}`")),
            Self::Hostname(_) => Some("set `--hostname` to the name by which kube-apiserver calls".to_owned()),
            Self::Tls(TlsError::Half { present, missing }) => Some(format!(
                "put `{}` there, or run `rm {}` and try again to have both made",
                missing.display(),
                present.display()
            )),
            Self::Tls(TlsError::Mismatch { certificate, key }) => Some(format!(
                "put matching files there, or run `rm {} {}` and try again to have both made",
                certificate.display(),
                key.display()
            )),
            Self::Tls(TlsError::Write { path, .. }) | Self::Kubeconfig { path, .. } => {
                let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty())?;
                Some(format!("make sure that directory `{}` exists and that this user may write there", dir.display()))
            }
            Self::Tls(TlsError::Read { path, .. }) => {
                Some(format!("make sure that this user may read `{}`", path.display()))
            }
            Self::Tls(TlsError::Pem { path, .. } | TlsError::Certificate(path) | TlsError::Key { path, .. }) => {
                Some(format!("mend `{}`, or remove certificate and key to have new ones made", path.display()))
            }
            Self::NoCluster => Some("set `--kubeconfig`, or run inside the cluster".to_owned()),
            Self::NoInstances => Some("remove `--verify-node-instance`".to_owned()),
            Self::Tls(TlsError::Generate { .. }) | Self::TlsConfig(_) => None,
        }
    }
}
