//! Every decision of kube-iam, as pure functions over plain values.
//!
//! ```text
//! TokenReview ─ review::decode ─▶ token::check ─▶ StsRequest ──(the network)──▶ StsReply
//!                                                                               │
//! TokenReview ◀ decision::Decision ◀ template ◀ mapping::resolve ◀ Identity ◀ sts::conclude
//! ```
//!
//! The crate is `no_std`: files, sockets, processes, the environment and the
//! clock do not exist here. Whatever needs them is a trait in [`ports`], and
//! time is an argument.

#![no_std]
#![deny(missing_docs)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod arn;
pub mod identity;
pub mod ids;
pub mod limits;
pub mod partition;
pub mod ports;
pub mod secret;
pub mod sts;
pub mod template;
pub mod token;
pub mod yaml;

pub mod authenticator;
pub mod aws_auth;
pub mod change;
pub mod check;
pub mod decision;
pub mod diff;
pub mod exec_credential;
pub mod finding;
pub mod guard;
pub mod mapping;
pub mod node_instance;
pub mod reason;
pub mod review;
mod shown;
#[cfg(test)]
mod testing;
pub mod user_info;

pub mod config;
pub mod desired;
pub mod eksctl;
mod json;
pub mod last_good;
pub mod listing;
pub mod manifest;
pub mod nodes;
pub mod owners;
pub mod rbac;
