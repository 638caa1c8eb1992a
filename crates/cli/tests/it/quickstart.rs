//! `kube-iam quickstart`: it works, it says what it did, and it leaves nothing behind.

use std::process::Stdio;

use kube_iam_control_plane::{Binaries, required_in_ci};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::process::{Finished, finish, kube_iam};
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
    let guide = guide(&mut lines).await;

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
    map_the_stranger(&guide);
    eventually("the stranger is let in", async || {
        let whoami = run(typed("stranger.kubeconfig auth whoami")).await;
        (whoami.code == Some(0) && whoami.stdout.contains("stranger")).then_some(())
    })
    .await;
    let change = until(&mut lines, "Stranger/mallory").await;
    assert!(change.lines().last().unwrap().ends_with(" stranger         developers"), "{change}");

    send("INT", &child).await;
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends").unwrap();
    assert_eq!(status.code(), Some(0));
    let left: Vec<_> =
        std::fs::read_dir(temporary.path()).unwrap().filter_map(Result::ok).map(|entry| entry.file_name()).collect();
    let left: Vec<_> = left.iter().filter(|name| *name != ".kube").collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

/// A quickstart that finds no control plane, with a directory for all that it makes.
/// The program is not started where Cargo put it: what the tests have built is found there.
fn alone(temporary: &tempfile::TempDir) -> Command {
    let (built, program) = (env!("CARGO_BIN_EXE_kube-iam"), temporary.path().join("kube-iam"));
    if !program.exists() && std::fs::hard_link(built, &program).is_err() {
        // By a process of its own: a file that this one has open for writing, and so whatever
        // it starts meanwhile, can't be run.
        assert!(std::process::Command::new("cp").arg(built).arg(&program).status().unwrap().success());
    }
    let scratch = scratch(temporary);
    std::fs::create_dir_all(&scratch).unwrap();
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/nonexistent").env("HOME", "/nonexistent").stdin(Stdio::null()).kill_on_drop(true);
    command.arg("quickstart").env("KUBEBUILDER_ASSETS", &scratch).env("TMPDIR", scratch);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// The directory for all that it makes.
fn scratch(temporary: &tempfile::TempDir) -> std::path::PathBuf {
    temporary.path().join("scratch")
}

/// What it writes until it waits for Ctrl-C.
async fn guide(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    until(lines, "Ctrl-C ends it all").await
}

/// What it writes up to a line.
async fn until(lines: &mut Lines<BufReader<ChildStdout>>, last: &str) -> String {
    let mut text = String::new();
    while !text.contains(last) {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().expect("it stays up");
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Maps the stranger as the guide proposes, by what it says.
fn map_the_stranger(guide: &str) {
    let config = guide.lines().find_map(|line| line.strip_prefix("this below `mapRoles:` in ")).unwrap();
    let config = config.trim_end_matches(':');
    let row: String = guide
        .lines()
        .skip_while(|line| !line.starts_with("  - rolearn: "))
        .take(3)
        .fold("  mapRoles:\n".to_string(), |text, line| text + line + "\n");
    let text = std::fs::read_to_string(config).unwrap().replacen("  mapRoles:\n", &row, 1);
    std::fs::write(config, text).unwrap();
}

#[tokio::test]
async fn without_a_control_plane_a_change_of_the_mappings_is_seen_all_the_same() {
    let temporary = tempfile::TempDir::new().unwrap();
    let mut child = alone(&temporary).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let text = guide(&mut lines).await;
    let (_, shown) = text.split_once("token_expired\n").unwrap();
    let directory = std::fs::read_dir(scratch(&temporary)).unwrap().next().unwrap().unwrap().path();
    insta::assert_snapshot!(shown.replace(&directory.display().to_string(), "DIR"), @"

    kube-apiserver and etcd were not found, so only the webhook runs. To see kubectl
    use it, build them once (about 6 minutes, needs Go) and start again:

      cargo test -p kube-iam-control-plane

    Then map the stranger, and see the next login change without a restart: whenever
    the file is saved, everybody signs in again, and what changed is shown here. Add
    this below `mapRoles:` in DIR/config.yaml:

      - rolearn: arn:aws:iam::111122223333:role/Stranger
        username: stranger
        groups: [developers]

    Ctrl-C ends it all and leaves nothing behind.
    ");

    map_the_stranger(&text);
    insta::assert_snapshot!(until(&mut lines, "Stranger/mallory").await, @"

    The mappings have changed, and these logins with them:

    WHO SIGNS IN        IAM PRINCIPAL     KUBERNETES SEES  GROUPS, OR REASON CODE
    role nobody mapped  Stranger/mallory  stranger         developers
    ");
    send("INT", &child).await;
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends").unwrap();
    assert_eq!((status.code(), is_empty(&temporary)), (Some(0), true));
}

#[tokio::test]
async fn what_keeps_it_from_working_is_said_once_and_with_a_way_out() {
    let temporary = tempfile::TempDir::new().unwrap();
    let mut full = alone(&temporary);
    let full = full.arg("--once").stdout(std::fs::File::create("/dev/full").unwrap()).stderr(Stdio::piped());
    let ended = full.spawn().unwrap().wait_with_output().await.unwrap();
    let error = Finished::from(ended).failure(1);
    assert_eq!(error, "error: could not write to stdout\nCaused by: No space left on device (os error 28)\n");

    let mut homeless = alone(&temporary);
    let error = finish(homeless.arg("--once").env("TMPDIR", "/nonexistent").stderr(Stdio::piped())).await.failure(1);
    assert!(error.starts_with("error: can't make a temporary directory\nCaused by: "), "{error}");
    assert!(error.ends_with("\nhint: let `TMPDIR` name a directory that can be written to\n"), "{error}");
}

async fn send(signal: &str, child: &Child) {
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-s", signal, &pid]).status().await.unwrap().success());
}

fn is_empty(temporary: &tempfile::TempDir) -> bool {
    std::fs::read_dir(scratch(temporary)).unwrap().count() == 0
}

#[tokio::test]
async fn every_signal_ends_it_in_order() {
    for signal in ["HUP", "TERM", "INT"] {
        let temporary = tempfile::TempDir::new().unwrap();
        let mut child = alone(&temporary).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        guide(&mut lines).await;
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
