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
mod fleet;
mod logging;
mod mappings;
mod output;
mod report;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let texts: Vec<_> = args.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    if let Some(line) = args::verbs::eksctl_line(&texts) {
        exit::code_of_eksctl(commands::eksctl::run(&line))
    } else if let Some((help, error)) = args::unknown_resource(&texts) {
        exit::code_of_eksctl(commands::eksctl::refuse(&help, &error))
    } else {
        exit::code(&args::parse(args).and_then(commands::run))
    }
}
