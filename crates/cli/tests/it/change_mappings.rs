//! aws-auth is followed as it changes, and nobody is locked out by accident.

use std::time::Instant;

use crate::cluster::{Plan, World};
use crate::people::{ADMIN, DEV, Person};
use crate::process::finish;
use crate::webhook::eventually;

const ADMIN_ROW: &str =
    "- {rolearn: 'arn:aws:iam::111122223333:role/Admin', username: admin, groups: [system:masters]}";
const DEV_ROW: &str = "- {userarn: 'arn:aws:iam::111122223333:user/team/dev', username: dev, groups: [readers]}";

const BACKEND: &str = "backendMode: [EKSConfigMap]";

/// The manifest of aws-auth with these data keys.
fn aws_auth(data: &[(&str, &str)]) -> String {
    let data: serde_json::Map<_, _> = data.iter().map(|(key, text)| (key.to_string(), (*text).into())).collect();
    serde_json::json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": data,
    })
    .to_string()
}

/// Replaces aws-auth with these data keys.
async fn write(world: &World, data: &[(&str, &str)]) {
    let path = world.home.path("aws-auth.json");
    std::fs::write(&path, aws_auth(data)).unwrap();
    let path = path.display().to_string();
    match world.control_plane.kubectl().unwrap().args(["replace", "-f", &path]).output().await.unwrap().status.success()
    {
        true => {}
        false => drop(world.admin(&["create", "-f", &path]).await),
    }
}

async fn is_in(world: &World, person: Person) -> bool {
    let whoami = world.kubectl(person, &["auth", "whoami"]).await;
    assert!(whoami.code == Some(0) || whoami.stderr.contains("Unauthorized"), "{whoami:?}");
    whoami.code == Some(0)
}

/// Waits until somebody's logins are answered with yes, or with no.
async fn turns(world: &World, person: Person, let_in: bool) {
    let start = Instant::now();
    let what = format!("{} is {}", person.access_key_id(), if let_in { "let in" } else { "turned away" });
    eventually(&what, async || (is_in(world, person).await == let_in).then_some(())).await;
    // Shown with --nocapture; never asserted, since the machine may be busy.
    world.home.note(&format!("{what} after {:?}", start.elapsed()));
}

#[tokio::test]
async fn an_edit_changes_the_next_login() {
    let Some(world) = World::start(Plan { server_keys: BACKEND, ..Plan::default() }).await else { return };
    assert!(!is_in(&world, ADMIN).await, "nobody is mapped yet");

    write(&world, &[("mapRoles", ADMIN_ROW)]).await;
    turns(&world, ADMIN, true).await;
    assert!(!is_in(&world, DEV).await);

    write(&world, &[("mapRoles", ADMIN_ROW), ("mapUsers", DEV_ROW)]).await;
    turns(&world, DEV, true).await;
    shows_the_row_of_the_cluster(&world).await;

    // An emptied section is a revocation, and is never delayed.
    write(&world, &[("mapRoles", ADMIN_ROW), ("mapUsers", "[]")]).await;
    turns(&world, DEV, false).await;
    assert!(is_in(&world, ADMIN).await);
    world.stop().await;
}

/// `kube-iam verify` reads aws-auth from the cluster and names the row.
async fn shows_the_row_of_the_cluster(world: &World) {
    let mut verify = crate::process::kube_iam();
    verify.args(["verify", "-i", crate::people::CLUSTER, "-o", "json", "-t", &crate::exec_plugin::token_of(DEV).await]);
    verify.arg("--kubeconfig").arg(world.control_plane.admin_kubeconfig());
    verify.envs(world.aws.server_environment()).env("NO_PROXY", "127.0.0.1");
    let answer: serde_json::Value = serde_json::from_str(&finish(&mut verify).await.success()).unwrap();
    assert_eq!(answer["Mapping"]["User"]["username"], "dev", "{answer}");
    let why = answer["Mapping"]["Why"].as_str().unwrap();
    assert!(why.starts_with("EKSConfigMap, `mapUsers`, line 1, column 3: "), "{why}");
}

#[tokio::test]
async fn broken_yaml_locks_nobody_out_also_after_a_restart() {
    let Some(mut world) = World::start(Plan { server_keys: BACKEND, ..Plan::default() }).await else { return };
    write(&world, &[("mapRoles", ADMIN_ROW), ("mapUsers", DEV_ROW)]).await;
    turns(&world, ADMIN, true).await;

    write(&world, &[("mapRoles", "- rolearn: ["), ("mapUsers", "[]")]).await;
    // The other section is obeyed at once, so its effect shows that the edit was seen.
    turns(&world, DEV, false).await;
    assert!(is_in(&world, ADMIN).await);
    world.webhook.logged("its 1 previous mappings stay in force").await;

    world = world.restart_webhook().await;
    world.webhook.logged("stay in force").await;
    assert!(is_in(&world, ADMIN).await, "a restart in the bad period empties nothing");
    assert!(!is_in(&world, DEV).await);

    write(&world, &[("mapUsers", DEV_ROW), ("mapRoles", ADMIN_ROW)]).await;
    turns(&world, DEV, true).await;
    world.stop().await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_keeps_the_previous_one() {
    let Some(world) = World::start(Plan { server_keys: BACKEND, ..Plan::default() }).await else { return };
    write(&world, &[("mapRoles", ADMIN_ROW)]).await;
    turns(&world, ADMIN, true).await;

    let spoilt = "- {rolearn: 'arn:aws:iam::111122223333:role/Admin', username: 5, groups: [system:masters]}";
    write(&world, &[("mapRoles", spoilt), ("mapUsers", DEV_ROW)]).await;
    turns(&world, DEV, true).await;
    assert!(is_in(&world, ADMIN).await);
    world.stop().await;
}

#[tokio::test]
async fn a_deleted_aws_auth_has_its_grace_and_break_glass_has_no_end() {
    let plan = Plan { server_keys: BACKEND, args: &["--deletion-grace", "8s"], ..Plan::default() };
    let Some(mut world) = World::start(plan).await else { return };
    write(&world, &[("mapRoles", ADMIN_ROW), ("mapUsers", DEV_ROW)]).await;
    turns(&world, DEV, true).await;

    // A data key that vanished is a deletion too.
    write(&world, &[("mapRoles", ADMIN_ROW)]).await;
    world.webhook.logged("`mapUsers` vanished").await;
    assert!(is_in(&world, DEV).await, "the grace has begun only");
    turns(&world, DEV, false).await;
    assert!(is_in(&world, ADMIN).await);

    world.admin(&["delete", "configmap", "aws-auth", "-n", "kube-system"]).await;
    world.webhook.logged("the ConfigMap is gone").await;
    assert!(is_in(&world, ADMIN).await, "the grace has begun only");
    // The clock of the grace goes on through a restart.
    world = world.restart_webhook().await;
    turns(&world, ADMIN, false).await;

    // With aws-auth gone and its grace over, the local file is the way back in.
    std::fs::write(world.home.path("break-glass.yaml"), format!("mapRoles:\n{ADMIN_ROW}\n")).unwrap();
    let file = world.home.path("break-glass.yaml").display().to_string();
    world.add_args(&["--break-glass-file", &file]);
    world = world.restart_webhook().await;
    turns(&world, ADMIN, true).await;
    world.webhook.logged("break-glass").await;
    world.stop().await;
}

#[tokio::test]
async fn a_dead_api_server_changes_nothing() {
    let Some(mut world) = World::start(Plan { server_keys: BACKEND, ..Plan::default() }).await else { return };
    write(&world, &[("mapRoles", ADMIN_ROW), ("mapUsers", DEV_ROW)]).await;
    turns(&world, DEV, true).await;

    world.control_plane.stop_apiserver().await;
    world = world.revive_webhook().await;
    let token = crate::exec_plugin::token_of(ADMIN).await;
    assert_eq!(world.webhook.review(&token).await.user()["username"], "admin");

    world.control_plane.start_apiserver().await.unwrap();
    write(&world, &[("mapRoles", ADMIN_ROW), ("mapUsers", "[]")]).await;
    turns(&world, DEV, false).await;
    assert!(is_in(&world, ADMIN).await);
    world.stop().await;
}
