//! `kube-iam`: lets AWS IAM users and roles into Kubernetes clusters.

#![expect(
    unreachable_pub,
    reason = "a binary offers nothing to others; `pub` says what a module offers to its neighbours"
)]

mod args;
mod commands;
mod compose;
mod config_file;
mod exit;
mod logging;
mod output;
mod report;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = args::parse(std::env::args_os()).and_then(commands::run);
    exit::code(&outcome)
}
