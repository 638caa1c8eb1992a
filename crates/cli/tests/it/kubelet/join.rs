//! A kubelet joins, and may touch nothing but its own.

use std::process::Stdio;
use std::time::Duration;

use kube_iam_standin::{Instance, Role, Settings};
use serde_json::{Value, json};
use tokio::process::Child;

use super::{Kubelet, REGION, instance, lease, registration, session};
use crate::cluster::{Plan, World};
use crate::mappings::{on, run};
use crate::people::{ADMIN, CLUSTER};
use crate::process::Finished;
use crate::webhook::eventually;

/// With a path, which STS does not report of a caller.
pub(super) const ROLE: &str = "arn:aws:iam::111122223333:role/nodes/my-node-role";
pub(super) const INSTANCE: &str = "i-0123456789abcdef0";
pub(super) const NODE: &str = "ip-10-0-0-1.ec2.internal";
/// A node beside it, which the administrator registers.
const OTHER: &str = "ip-10-0-0-2.ec2.internal";

async fn world() -> Option<World> {
    world_with(&[]).await
}

/// A world whose server has further flags.
pub(super) async fn world_with(args: &[&str]) -> Option<World> {
    let role = Role::new(ROLE, "AROAEXAMPLENODES00001");
    let machine = Instance { instance_id: INSTANCE.into(), region: REGION.into(), role_arn: ROLE.into() };
    let aws = Settings {
        roles: vec![role],
        instance: Some(machine),
        instances: vec![instance(INSTANCE, 1)],
        ..Settings::default()
    };
    let plan = Plan {
        server_keys: "backendMode: [EKSConfigMap]",
        args,
        aws,
        // A control-plane host has credentials, by which EC2 is asked.
        environment: ADMIN.environment(),
        ..Plan::default()
    };
    World::start(plan).await
}

#[tokio::test]
async fn a_kubelet_is_refused_before_nodes_apply_and_joins_after_it() {
    let Some(world) = world().await else { return };
    let waiting = wait_for_a_node(&world);
    let kubelet = Kubelet::on_the_instance(&world, CLUSTER);
    assert_eq!(kubelet.username().await, None);
    let refused =
        kubelet.kubectl(&["create", "--raw", "/api/v1/nodes", "-f", "-"], &registration(NODE, INSTANCE)).await;
    assert!(refused.failure(1).contains("(Unauthorized)"));
    let denied = world.webhook.logged("not_mapped").await;
    assert!(denied.contains("arn:aws:iam::111122223333:role/my-node-role"), "{denied}");
    assert_eq!(world.aws.standin.count_of("DescribeInstances"), 0, "strangers cause no call to EC2");

    run(&world.control_plane, &["nodes", "apply", "--role-arn", ROLE, "--yes"]).await.success();
    let username = eventually("the kubelet is let in", async || kubelet.username().await).await;
    assert_eq!(username, format!("system:node:{NODE}"));
    let groups = kubelet.kubectl(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.groups}"], "").await.success();
    let groups: Vec<String> = serde_json::from_str(&groups).unwrap();
    assert_eq!(groups, ["system:bootstrappers", "system:nodes", "system:authenticated"]);

    kubelet.join(NODE, INSTANCE).await;
    let renewed = kubelet.renew_lease(NODE).await;
    let lease = world.admin(&["get", "lease", NODE, "-n", "kube-node-lease", "-o", "jsonpath={.spec.renewTime}"]).await;
    assert_eq!(lease, renewed);
    assert_eq!(events(waiting).await, ["joined", "ready", "reached"]);
    let listed = run(&world.control_plane, &["nodes", "list"]).await.success();
    assert!(listed.contains(INSTANCE) && listed.contains("mapRoles:1"), "{listed}");
    let why = run(&world.control_plane, &["nodes", "why", NODE]).await.success();
    assert_eq!(why, format!("nothing keeps {NODE} out\n"));
    assert_eq!(world.aws.standin.count_of("DescribeInstances"), 1, "the name is remembered over all logins");
    world.stop().await;
}

/// `nodes wait` for one node, begun before there is any.
fn wait_for_a_node(world: &World) -> Child {
    let mut command = on(&world.control_plane, &["nodes", "wait", "--count", "1", "-o", "json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The kinds of the events that a `nodes wait` has told until it ended with success.
async fn events(waiting: Child) -> Vec<String> {
    let ended = tokio::time::timeout(Duration::from_secs(120), waiting.wait_with_output()).await.expect("it ends");
    let said = Finished::from(ended.unwrap()).success();
    let kind = |line: &str| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned();
    said.lines().map(kind).collect()
}

#[tokio::test]
async fn a_kubelet_can_not_touch_what_is_not_its_own() {
    let Some(world) = world().await else { return };
    run(&world.control_plane, &["nodes", "apply", "--role-arn", ROLE, "--yes"]).await.success();
    let kubelet = Kubelet::on_the_instance(&world, CLUSTER);
    kubelet.join(NODE, INSTANCE).await;
    for object in [registration(OTHER, "i-1123456789abcdef0"), lease(OTHER)] {
        world.apply(&object).await;
    }

    // Its own Node, but for what decides which pods come to it.
    let label = async |label: &str, overwrites: &str| {
        kubelet
            .may_not(&["label", "node", NODE, label], "", &format!("is not allowed to modify labels: {overwrites}"))
            .await;
    };
    label("node-restriction.kubernetes.io/tier=secret", "node-restriction.kubernetes.io/tier").await;
    label("node-role.kubernetes.io/control-plane=", "node-role.kubernetes.io/control-plane").await;
    kubelet.may_not(&["taint", "node", NODE, "dedicated=me:NoSchedule"], "", "is not allowed to modify taints").await;
    kubelet.kubectl(&["label", "node", NODE, "node.kubernetes.io/instance-type=m7i.large"], "").await.success();

    // Another's Node and Lease. By raw requests: kubectl would read first, and be refused for that.
    let (nodes, other) = ("/api/v1/nodes", format!("/api/v1/nodes/{OTHER}"));
    let third = registration("ip-10-0-0-3.ec2.internal", INSTANCE);
    kubelet.may_not(&["create", "--raw", nodes, "-f", "-"], &third, "is not allowed to modify node").await;
    let replace = ["replace", "--raw", &other, "-f", "-"];
    kubelet.may_not(&replace, &registration(OTHER, INSTANCE), "is not allowed to modify node").await;
    let status = format!("{other}/status");
    kubelet
        .may_not(
            &["replace", "--raw", &status, "-f", "-"],
            &registration(OTHER, INSTANCE),
            "is not allowed to modify node",
        )
        .await;
    kubelet.may_not(&["delete", "--raw", &other], "", "cannot delete resource \"nodes\"").await;
    let their_lease = format!("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{OTHER}");
    let own_only = "can only access node lease with the same name as the requesting node";
    kubelet.may_not(&["get", "--raw", &their_lease], "", own_only).await;
    kubelet.may_not(&["replace", "--raw", &their_lease, "-f", "-"], &lease(OTHER), own_only).await;

    // Secrets are those of its own pods.
    for (name, node) in [("mine", NODE), ("theirs", OTHER)] {
        world.admin(&["create", "secret", "generic", name, "--from-literal=key=value"]).await;
        world.apply(&pod(name, node)).await;
    }
    eventually("the Node authorizer has seen the pod", async || {
        (kubelet.kubectl(&["get", "secret", "mine"], "").await.code == Some(0)).then_some(())
    })
    .await;
    kubelet.may_not(&["get", "secret", "theirs"], "", "no relationship found between node").await;
    kubelet.may_not(&["get", "secrets", "-A"], "", "can only read namespaced object of this type").await;
    let their_pod = "/api/v1/namespaces/default/pods/theirs";
    kubelet.may_not(&["delete", "--raw", their_pod], "", "can only delete pods with spec.nodeName set to itself").await;
    let aws_auth = ["get", "configmap", "aws-auth", "-n", "kube-system"];
    kubelet.may_not(&aws_auth, "", "no relationship found between node").await;
    world.stop().await;
}

/// A pod that runs on a node, with the secret of its own name.
fn pod(name: &str, node: &str) -> String {
    json!({
        "kind": "Pod", "apiVersion": "v1", "metadata": { "name": name },
        "spec": {
            "nodeName": node,
            "containers": [{ "name": "c", "image": "example.com/image" }],
            "volumes": [{ "name": "v", "secret": { "secretName": name } }],
        },
    })
    .to_string()
}

#[tokio::test]
async fn nodes_are_named_after_their_sessions_where_the_row_says_so() {
    let Some(world) = world().await else { return };
    let edge = "arn:aws:iam::111122223333:role/edge";
    run(&world.control_plane, &["nodes", "apply", "--kind", "hybrid", "--role-arn", edge, "--yes"]).await.success();
    let create = ["create", "mapping", "--arn", "arn:aws:iam::111122223333:role/by-id", "--yes"];
    let user = ["--username", "system:node:{{SessionName}}"];
    let groups = ["--group", "system:bootstrappers", "--group", "system:nodes"];
    run(&world.control_plane, &[&create[..], &user, &groups].concat()).await.success();
    for (role, name) in [("edge", "mi-0123456789abcdef0"), ("by-id", INSTANCE)] {
        let kubelet = Kubelet::of_key(&world, CLUSTER, &session(role, name));
        kubelet.join(name, INSTANCE).await;
        assert_eq!(kubelet.username().await, Some(format!("system:node:{name}")));
        let third = registration(NODE, INSTANCE);
        kubelet
            .may_not(&["create", "--raw", "/api/v1/nodes", "-f", "-"], &third, "is not allowed to modify node")
            .await;
    }
    let reached = run(&world.control_plane, &["nodes", "wait", "--count", "2"]).await.success();
    assert!(reached.ends_with("2 of 2 nodes ready\n"), "{reached}");
    assert_eq!(world.aws.standin.count_of("DescribeInstances"), 0);
    world.stop().await;
}
