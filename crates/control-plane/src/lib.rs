//! Starts and stops a real etcd and kube-apiserver, for the tests and for the
//! quickstart.
//!
//! [`Binaries`] finds the programs, or builds them from the Go module in
//! `tests/control-plane`; [`ControlPlane`] runs them on loopback with files in a
//! directory of their own and ends them with the process that started them,
//! however that process ends. Tests take one by [`shared`], each in a namespace of
//! its own; a test that writes what exists once per API server, or needs other
//! flags, starts one with [`ControlPlane::start`].
//!
//! This crate is for Unix: it needs process groups and `/bin/sh`.

mod api;
mod binaries;
mod control_plane;
mod credentials;
mod kubeconfig;
pub mod limits;
mod oracle;
mod server;
mod shared;
mod token_oracle;
mod yaml_oracle;

pub use binaries::build::BuildError;
pub use binaries::{Binaries, Binary, Missing, Place};
pub use control_plane::{ControlPlane, Options, StartError, WebhookVersion};
pub use kubeconfig::{ExecApiVersion, ExecUser, InteractiveMode};
pub use shared::{required_in_ci, shared};
pub use token_oracle::{GoServer, Sent, TokenOracle};
pub use yaml_oracle::{Reading, YamlOracle};
