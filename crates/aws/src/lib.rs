//! Talks to AWS: finds credentials, makes presigned tokens, asks STS who signed one and EKS where a cluster is.
//!
//! Three things are offered. [`sts_client::StsClient`] is the server's way to STS. `token::mint` is all of `kube-iam token` that is
//! not command line. [`session::Session`] finds a cluster of EKS and logs in there.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod cache;
mod calls;
mod chain;
mod config;
pub mod credentials;
pub mod eks;
mod endpoint;
pub mod environment;
pub mod error;
pub mod http;
mod identity;
pub mod limits;
pub mod mfa;
pub mod presign;
mod process;
pub mod session;
mod signed;
pub mod sts_client;
pub mod token;
