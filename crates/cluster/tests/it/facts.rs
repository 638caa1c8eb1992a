//! What the guard reads, from a real kube-apiserver.

use std::collections::BTreeSet;

use kube_iam_cluster::{ApiError, Endpoint, Impersonation, caller, connect, connect_endpoint, facts};
use kube_iam_core::rbac::{Binding, RoleRef, Subject};
use kube_iam_core::secret::Token;
use serde_json::json;

use crate::World;

fn group(name: &str) -> Subject {
    Subject::Group(name.into())
}

#[tokio::test]
async fn everything_is_read_at_once() {
    let Some(world) = World::start().await else { return };
    let node = |name: &str, provider_id: &str| {
        json!({
            "kind": "Node", "apiVersion": "v1", "spec": { "providerID": provider_id },
            "metadata": { "name": name, "labels": { "eks.amazonaws.com/nodegroup": "ng", "app": "x" } },
        })
    };
    let nodes = json!({ "kind": "List", "apiVersion": "v1", "items": [
        node("ready", "aws:///eu-west-1a/i-0123456789abcdef0"), node("dead", "aws:///eu-west-1a/i-1123456789abcdef0"),
    ] });
    world.kubectl(&["create", "-f", "-"], &nodes.to_string()).await;
    let status = json!({ "status": { "conditions": [{ "type": "Ready", "status": "True" }] } }).to_string();
    world.kubectl(&["patch", "node", "ready", "--subresource=status", "-p", &status], "").await;
    world.kubectl(&["create", "clusterrolebinding", "ops", "--clusterrole=cluster-admin", "--group=ops"], "").await;
    world.kubectl(&["create", "clusterrolebinding", "see", "--clusterrole=view", "--user=viewer"], "").await;
    let local = ["create", "rolebinding", "local", "-n", "default", "--role=r", "--group=devs"];
    world.kubectl(&[&local[..], &["--serviceaccount=default:robot"]].concat(), "").await;
    // More than one page.
    let many: Vec<_> = (0..501)
        .map(|number| {
            json!({
                "kind": "RoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1",
                "metadata": { "name": format!("many-{number}"), "namespace": "default" },
                "roleRef": { "kind": "ClusterRole", "name": "view", "apiGroup": "rbac.authorization.k8s.io" },
                "subjects": [{ "kind": "User", "name": format!("u{number}"), "apiGroup": "rbac.authorization.k8s.io" }],
            })
        })
        .collect();
    world
        .kubectl(&["create", "-f", "-"], &json!({ "kind": "List", "apiVersion": "v1", "items": many }).to_string())
        .await;

    let facts = facts(&connect(&world.kubeconfig(|_| {})).unwrap()).await;
    assert!(facts.caller.as_ref().unwrap().groups.contains(&"system:masters".to_owned()), "{:?}", facts.caller);
    let admins = facts.admins().unwrap();
    assert_eq!(admins, BTreeSet::from([&group("ops"), &group("system:masters")]));
    let bound = facts.bound().unwrap();
    let robot = Subject::ServiceAccount { namespace: "default".into(), name: "robot".into() };
    let user = |name: &str| Subject::User(name.into());
    for subject in [group("devs"), robot.clone(), user("viewer"), user("u0"), user("u500"), group("ops")] {
        assert!(bound.contains(&subject), "{subject:?}");
    }
    assert!(!bound.contains(&group("nobody")));
    let local = Binding {
        namespace: Some("default".into()),
        name: "local".into(),
        role: RoleRef::Role("r".into()),
        subjects: vec![group("devs"), robot],
    };
    let mut found = facts.role_bindings.as_ref().unwrap().iter().find(|found| *found.name == *"local").unwrap().clone();
    found.subjects.sort();
    assert_eq!(found, local);
    let nodes = facts.nodes.unwrap();
    let seen: Vec<_> = nodes.iter().map(|node| (node.name.as_str(), node.is_ready(), node.instance_id())).collect();
    let id = |text: &str| Some(text.parse().unwrap());
    assert_eq!(seen, [("dead", false, id("i-1123456789abcdef0")), ("ready", true, id("i-0123456789abcdef0"))]);
    assert_eq!(nodes[0].labels.keys().collect::<Vec<_>>(), ["eks.amazonaws.com/nodegroup"]);
    world.control_plane.stop().await;
}

#[tokio::test]
async fn what_must_not_be_read_is_known_to_be_unknown() {
    let Some(world) = World::start().await else { return };
    let found = facts(&world.client_as("nobody")).await;
    assert_eq!(found.caller.as_ref().unwrap().username, "nobody");
    let right = |error: &ApiError| match error {
        ApiError::Forbidden { right, .. } => right.to_string(),
        other => panic!("{other:?}"),
    };
    let rbac = "rbac.authorization.k8s.io";
    let bindings = format!("`list` on `clusterrolebindings.{rbac}`");
    assert_eq!(right(found.admins().unwrap_err()), bindings);
    assert_eq!(right(found.bound().unwrap_err()), bindings);
    assert_eq!(right(&found.role_bindings.unwrap_err()), format!("`list` on `rolebindings.{rbac}`"));
    assert_eq!(right(&found.nodes.unwrap_err()), "`list` on `nodes`");
    world.control_plane.stop().await;
}

#[tokio::test]
async fn somebody_else_is_acted_as_and_an_endpoint_needs_no_kubeconfig() {
    let Some(world) = World::start().await else { return };
    let mut settings = world.kubeconfig(|kubeconfig| {
        kubeconfig["users"][0]["user"]["as"] = "replaced".into();
        kubeconfig["users"][0]["user"]["as-groups"] = json!(["replaced"]);
    });
    let groups = || vec!["a".to_owned(), "b".to_owned()];
    settings.impersonation = Impersonation { user: Some("alice".to_owned()), groups: groups() };
    let alice = caller(&connect(&settings).unwrap()).await.unwrap();
    assert_eq!((alice.username.as_str(), &alice.groups[..2]), ("alice", &groups()[..]));
    assert!(!alice.groups.contains(&"replaced".to_owned()));

    world.kubectl(&["create", "serviceaccount", "robot"], "").await;
    let mut kubectl = world.control_plane.kubectl().unwrap();
    let token = kubectl.args(["create", "token", "robot"]).output().await.unwrap();
    assert!(token.status.success(), "{}", String::from_utf8_lossy(&token.stderr));
    let mut endpoint = Endpoint {
        url: world.control_plane.url().to_owned(),
        ca_pem: world.control_plane.ca_pem().to_owned(),
        token: Token::new(String::from_utf8(token.stdout).unwrap().trim()),
        impersonation: Impersonation::default(),
    };
    let robot = caller(&connect_endpoint(&endpoint).unwrap()).await.unwrap();
    assert_eq!(robot.username, "system:serviceaccount:default:robot");
    endpoint.impersonation.user = Some("alice".to_owned());
    let Err(ApiError::Forbidden { right, .. }) = caller(&connect_endpoint(&endpoint).unwrap()).await else { panic!() };
    assert_eq!(right.to_string(), "`impersonate` on `users`");

    endpoint.token = Token::new("forged");
    let error = caller(&connect_endpoint(&endpoint).unwrap()).await.unwrap_err();
    assert!(matches!(error, ApiError::Unauthorized(_)), "{error:?}");
    world.control_plane.stop().await;
}
