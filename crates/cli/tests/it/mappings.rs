//! Reading and changing aws-auth, in a real cluster and in files.

mod diff;
mod files;
mod guard;
mod repairs;
mod rights;
mod storms;
mod terminal;

use std::collections::BTreeMap;
use std::path::Path;

use kube_iam_control_plane::{Binaries, ControlPlane, Options, required_in_ci};
use serde_json::Value;
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::process::{Finished, finish, finish_with_input, kube_iam};

const DEV: &str = "arn:aws:iam::111122223333:role/dev";

pub(crate) const SEED: &str = "\
# the first administrators
- rolearn: arn:aws:iam::111122223333:role/Admin # never remove
  username: admin
  groups: [system:masters]
  note: {kept: yes}
# the end
";

/// A control plane of the test's own: there is one aws-auth in each.
pub(crate) async fn control_plane() -> Option<ControlPlane> {
    let binaries = tokio::task::spawn_blocking(Binaries::build_or_find).await.unwrap();
    let binaries = required_in_ci(binaries)?;
    Some(ControlPlane::start(&binaries, Options::default()).await.unwrap())
}

pub(crate) async fn kubectl(control_plane: &ControlPlane, args: &[&str], input: &str) -> Finished {
    let mut command = control_plane.kubectl().unwrap();
    command.args(args);
    finish_with_input(&mut command, input).await
}

pub(crate) async fn seeded() -> Option<ControlPlane> {
    let control_plane = control_plane().await?;
    let indented: String = SEED.lines().map(|line| format!("    {line}\n")).collect();
    let manifest = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: aws-auth, namespace: kube-system}}\ndata:\n  other: stays\n  mapRoles: |\n{indented}"
    );
    kubectl(&control_plane, &["apply", "-f", "-"], &manifest).await.success();
    Some(control_plane)
}

pub(crate) fn on(control_plane: &ControlPlane, args: &[&str]) -> Command {
    on_kubeconfig(control_plane.admin_kubeconfig(), args)
}

pub(crate) fn on_kubeconfig(kubeconfig: &Path, args: &[&str]) -> Command {
    let mut command = kube_iam();
    command.args(args).arg("--kubeconfig").arg(kubeconfig).env("NO_PROXY", "127.0.0.1,localhost");
    command
}

pub(crate) async fn run(control_plane: &ControlPlane, args: &[&str]) -> Finished {
    finish(&mut on(control_plane, args)).await
}

/// Runs the commands of several writers at once, those of each one in turn. Words are
/// parted by blanks; every command must succeed.
pub(crate) async fn write_at_once(control_plane: &ControlPlane, writers: impl IntoIterator<Item = Vec<String>>) {
    let write = |commands: Vec<String>| {
        let kubeconfig = control_plane.admin_kubeconfig().to_owned();
        async move {
            for command in commands {
                let args: Vec<&str> = command.split(' ').collect();
                finish(&mut on_kubeconfig(&kubeconfig, &args)).await.success();
            }
        }
    };
    writers.into_iter().map(write).collect::<JoinSet<_>>().join_all().await;
}

pub(crate) async fn stored(control_plane: &ControlPlane) -> BTreeMap<String, String> {
    let args = ["get", "configmap", "aws-auth", "-n", "kube-system", "-o", "json"];
    let object: Value = serde_json::from_str(&kubectl(control_plane, &args, "").await.success()).unwrap();
    serde_json::from_value(object["data"].clone()).unwrap()
}

#[tokio::test]
async fn a_mapping_comes_changes_and_goes_and_nothing_else_moves() {
    let Some(control_plane) = seeded().await else { return };
    let create = ["create", "mapping", "--arn", DEV, "--username", "dev", "--group", "viewers", "--yes"];
    let dry = run(&control_plane, &[&create[..], &["--dry-run=server"]].concat()).await;
    assert_eq!(dry.success(), format!("mapping/{DEV} created (server dry run)\n"));
    assert_eq!(stored(&control_plane).await["mapRoles"], SEED);

    let path = "arn:aws:iam::111122223333:role/some/team/dev";
    let args = ["create", "mapping", "--arn", path, "--username", "dev", "--group", "viewers", "--yes", "-o", "json"];
    let created: Value = serde_json::from_str(&run(&control_plane, &args).await.success()).unwrap();
    assert_eq!((&created["changed"], &created["differences"][0]["mapping"]["arn"]), (&true.into(), &DEV.into()));
    let again = run(&control_plane, &create).await;
    assert_eq!(again.success(), format!("mapping/{DEV} unchanged\n"));
    let set = ["set", "mapping", "--arn", DEV, "--add-group", "ops", "--yes", "--field-manager", "the-test"];
    assert_eq!(run(&control_plane, &set).await.success(), format!("mapping/{DEV} configured\n"));
    let row = format!("- rolearn: {DEV}\n  username: dev\n  groups:\n    - viewers\n    - ops\n");
    let wanted = SEED.replace("# the end\n", &format!("{row}# the end\n"));
    assert_eq!(stored(&control_plane).await["mapRoles"], wanted);
    let managers = ["get", "cm", "aws-auth", "-n", "kube-system", "--show-managed-fields", "-o", "yaml"];
    assert!(kubectl(&control_plane, &managers, "").await.success().contains("manager: the-test"));

    // kubectl finds its plugin by name.
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kube-iam"), folder.path().join("kubectl-iam")).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap_or_default());
    let mut plugin = control_plane.kubectl().unwrap();
    plugin.args(["iam", "get", "mappings", "-o", "name", "--kubeconfig"]);
    plugin.arg(control_plane.admin_kubeconfig()).env("PATH", path);
    assert_eq!(finish(&mut plugin).await.success(), format!("arn:aws:iam::111122223333:role/Admin\n{DEV}\n"));

    let delete = ["delete", "mapping", "--arn", DEV, "--yes"];
    assert_eq!(run(&control_plane, &delete).await.success(), format!("mapping/{DEV} deleted\n"));
    let data = stored(&control_plane).await;
    assert_eq!((data["mapRoles"].as_str(), data["other"].as_str()), (SEED, "stays"));
    control_plane.stop().await;
}

#[tokio::test]
async fn the_last_administrator_is_kept_unless_the_rule_is_named() {
    let Some(control_plane) = seeded().await else { return };
    let delete = ["delete", "mapping", "--username", "admin", "--yes"];
    let refused = run(&control_plane, &delete).await.failure(1);
    assert!(refused.contains("[last-admin]") && refused.contains("--override last-admin"), "{refused}");
    assert_eq!(stored(&control_plane).await["mapRoles"], SEED);
    let forced = run(&control_plane, &[&delete[..], &["--override", "last-admin"]].concat()).await;
    forced.success();
    assert!(stored(&control_plane).await["mapRoles"].contains("[]"));
    control_plane.stop().await;
}
