//! `kube-iam quickstart`: it works, it says what it did, and it leaves nothing behind.

use std::process::Stdio;

use kube_iam_control_plane::{Binaries, required_in_ci};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::process::{finish, kube_iam};
use crate::webhook::{PATIENCE, eventually};

#[tokio::test]
async fn once_prints_the_table_and_ends() {
    let temporary = tempfile::TempDir::new().unwrap();
    let mut command = kube_iam();
    let table = finish(command.args(["quickstart", "--once"]).env("TMPDIR", temporary.path())).await.success();
    insta::assert_snapshot!(table, @"
    WHO SIGNS IN                          IAM PRINCIPAL                               KUBERNETES SEES                         GROUPS, OR REASON CODE
    platform admin                        PlatformAdmin/alice                         admin:alice                             system:masters
    developer through SSO                 AWSReservedSSO_Developer_…/bob@example.com  dev:bob-example.com                     developers
    worker node                           WorkerNode/i-0123456789abcdef0              system:node:i-0123456789abcdef0         system:bootstrappers, system:nodes
    IAM user                              ci/deployer                                 deployer                                deployers
    whole account                         Auditor/carol                               arn:aws:iam::444455556666:role/Auditor  (none)
    role nobody mapped                    Stranger/mallory                            Unauthorized                            not_mapped
    admin, signed for another cluster ID  PlatformAdmin/alice                         Unauthorized                            sts_signature
    admin's key ID, forged signature      PlatformAdmin/alice                         Unauthorized                            sts_signature
    admin, signed 20 minutes ago          PlatformAdmin/alice                         Unauthorized                            token_expired
    ");
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "nothing is left behind");
}

#[tokio::test]
async fn it_stays_up_with_a_control_plane_until_interrupted() {
    let built = tokio::task::spawn_blocking(Binaries::build_or_find).await.unwrap();
    let Some(binaries) = required_in_ci(built) else { return };
    let temporary = tempfile::TempDir::new().unwrap();
    let mut command = kube_iam();
    command.arg("quickstart").env("TMPDIR", temporary.path()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command.env("KUBEBUILDER_ASSETS", binaries.etcd.path.parent().unwrap());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut guide = String::new();
    while !guide.contains("Ctrl-C ends it all") {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().expect("it stays up");
        guide.push_str(&line);
        guide.push('\n');
    }

    // What the guide proposes is typed as it stands.
    let typed = |part: &str| {
        let line = guide.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part} is not in {guide}"));
        line.split('#').next().unwrap().split_whitespace().map(str::to_string).collect::<Vec<_>>()
    };
    let directory = typed("  cd ").pop().unwrap();
    let run = async |line: Vec<String>| {
        // A shell, so that `./kubectl` is looked for where `cd` has led.
        let mut shell = Command::new("sh");
        shell.args(["-c", &line.join(" ")]).current_dir(&directory).env("HOME", temporary.path());
        finish(&mut shell).await
    };
    let whoami = run(typed("admin.kubeconfig auth whoami")).await.success();
    assert!(whoami.contains("admin:alice") && whoami.contains("system:masters"), "{whoami}");
    run(typed("get configmaps")).await.success();
    assert!(run(typed("get secrets")).await.failure(1).contains("Forbidden"));
    assert!(run(typed("stranger.kubeconfig auth whoami")).await.failure(1).contains("Unauthorized"));

    // Mapping the stranger changes the next login.
    let config = guide.lines().find(|line| line.starts_with("below `mapRoles:` in ")).unwrap();
    let config = config.trim_start_matches("below `mapRoles:` in ").trim_end_matches(':');
    let row = "  mapRoles:\n  - rolearn: arn:aws:iam::111122223333:role/Stranger\n    username: stranger\n    groups: [developers]\n";
    let text = std::fs::read_to_string(config).unwrap().replacen("  mapRoles:\n", row, 1);
    std::fs::write(config, text).unwrap();
    eventually("the stranger is let in", async || {
        let whoami = run(typed("stranger.kubeconfig auth whoami")).await;
        (whoami.code == Some(0) && whoami.stdout.contains("stranger")).then_some(())
    })
    .await;

    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &pid]).status().await.unwrap().success());
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends").unwrap();
    assert_eq!(status.code(), Some(0));
    let left: Vec<_> =
        std::fs::read_dir(temporary.path()).unwrap().filter_map(Result::ok).map(|entry| entry.file_name()).collect();
    let left: Vec<_> = left.iter().filter(|name| *name != ".kube").collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

/// A quickstart that finds no control plane, with a directory for all that it makes.
fn alone(temporary: &tempfile::TempDir) -> Command {
    let mut command = kube_iam();
    command.arg("quickstart").env("TMPDIR", temporary.path()).env("KUBEBUILDER_ASSETS", temporary.path());
    command.env("PATH", "/nonexistent").stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

async fn send(signal: &str, child: &Child) {
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-s", signal, &pid]).status().await.unwrap().success());
}

fn is_empty(temporary: &tempfile::TempDir) -> bool {
    std::fs::read_dir(temporary.path()).unwrap().count() == 0
}

#[tokio::test]
async fn every_signal_ends_it_in_order() {
    for signal in ["HUP", "TERM", "INT"] {
        let temporary = tempfile::TempDir::new().unwrap();
        let mut child = alone(&temporary).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        loop {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().expect("it stays up");
            if line.contains("Ctrl-C ends it all") {
                break;
            }
        }
        assert!(!is_empty(&temporary));
        send(signal, &child).await;
        let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends").unwrap();
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(is_empty(&temporary), "{signal} left something behind");
    }
}

#[tokio::test]
async fn a_signal_that_comes_early_leaves_nothing_behind_either() {
    for signal in ["TERM", "HUP"] {
        let temporary = tempfile::TempDir::new().unwrap();
        let mut child = alone(&temporary).spawn().unwrap();
        // The first trace that it leaves.
        eventually("there is something to clean up", async || (!is_empty(&temporary)).then_some(())).await;
        send(signal, &child).await;
        let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends").unwrap();
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(is_empty(&temporary), "{signal} left something behind");
    }
}

#[tokio::test]
async fn a_signal_while_the_control_plane_starts_ends_that_too() {
    let built = tokio::task::spawn_blocking(Binaries::build_or_find).await.unwrap();
    let Some(binaries) = required_in_ci(built) else { return };
    let temporary = tempfile::TempDir::new().unwrap();
    let mut command = alone(&temporary);
    command.env("KUBEBUILDER_ASSETS", binaries.etcd.path.parent().unwrap());
    let mut child = command.spawn().unwrap();
    let parent = child.id().unwrap();
    let started = eventually("etcd starts", async || Some(children_of(parent)).filter(|pids| !pids.is_empty())).await;
    send("TERM", &child).await;
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends").unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(is_empty(&temporary), "something was left behind");
    let alive = |pid: &u32| std::path::Path::new(&format!("/proc/{pid}")).exists();
    eventually("etcd has ended", async || (!started.iter().any(alive)).then_some(())).await;
}

/// The processes that a process has started.
fn children_of(parent: u32) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let of = |pid: &u32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.lines().any(|line| line.strip_prefix("PPid:").is_some_and(|of| of.trim() == parent.to_string()))
    };
    pids.filter(of).collect()
}
