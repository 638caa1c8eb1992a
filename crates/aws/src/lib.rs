//! Talks to AWS: finds credentials, makes presigned tokens, asks STS who signed one, EKS where a cluster is, and EC2, IAM,
//! CloudFormation and EKS about nodes and their roles.
//!
//! Four things are offered. [`sts_client::StsClient`] is the server's way to STS, [`ec2::Ec2Instances`] its way to EC2 and IAM.
//! `token::mint` is all of `kube-iam token` that is not command line. [`session::Session`] is what other commands ask of AWS.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod cache;
mod call_error;
mod calls;
mod chain;
pub mod cloudformation;
mod config;
pub mod credentials;
pub mod ec2;
pub mod eks;
mod endpoint;
pub mod environment;
pub mod error;
pub mod http;
pub mod iam;
mod identity;
pub mod limits;
pub mod mfa;
pub mod presign;
mod process;
mod query;
mod refusal;
mod service;
pub mod session;
mod signed;
pub mod sts_client;
pub mod token;
mod xml;
