//! Talks to AWS: finds credentials, makes presigned tokens, asks STS who signed one.
//!
//! Two things are offered. [`sts_client::StsClient`] is the server's way to STS. `token::mint` is all of `kube-iam token` that is
//! not command line.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod cache;
mod calls;
mod chain;
mod config;
pub mod credentials;
pub mod environment;
pub mod error;
pub mod http;
mod identity;
pub mod limits;
pub mod mfa;
pub mod presign;
mod process;
pub mod sts_client;
pub mod token;
