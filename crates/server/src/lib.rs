//! The webhook process: kube-apiserver asks it who owns a token.
//!
//! [`Server::start`] takes plain [`Settings`] and the [`Ports`] to the world
//! outside, checks everything before anything runs, and gives a [`Running`]
//! server. All decisions are made in `kube-iam-core`; here are the sockets,
//! files, caches and clocks around them.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod break_glass;
pub mod files;
pub mod limits;
pub mod watch_files;

mod backends;
mod draining;
mod health;
mod http;
mod init;
mod log_text;
mod login;
mod mappings;
mod metrics;
mod server;
mod settings;
mod start_error;
mod status;
mod tls;
mod webhook_kubeconfig;

pub use init::{InitDone, InitSettings, init};
pub use limits::Limits;
pub use server::{Ended, Running, Server};
pub use settings::{Clock, Ports, Settings, StaticMappings};
pub use start_error::StartError;
