//! From identities to Kubernetes users: snapshots of mappings and the search
//! through them.

mod resolve;
mod snapshot;
mod sso;

pub use resolve::{Resolution, resolve};
pub use snapshot::{Mapping, RolePaths, Shadowed, Snapshot};

use core::fmt;
use core::str::FromStr;

use alloc::string::String;
use alloc::vec::Vec;

/// Where mappings come from, named as in the Go authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Backend {
    /// The local file of last resort, read before everything else.
    BreakGlass,
    /// Rows in the server's configuration file.
    MountedFile,
    /// The ConfigMap `kube-system/aws-auth`.
    EksConfigMap,
}

impl Backend {
    /// The name in configuration files, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BreakGlass => "BreakGlass",
            Self::MountedFile => "MountedFile",
            Self::EksConfigMap => "EKSConfigMap",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text names no backend that can be configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// A backend of the Go authenticator that this version does not have.
    #[error("backend mode `{0}` is not supported by this version")]
    Unsupported(String),
    /// No backend has this name.
    #[error("`{0}` is not a backend mode; known are `MountedFile` and `EKSConfigMap`")]
    Unknown(String),
}

impl FromStr for Backend {
    type Err = BackendError;

    fn from_str(text: &str) -> Result<Self, BackendError> {
        match text {
            "MountedFile" | "File" => Ok(Self::MountedFile),
            "EKSConfigMap" | "ConfigMap" => Ok(Self::EksConfigMap),
            "CRD" | "DynamicFile" => Err(BackendError::Unsupported(text.into())),
            _ => Err(BackendError::Unknown(text.into())),
        }
    }
}

/// Username prefixes that a backend may not hand out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservedPrefixes {
    /// The backend concerned.
    pub backend: Backend,
    /// The prefixes; empty ones count for nothing.
    pub prefixes: Vec<String>,
}

impl ReservedPrefixes {
    /// The reserved prefix that a rendered username starts with, if any.
    pub fn violated_by<'a>(rules: &'a [Self], backend: Backend, username: &str) -> Option<&'a str> {
        rules
            .iter()
            .filter(|rule| rule.backend == backend)
            .flat_map(|rule| &rule.prefixes)
            .find(|prefix| !prefix.is_empty() && username.starts_with(prefix.as_str()))
            .map(String::as_str)
    }
}
