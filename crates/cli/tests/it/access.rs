//! Who can do what, against a real kube-apiserver: the console's two groups of the EKS
//! user guide, walked from IAM role to rule.

use insta::assert_snapshot;
use kube_iam_control_plane::ControlPlane;
use serde_json::Value;

use crate::mappings::{control_plane, kubectl, run};
use crate::process::{Finished, finish};

const FULL: &str = "arn:aws:iam::111122223333:role/console-full";
const RESTRICTED: &str = "arn:aws:iam::111122223333:role/console-restricted";
const FULL_GROUP: &str = "eks-console-dashboard-full-access-group";
const RESTRICTED_GROUP: &str = "eks-console-dashboard-restricted-access-group";

/// Words are parted by blanks.
async fn access(control_plane: &ControlPlane, line: &str) -> Finished {
    let args: Vec<&str> = std::iter::once("access").chain(line.split(' ')).collect();
    run(control_plane, &args).await
}

/// The example of the user guide: both roles mapped, with what their groups need.
async fn console() -> Option<ControlPlane> {
    let control_plane = control_plane().await?;
    let create = ["create", "mapping", "--arn", FULL, "--username", "full", "--preset", "console-full", "--yes"];
    run(&control_plane, &create).await.success();
    let create =
        ["create", "mapping", "--arn", RESTRICTED, "--username", "some", "--preset", "console-restricted", "--yes"];
    run(&control_plane, &create).await.success();
    Some(control_plane)
}

#[tokio::test]
async fn the_consoles_groups_are_walked_from_role_to_rule() {
    let Some(control_plane) = console().await else { return };
    let can = access(&control_plane, &format!("can-i list pods -n default --arn {RESTRICTED}")).await;
    assert_snapshot!(can.success(), @"
    yes
    row      line 5 of mapRoles: username `some`, groups `eks-console-dashboard-restricted-access-group`
    granted  group `eks-console-dashboard-restricted-access-group` → `rolebinding/eks-console-dashboard-restricted-access-role-binding` in namespace `default` → `role/eks-console-dashboard-restricted-access-role` in namespace `default`, rule 1: get, list on pods
    ");
    let can = access(&control_plane, &format!("can-i list pods -n other --arn {RESTRICTED}")).await;
    assert_eq!((can.code, can.stderr.as_str()), (Some(1), ""));
    assert_snapshot!(can.stdout, @"
    no
    row      line 5 of mapRoles: username `some`, groups `eks-console-dashboard-restricted-access-group`
    rbac     nothing that is bound to this user or its groups allows it
    besides  not judged: other authorizers of the cluster, such as webhooks; on EKS, access policies
    ");
    let nobody = access(&control_plane, "can-i list pods --arn arn:aws:iam::111122223333:role/nobody").await;
    assert_eq!((nobody.code, nobody.stderr.as_str()), (Some(1), ""));
    assert_snapshot!(nobody.stdout, @"
    no
    row      none: no row lets it in
    besides  not judged: other authorizers of the cluster, such as webhooks; on EKS, access policies
    ");
    assert_snapshot!(access(&control_plane, "who-can list deploy -n default").await.success(), @"
    PRINCIPAL                                           ROW                  USERNAME   CAN   BY
    arn:aws:iam::111122223333:role/console-full         line 1 of mapRoles   full       yes   group `eks-console-dashboard-full-access-group` → `clusterrolebinding/eks-console-dashboard-full-access-binding` → `clusterrole/eks-console-dashboard-full-access-clusterrole`
    arn:aws:iam::111122223333:role/console-restricted   line 5 of mapRoles   some       yes   group `eks-console-dashboard-restricted-access-group` → `rolebinding/eks-console-dashboard-restricted-access-role-binding` in namespace `default` → `role/eks-console-dashboard-restricted-access-role` in namespace `default`

    SUBJECT          NAME                                    BY
    Group            system:masters                          may do everything
    User             system:kube-controller-manager          `clusterrolebinding/system:kube-controller-manager` → `clusterrole/system:kube-controller-manager`
    ServiceAccount   kube-system/deployment-controller       `clusterrolebinding/system:controller:deployment-controller` → `clusterrole/system:controller:deployment-controller`
    ServiceAccount   kube-system/disruption-controller       `clusterrolebinding/system:controller:disruption-controller` → `clusterrole/system:controller:disruption-controller`
    ServiceAccount   kube-system/generic-garbage-collector   `clusterrolebinding/system:controller:generic-garbage-collector` → `clusterrole/system:controller:generic-garbage-collector`
    ServiceAccount   kube-system/namespace-controller        `clusterrolebinding/system:controller:namespace-controller` → `clusterrole/system:controller:namespace-controller`
    ServiceAccount   kube-system/resourcequota-controller    `clusterrolebinding/system:controller:resourcequota-controller` → `clusterrole/system:controller:resourcequota-controller`
    ");
    assert_snapshot!(access(&control_plane, &format!("explain {RESTRICTED}")).await.success(), @"
    arn:aws:iam::111122223333:role/console-restricted
    row      line 5 of mapRoles: `arn:aws:iam::111122223333:role/console-restricted` Active
    user     line 5 of mapRoles: username `some`, groups `eks-console-dashboard-restricted-access-group`

    user `some`
      nothing is bound to it

    group `eks-console-dashboard-restricted-access-group`
      → `clusterrolebinding/eks-console-dashboard-restricted-access-clusterrole-binding` → `clusterrole/eks-console-dashboard-restricted-access-clusterrole`
          get, list on nodes, namespaces
      → `rolebinding/eks-console-dashboard-restricted-access-role-binding` in namespace `default` → `role/eks-console-dashboard-restricted-access-role` in namespace `default`
          get, list on pods
          get, list on deployments, daemonsets, statefulsets, replicasets of apps
          get, list on jobs of batch

    group `system:authenticated`, added by kube-apiserver
      → `clusterrolebinding/system:basic-user` → `clusterrole/system:basic-user`
          create on selfsubjectaccessreviews, selfsubjectrulesreviews of authorization.k8s.io
          create on selfsubjectreviews of authentication.k8s.io
      → `clusterrolebinding/system:discovery` → `clusterrole/system:discovery`
          get on /api, /api/*, /apis, /apis/*, /healthz, /livez, /openapi, /openapi/*, and 3 more
      → `clusterrolebinding/system:public-info-viewer` → `clusterrole/system:public-info-viewer`
          get on /healthz, /livez, /readyz, /version, /version/
    ");
    assert_snapshot!(access(&control_plane, "list -o wide").await.success(), @"
    PRINCIPAL                                           NAMESPACE   ACCESS   ROLES                                                                                              USERNAME   GROUPS                                          ROW
    arn:aws:iam::111122223333:role/console-full         *           custom   clusterrole/eks-console-dashboard-full-access-clusterrole                                          full       eks-console-dashboard-full-access-group         mapRoles:1
    arn:aws:iam::111122223333:role/console-restricted   *           custom   clusterrole/eks-console-dashboard-restricted-access-clusterrole                                    some       eks-console-dashboard-restricted-access-group   mapRoles:5
    arn:aws:iam::111122223333:role/console-restricted   default     custom   role/eks-console-dashboard-restricted-access-role                                                  some       eks-console-dashboard-restricted-access-group   mapRoles:5
    system:authenticated                                *           custom   clusterrole/system:basic-user,clusterrole/system:discovery,clusterrole/system:public-info-viewer   <none>     system:authenticated                            <none>
    ");

    let json = access(&control_plane, &format!("can-i list nodes --arn {FULL} -o json")).await.success();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["answer"], &json["ways"][0]["line"]), (&"yes".into(), &1.into()));
    assert_eq!(json["chains"][0]["binding"]["name"], "eks-console-dashboard-full-access-binding");
    assert_eq!(json["chains"][0]["rules"][0]["verbs"], serde_json::json!(["get", "list"]));

    // kubectl finds its plugin by name, and the mappings may stand in a file.
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kube-iam"), folder.path().join("kubectl-iam")).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap_or_default());
    let manifest = folder.path().join("aws-auth.yaml");
    let rows = format!("mapRoles: |\n  - rolearn: {RESTRICTED}\n    groups: [{FULL_GROUP}]\n");
    std::fs::write(&manifest, rows).unwrap();
    let mut plugin = control_plane.kubectl().unwrap();
    plugin.args([
        "iam",
        "access",
        "can-i",
        "get",
        "nodes",
        "--arn",
        RESTRICTED,
        "--authenticator",
        "eks",
        "--kubeconfig",
    ]);
    plugin.arg(control_plane.admin_kubeconfig()).arg("--manifest").arg(&manifest).env("PATH", path);
    plugin.env("NO_PROXY", "127.0.0.1,localhost");
    let told = finish(&mut plugin).await.success();
    assert!(told.starts_with("yes\n") && told.contains("eks-console-dashboard-full-access-binding"), "{told}");
    control_plane.stop().await;
}

#[tokio::test]
async fn answers_are_those_of_kubectl() {
    let Some(control_plane) = console().await else { return };
    let crd = r#"{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"}, "spec": {"group": "example.com", "scope": "Namespaced",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wd"]},
        "versions": [{"name": "v1", "served": true, "storage": true,
            "schema": {"openAPIV3Schema": {"type": "object"}}}]}}"#;
    kubectl(&control_plane, &["apply", "-f", "-"], crd).await.success();
    let served = ["wait", "--for=condition=Established", "crd/widgets.example.com", "--timeout=60s"];
    kubectl(&control_plane, &served, "").await.success();
    let role = ["create", "clusterrole", "widgets", "--verb=get", "--resource=widgets.example.com"];
    kubectl(&control_plane, &role, "").await.success();
    let bind =
        ["create", "rolebinding", "widgets", "-n", "default", "--clusterrole=widgets", "--group", RESTRICTED_GROUP];
    kubectl(&control_plane, &bind, "").await.success();
    let mut answers = Vec::new();
    for (arn, username, group) in [(FULL, "full", FULL_GROUP), (RESTRICTED, "some", RESTRICTED_GROUP)] {
        for words in [
            "list pods -n default",
            "list po -n other",
            "get pods x -n default",
            "delete pods -n default",
            "list nodes",
            "get namespaces",
            "get secrets -n default",
            "list deployments.apps -n default",
            "list deploy -A",
            "get jobs -n default",
            "get wd -n default",
            "get widget -n other",
            "get /version",
            "get /metrics",
        ] {
            let ours = access(&control_plane, &format!("can-i {words} --arn {arn}")).await;
            let theirs = format!("auth can-i {} --as {username} --as-group {group}", words.replace("pods x", "pods/x"));
            let theirs = kubectl(&control_plane, &theirs.split(' ').collect::<Vec<_>>(), "").await;
            assert_eq!(ours.code, theirs.code, "{arn} {words}: {ours:?} {theirs:?}");
            let (word, _) = ours.stdout.split_once('\n').unwrap();
            assert!(theirs.stdout.starts_with(word), "{words}: {ours:?} {theirs:?}");
            answers.push(ours.code == Some(0));
        }
    }
    let yes = answers.iter().filter(|yes| **yes).count();
    assert!(yes > 8 && answers.len() - yes > 8, "{answers:?}");
    control_plane.stop().await;
}

#[tokio::test]
async fn who_may_not_read_gets_no_no() {
    let Some(control_plane) = console().await else { return };
    let reader = ["create", "clusterrole", "reader", "--verb=list", "--resource=clusterroles,clusterrolebindings"];
    kubectl(&control_plane, &reader, "").await.success();
    let bind = ["create", "clusterrolebinding", "reader", "--clusterrole=reader", "--user=ann"];
    kubectl(&control_plane, &bind, "").await.success();
    let maps = ["create", "role", "maps", "-n", "kube-system", "--verb=get", "--resource=configmaps"];
    kubectl(&control_plane, &maps, "").await.success();
    let maps = ["create", "rolebinding", "maps", "-n", "kube-system", "--role=maps", "--user=ann"];
    kubectl(&control_plane, &maps, "").await.success();

    let some = access(&control_plane, &format!("can-i list pods -n default --arn {RESTRICTED} --as ann")).await;
    assert_eq!(some.code, Some(2), "{some:?}");
    assert!(some.stdout.starts_with("unknown\nrow      line ") && some.stderr.is_empty(), "{some:?}");
    assert!(some.stdout.contains("unknown  the RoleBindings of namespace `default` were not read: "), "{some:?}");
    let sure = access(&control_plane, &format!("can-i list pods -n default --arn {FULL} --as ann")).await.success();
    assert!(sure.starts_with("yes\n"), "{sure}");

    let none = access(&control_plane, &format!("can-i list pods --arn {FULL} --as nobody")).await;
    assert_eq!(none.code, Some(2), "{none:?}");
    assert!(none.stdout.starts_with("unknown\nrow      unknown\nunknown  aws-auth was not read: "), "{none:?}");
    let who = access(&control_plane, "who-can list pods -n default --as nobody -o json").await.success();
    let who: Value = serde_json::from_str(&who).unwrap();
    assert_eq!((&who["principals"], who["unknown"].as_array().unwrap().len()), (&serde_json::json!([]), 3), "{who}");
    let explained = access(&control_plane, &format!("explain {FULL} --as nobody")).await.success();
    assert!(explained.contains("user     unknown\nunknown  aws-auth was not read: "), "{explained}");
    let list = access(&control_plane, "list --as ann").await;
    assert!(list.stderr.contains("unknown  the RoleBindings were not read: "), "{list:?}");
    assert!(list.success().contains("custom"));
    let list = access(&control_plane, "list --as nobody").await;
    assert!(list.stderr.contains("unknown  aws-auth was not read: "), "{list:?}");
    control_plane.stop().await;
}

#[tokio::test]
async fn hostile_names_do_no_harm() {
    let Some(control_plane) = control_plane().await else { return };
    let group = "<script>alert(1)</script>\u{202e}\u{1b}[2J";
    let arn = "arn:aws:iam::111122223333:role/x";
    let rows = serde_json::json!([{ "rolearn": arn, "username": "=1+2\u{1b}[31m", "groups": [group] }]).to_string();
    let objects = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": [
        { "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "aws-auth", "namespace": "kube-system" },
          "data": { "mapRoles": rows } },
        { "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
          "metadata": { "name": "<b>&bound" }, "subjects": [{ "kind": "Group", "name": group }],
          "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "gone\u{7}" } },
        { "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
          "metadata": { "name": "listers" }, "subjects": [{ "kind": "Group", "name": group }],
          "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "lister" } },
        { "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": { "name": "lister" },
          "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": ["list"] }] },
    ] });
    kubectl(&control_plane, &["create", "-f", "-"], &objects.to_string()).await.success();
    for line in [
        format!("explain {arn}"),
        format!("can-i list pods --arn {arn}"),
        "who-can list pods".to_owned(),
        "list -o wide".to_owned(),
        "list -o csv".to_owned(),
    ] {
        let shown = access(&control_plane, &line).await.success();
        let is_harmless = |char: char| matches!(char, '\n' | '\r') || !char.is_control() && char != '\u{202e}';
        assert!(shown.chars().all(is_harmless), "{line}: {shown:?}");
        assert!(shown.contains("<script>alert(1)</script>\\u{202e}\\u{1b}[2J"), "{line}: {shown}");
    }
    let explained = access(&control_plane, &format!("explain {arn}")).await.success();
    assert!(explained.contains("`clusterrolebinding/<b>&bound` → `clusterrole/gone\\u{7}`: missing"), "{explained}");
    let json = access(&control_plane, "list -o json").await.success();
    assert!(!json.contains('\u{1b}'), "{json:?}");
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["rights"][0]["groups"][0], group);
    control_plane.stop().await;
}

#[tokio::test]
async fn a_wrong_question_is_no_answer() {
    for (line, wanted) in [
        ("can-i get pods --arn arn:aws:iam::111122223333:group/x", "is not the ARN of a role or user"),
        ("can-i get pods/ --arn arn:aws:iam::111122223333:role/x", "is neither a resource"),
        ("can-i get /healthz name --arn arn:aws:iam::111122223333:role/x", "is a path"),
        ("can-i get pods --arn arn:aws:iam::111122223333:role/x --manifest /nonexistent/aws-auth", "does not exist"),
        ("can-i get pods --arn arn:aws:iam::111122223333:role/x --kubeconfig /nonexistent", "error: "),
    ] {
        let mut command = crate::process::kube_iam();
        command.arg("access").args(line.split(' '));
        let failure = finish(&mut command).await.failure(2);
        assert!(failure.contains(wanted), "{line}: {failure}");
    }
}
