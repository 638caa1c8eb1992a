//! Talks to kube-apiserver.
//!
//! [`connect`] makes a client out of a kubeconfig or a pod's service account,
//! [`connect_endpoint`] out of an address and a token. With it
//!
//! * [`AwsAuthSource`] follows the ConfigMap `kube-system/aws-auth`, and
//!   [`observe_once`] reads it one time. The rights needed are `list` and `watch` on
//!   that one ConfigMap;
//! * [`AwsAuthStore`] reads and writes it, and [`edit_until`] makes an edit of it
//!   against other writers: `get` and `patch` on it, `create` on ConfigMaps if it is
//!   absent;
//! * [`StatusMap`] reads and writes what servers publish in `kube-system/kube-iam-status`:
//!   `get` and `patch` on it, `create` on ConfigMaps if it is absent;
//! * [`NodeSource`] follows the nodes: `list` and `watch` on them;
//! * [`facts()`] reads what the lockout guard asks: who we are, all bindings, nodes;
//! * [`create_missing`], [`replace_rbac`] and [`read_rbac`] deal with single roles and
//!   bindings, and [`read_policy`] reads all of them: `list` on the four kinds;
//! * [`resources`] and [`is_eks`] ask what everybody may know.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod api_error;
mod aws_auth;
mod connect;
mod credentials;
mod discovery;
mod exchange;
mod facts;
pub mod limits;
mod node_source;
mod pause;
mod rbac;
mod read_error;
mod rounds;
mod status;
mod store;
mod watch;

pub use api_error::{ApiError, Right};
pub use aws_auth::{AwsAuthSource, observe_once};
pub use connect::{ConnectError, ConnectSettings, Endpoint, Impersonation, connect, connect_endpoint};
pub use discovery::{is_eks, resources};
pub use kube::Client;

pub use facts::{Caller, Facts, caller, cluster_role_bindings, facts, nodes, role_bindings};
pub use node_source::{NodeSource, NodesObservation};
pub use rbac::{
    Created, Creation, Found, PolicyRead, RbacObject, RbacObjectError, Replacement, Unread, create_missing, look_for,
    read_policy, read_rbac, replace_rbac,
};
pub use read_error::ReadError;
pub use status::StatusMap;
pub use store::{
    Answer, Attempt, AwsAuthStore, Current, Derived, EditError, Edited, Stored, Touched, WriteOptions, edit_until,
};
