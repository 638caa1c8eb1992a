//! What servers publish of logins, and what `nodes list` and `nodes why` show of it.

use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;

use super::join::{INSTANCE, NODE, ROLE, world_with};
use super::{Kubelet, session, token};
use crate::aws::Aws;
use crate::cluster::World;
use crate::mappings::{control_plane, kubectl, run};
use crate::people::CLUSTER;
use crate::webhook::{Home, Webhook};

const STRAY: &str = "i-2123456789abcdef0";
const MAP: [&str; 4] = ["configmap", "kube-iam-status", "-n", "kube-system"];

/// The keys of the status ConfigMap.
async fn published(world: &World) -> Vec<String> {
    let map = world.admin(&[&["get"], &MAP[..], &["-o", "json"]].concat()).await;
    let map: Value = serde_json::from_str(&map).unwrap();
    map["data"].as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn nodes_list_shows_last_logins_and_instances_that_fail() {
    let Some(world) = world_with(&["--publish-status", "--replica-name", "first"]).await else { return };
    run(&world.control_plane, &["nodes", "apply", "--role-arn", ROLE, "--yes"]).await.success();
    let stray = Kubelet::of_key(&world, CLUSTER, &session("strangers", STRAY));
    assert_eq!(stray.username().await, None);
    Kubelet::on_the_instance(&world, CLUSTER).join(NODE, INSTANCE).await;
    // A server that ends tells all it knows, and goes on with it when it starts again.
    let world = world.restart_webhook().await;
    assert_eq!(published(&world).await, ["first"]);

    let listed = run(&world.control_plane, &["nodes", "list"]).await;
    assert!(listed.stderr.contains("`kube-iam nodes why INSTANCE`"), "{listed:?}");
    let lines: Vec<Vec<&str>> = listed.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((lines[1][0], lines[1].len()), (NODE, 8), "{listed:?}");
    assert!(lines[1][7].ends_with('s') || lines[1][7].ends_with('m'), "the age of a login: {listed:?}");
    assert_eq!(lines[3], ["FAILING-INSTANCE", "REASON", "ROLE-ARN", "LAST-TRY"]);
    assert_eq!(lines[4][..3], [STRAY, "not_mapped", "arn:aws:iam::111122223333:role/strangers"]);
    let json: Value =
        serde_json::from_str(&run(&world.control_plane, &["nodes", "list", "-o", "json"]).await.success()).unwrap();
    assert!(json["nodes"][0]["lastLogin"].as_str().unwrap().ends_with('Z'), "{json}");
    assert_eq!(json["failingInstances"][0]["instanceID"], STRAY);
    let why = run(&world.control_plane, &["nodes", "why", STRAY]).await;
    assert!(why.code == Some(1) && why.stdout.contains("was turned away: `not_mapped` [login-denied]"), "{why:?}");
    let all = run(&world.control_plane, &["nodes", "why"]).await;
    assert!(all.code == Some(1) && all.stdout.contains(&format!("block: {STRAY}: it tried to log in")), "{all:?}");

    // Another replica, beside it; the instance gets in there.
    let strangers = "arn:aws:iam::111122223333:role/strangers";
    run(&world.control_plane, &["nodes", "apply", "--kind", "hybrid", "--role-arn", strangers, "--yes"])
        .await
        .success();
    let (home, key) = (Home::new("backendMode: [EKSConfigMap]"), session("strangers", STRAY));
    world.aws.standin.add_key(key.clone());
    let mut command = publishing(&home, &world.aws, world.control_plane.admin_kubeconfig(), "second");
    let second = Webhook::run(&home, &mut command).await;
    second.logged("Received aws-auth watch event").await;
    assert_eq!(second.review(&token(&key).await).await.user()["username"], format!("system:node:{STRAY}"));
    assert_eq!(second.terminate().await, Some(0));
    assert_eq!(published(&world).await, ["first", "second"]);
    world.apply(&super::registration(STRAY, STRAY)).await;
    let listed = run(&world.control_plane, &["nodes", "list"]).await.success();
    assert!(listed.contains(STRAY) && !listed.contains("FAILING-INSTANCE"), "{listed}");
    let all = run(&world.control_plane, &["nodes", "why"]).await;
    assert!(!all.stdout.contains("login-denied"), "{all:?}");

    // What somebody else writes there moves no cursor, and breaks nothing.
    let evil = json!({ "data": { "evil": "{\"\u{1b}[2J\":\u{1b}[2J" } }).to_string();
    world.admin(&[&["patch"], &MAP[..], &["-p", &evil]].concat()).await;
    let listed = run(&world.control_plane, &["nodes", "list"]).await;
    assert!(listed.stderr.contains("key `evil` can't be read") && !listed.stderr.contains('\u{1b}'), "{listed:?}");
    assert!(!listed.success().contains("unknown\n"));

    // Who may not read it sees what there was to see before.
    let rules: [(&str, &[&str]); 2] = [
        ("nodes", &["--verb=list", "--resource=nodes"]),
        ("rows", &["--verb=get", "--resource=configmaps", "--resource-name=aws-auth"]),
    ];
    for (name, rule) in rules {
        world.admin(&[&["create", "clusterrole", name], rule].concat()).await;
        let role = format!("--clusterrole={name}");
        world.admin(&["create", "clusterrolebinding", name, &role, "--user=reader"]).await;
    }
    let listed = run(&world.control_plane, &["nodes", "list", "--as", "reader"]).await;
    assert!(listed.stderr.contains("logins of nodes are not known: `get` on `configmaps`"), "{listed:?}");
    assert!(listed.success().contains("unknown\n"));
    world.stop().await;
}

/// A server with a cluster that it publishes in.
fn publishing(home: &Home, aws: &Aws, kubeconfig: &Path, replica: &str) -> Command {
    let mut command = home.command(aws);
    command.arg("--kubeconfig").arg(kubeconfig).args(["--port", "0", "--publish-status"]);
    command.args(["--replica-name", replica]).env("NO_PROXY", "127.0.0.1,localhost");
    command
}

#[tokio::test]
async fn without_the_rights_it_is_said_and_without_the_flag_nothing_is_written() {
    let Some(control_plane) = control_plane().await else { return };
    let aws = Aws::start().await;
    let home = Home::new(
        "mapRoles: [{rolearn: 'arn:aws:iam::111122223333:role/edge', username: 'system:node:{{SessionName}}'}]",
    );
    let key = session("edge", "mi-0123456789abcdef0");
    aws.standin.add_key(key.clone());
    let token = token(&key).await;

    let text = std::fs::read_to_string(control_plane.admin_kubeconfig()).unwrap();
    let mut kubeconfig: Value = serde_json::from_str(&text).unwrap();
    kubeconfig["users"][0]["user"]["as"] = "nobody".into();
    std::fs::write(home.path("nobody.kubeconfig"), kubeconfig.to_string()).unwrap();
    let mut command = publishing(&home, &aws, &home.path("nobody.kubeconfig"), "here");
    let webhook = Webhook::run(&home, &mut command).await;
    let said = webhook.logged("the logins of nodes can't be published").await;
    assert!(said.contains("`get` on `configmaps` `kube-system/kube-iam-status` is not allowed"), "{said}");
    assert_eq!(webhook.review(&token).await.user()["username"], "system:node:mi-0123456789abcdef0");
    let warnings = webhook.log().lines().filter(|line| line.contains("WARN") && line.contains("published")).count();
    assert_eq!(warnings, 1);
    assert_eq!(webhook.terminate().await, Some(0));

    let webhook = Webhook::start(&home, &aws).await;
    assert_eq!(webhook.review(&token).await.user()["username"], "system:node:mi-0123456789abcdef0");
    assert_eq!(webhook.terminate().await, Some(0));
    let absent = kubectl(&control_plane, &[&["get"], &MAP[..]].concat(), "").await;
    assert!(absent.failure(1).contains("NotFound"));
    control_plane.stop().await;
}
