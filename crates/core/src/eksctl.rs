//! eksctl's identity-mapping commands, as decisions.
//!
//! What `eksctl get|create|delete iamidentitymapping` reads, refuses, says and
//! prints, for people who type those words at kube-iam. eksctl works on texts:
//! an ARN is whatever was typed, a row that no authenticator would read is
//! still a row. How rows are then written is [`crate::aws_auth`]'s business.
//!
//! Reference: eksctl of August 2026. Deliberate differences are listed in
//! `compat.toml` at the root of the repository.

pub mod advice;
mod cluster_config;
mod create;
mod delete;
mod get;
mod go_text;
mod line;
mod mapping;
mod plan;
mod print;
mod service;
mod stored;

pub use cluster_config::{ClusterConfig, ConfigError};
pub use create::create;
pub use delete::{Target, delete};
pub use get::{Shown, get};
pub use go_text::quoted;
pub use line::{Level, Line};
pub use mapping::{Mapping, validate};
pub use plan::{Plan, Refusal};
pub use print::OutputFormat;
pub use service::{Applied, ClusterAccount, RbacObject};

#[cfg(test)]
mod tests;
