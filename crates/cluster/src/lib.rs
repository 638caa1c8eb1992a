//! Talks to kube-apiserver.
//!
//! [`connect`] makes a client out of a kubeconfig or a pod's service account;
//! [`AwsAuthSource`] follows the ConfigMap `kube-system/aws-auth` with it, and
//! [`observe_once`] reads it one time. The rights needed are `list` and `watch`
//! on that one ConfigMap.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod aws_auth;
mod connect;
mod credentials;
pub mod limits;
mod read_error;

pub use aws_auth::{AwsAuthSource, observe_once};
pub use connect::{ConnectError, ConnectSettings, connect};
pub use read_error::ReadError;
