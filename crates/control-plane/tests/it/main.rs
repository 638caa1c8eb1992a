//! Tests with a real etcd and kube-apiserver.

mod ending;
mod missing;
mod running;
mod tokens;
mod webhook;
mod yaml;

use std::sync::Arc;

use kube_iam_control_plane::{Binaries, ControlPlane, Options, required_in_ci, shared};
use tokio::process::Command;

/// The shared control plane, or `None` where tests may be skipped.
async fn shared_plane() -> Option<Arc<ControlPlane>> {
    required_in_ci(shared().await)
}

/// Programs to start a control plane with, or `None` where tests may be skipped.
async fn binaries() -> Option<Binaries> {
    // Blocks while it builds, and so must not hold up a runtime.
    required_in_ci(tokio::task::spawn_blocking(Binaries::build_or_find).await.unwrap())
}

/// A control plane for one test alone, or `None` where tests may be skipped.
async fn own_plane() -> Option<ControlPlane> {
    Some(ControlPlane::start(&binaries().await?, Options::default()).await.unwrap())
}

/// What a command prints; it must succeed.
async fn stdout(command: &mut Command) -> String {
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
