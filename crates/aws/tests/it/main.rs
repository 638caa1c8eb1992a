//! This crate against the stand-in for AWS.

mod cached;
mod child;
mod configured;
mod eks;
mod endpoints;
mod identities;
mod machines;
mod network;
mod nodes;
mod proxies;
mod sts_client;
mod world;
