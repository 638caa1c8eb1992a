//! `kube-iam quickstart`: it works, it says what it did, and it leaves nothing behind.

use std::process::Stdio;

use kube_iam_control_plane::{Binaries, required_in_ci};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

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
