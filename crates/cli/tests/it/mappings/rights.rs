//! `create mapping` with the roles and bindings that it needs.

use std::fmt::Write as _;

use insta::assert_snapshot;
use kube_iam_control_plane::ControlPlane;
use tokio::process::Command;

use super::{DEV, SEED, kubectl, run, seeded, stored};
use crate::process::finish_with_input;

/// Somebody who may do this much, and no more.
const LIMITED: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: limited}
rules:
- {apiGroups: [''], resources: [configmaps, nodes], verbs: [get, list]}
- {apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [get, create, escalate, bind]}
- {apiGroups: [rbac.authorization.k8s.io], resources: [clusterrolebindings, rolebindings], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: limited}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: limited}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: limited}
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: binder}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: binder}
rules:
- {apiGroups: [rbac.authorization.k8s.io], resources: [clusterrolebindings], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: binder}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: binder}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: binder}
";

/// The names of all roles and bindings.
async fn rights(control_plane: &ControlPlane) -> String {
    let kinds = "clusterroles,clusterrolebindings,roles,rolebindings";
    kubectl(control_plane, &["get", kinds, "--all-namespaces", "-o", "name"], "").await.success()
}

/// Runs a command whose words are parted by blanks, and shows it with what it says.
async fn seen(control_plane: &ControlPlane, words: &str) -> String {
    let finished = run(control_plane, &words.split(' ').collect::<Vec<_>>()).await;
    let code = finished.code.unwrap();
    format!("$ kube-iam {words}\n{}{}exit {code}\n", finished.stderr, finished.stdout)
}

#[tokio::test]
async fn rights_come_before_the_mapping_that_needs_them() {
    let Some(control_plane) = seeded().await else { return };
    let create = ["create", "mapping", "--arn", DEV, "--preset", "console-full", "--yes"];
    let created = run(&control_plane, &create).await;
    assert!(created.stderr.contains("clusterrolebinding/"), "{created:?}");
    created.success();
    let user = ["auth", "can-i", "list", "nodes", "--as", "x", "--as-group", "eks-console-dashboard-full-access-group"];
    assert_eq!(kubectl(&control_plane, &user, "").await.success(), "yes\n");
    let again = run(&control_plane, &create).await;
    assert!(again.stderr.contains("exists"), "{again:?}");
    assert_eq!(again.success(), format!("mapping/{DEV} unchanged\n"));
    let bind = ["create", "mapping", "--account", "444455556666", "--group", "g", "--bind", "role/x", "--yes"];
    let nowhere = run(&control_plane, &bind).await.failure(2);
    assert!(nowhere.contains("hint: add `-n NAMESPACE`"), "{nowhere}");
    control_plane.stop().await;
}

#[tokio::test]
async fn whoever_is_not_let_in_gets_no_rights() {
    let Some(control_plane) = seeded().await else { return };
    let before = rights(&control_plane).await;
    let mut shown = String::new();
    for words in [
        "create mapping --arn arn:aws:iam::111122223333:role/dev --username system:x --group g --bind clusterrole/view --yes",
        "create mapping --arn arn:aws:iam::111122223333:role/Admin --preset console-full --yes",
        "create mapping --arn arn:aws:iam::111122223333:role/dev --group g --bind clusterrole/view --dry-run=client",
        "create mapping --arn arn:aws:iam::111122223333:role/dev --group g --bind clusterrole/view --dry-run=server",
        "create mapping --arn arn:aws:iam::111122223333:role/dev --group g -n apps --yes",
        "create mapping --arn arn:aws:iam::111122223333:role/dev --preset console-full -n apps --yes",
        "create mapping --arn arn:aws:iam::111122223333:role/dev --preset view --yes",
    ] {
        shown += &seen(&control_plane, words).await;
    }
    let asked = format!(
        "{} create mapping --arn {DEV} --group g --bind clusterrole/view --kubeconfig {}",
        env!("CARGO_BIN_EXE_kube-iam"),
        control_plane.admin_kubeconfig().display()
    );
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &asked, "/dev/null"]).env("TERM", "dumb");
    let declined = finish_with_input(&mut script, "n\n").await;
    assert!(declined.stdout.contains("create what is missing, and change aws-auth?"), "{declined:?}");
    assert_eq!(declined.code, Some(1), "{declined:?}");
    let broken = r#"{"data": {"mapRoles": "- rolearn: ["}}"#;
    let patch = ["patch", "cm", "aws-auth", "-n", "kube-system", "--type=merge", "-p", broken];
    kubectl(&control_plane, &patch, "").await.success();
    let words = "create mapping --arn arn:aws:iam::111122223333:role/dev --group g --bind clusterrole/view --yes";
    shown += &seen(&control_plane, words).await;
    assert_snapshot!(shown, @"
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/dev --username system:x --group g --bind clusterrole/view --yes
    `clusterrolebinding/g:view` is missing and comes first
    mapRoles
    @@ -3,4 +3,8 @@
       username: admin
       groups: [system:masters]
       note: {kept: yes}
    +- rolearn: arn:aws:iam::111122223333:role/dev
    +  username: system:x
    +  groups:
    +    - g
     # the end
    block: username `system:x` is one for components of Kubernetes [reserved-username]
      hint: a prefix of your own, such as `dev:`, can't be mistaken for one
    warning: mapRoles, line 7: `system:x` is a name for a component of Kubernetes [reserved-username]
    note: the guard could not find out which authenticator decides (see `--authenticator`) [unchecked]
    error: the change is refused, and nothing is written
    hint: if that is meant, repeat with `--override reserved-username`
    exit 1
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/Admin --preset console-full --yes
    error: `arn:aws:iam::111122223333:role/Admin` is already mapped in line 2 of `mapRoles`, with username `admin` and groups `system:masters`
    hint: to change it, use `kube-iam set mapping`
    exit 1
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/dev --group g --bind clusterrole/view --dry-run=client
    `clusterrolebinding/g:view` is missing and comes first
    mapRoles
    @@ -3,4 +3,8 @@
       username: admin
       groups: [system:masters]
       note: {kept: yes}
    +- rolearn: arn:aws:iam::111122223333:role/dev
    +  username: arn:aws:iam::111122223333:role/dev
    +  groups:
    +    - g
     # the end
    note: the guard could not find out which authenticator decides (see `--authenticator`) [unchecked]
    mapping/arn:aws:iam::111122223333:role/dev created (client dry run)
    exit 0
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/dev --group g --bind clusterrole/view --dry-run=server
    `clusterrolebinding/g:view` is missing and comes first
    mapRoles
    @@ -3,4 +3,8 @@
       username: admin
       groups: [system:masters]
       note: {kept: yes}
    +- rolearn: arn:aws:iam::111122223333:role/dev
    +  username: arn:aws:iam::111122223333:role/dev
    +  groups:
    +    - g
     # the end
    note: the guard could not find out which authenticator decides (see `--authenticator`) [unchecked]
    `clusterrolebinding/g:view` created (server dry run)
    mapping/arn:aws:iam::111122223333:role/dev created (server dry run)
    exit 0
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/dev --group g -n apps --yes
    error: the following required arguments were not provided:
      <--bind <KIND/NAME>|--preset <NAME>>

    Usage: kube-iam create mapping --group <GROUP> --namespace <NAMESPACE> --yes --kubeconfig <FILE> <--arn <ARN>|--sso-permission-set <NAME>|--account <ID>> <--bind <KIND/NAME>|--preset <NAME>>

    For more information, try '--help'.
    exit 2
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/dev --preset console-full -n apps --yes
    error: the preset `console-full` shows the whole cluster, not one namespace
    hint: leave `-n` out, or take `console-restricted`
    exit 2
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/dev --preset view --yes
    error: the preset binds the group of `arn:aws:iam::111122223333:role/dev`, and there is none
    hint: add `--group NAME`
    exit 2
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/dev --group g --bind clusterrole/view --yes
    error: aws-auth can't be read, so nothing is done
    Caused by: `mapRoles` can't be read, line 2, column 1: while parsing a node, did not find expected node content
    hint: run `kube-iam check` to see all of it, and `kube-iam edit` to mend it
    exit 2
    ");
    assert_eq!(rights(&control_plane).await, before);
    control_plane.stop().await;
}

#[tokio::test]
async fn rights_hold_where_they_were_asked_for() {
    let Some(control_plane) = seeded().await else { return };
    kubectl(&control_plane, &["create", "namespace", "apps"], "").await.success();
    // Without its controllers Kubernetes leaves `view`, `edit` and `admin` empty.
    let reader = ["create", "clusterrole", "reader", "--verb", "list", "--resource", "configmaps"];
    kubectl(&control_plane, &reader, "").await.success();
    let mut shown = String::new();
    for (number, flags) in [
        "--preset console-restricted -n apps",
        "--preset view -n apps --group viewers",
        "--preset edit --group editors",
        "--preset admin -n apps --group admins",
        "--bind clusterrole/reader -n apps --group readers",
        "--bind role/nowhere -n apps --group lost",
        "--bind clusterrole/edit --bind clusterrole/view --group both",
    ]
    .into_iter()
    .enumerate()
    {
        let arn = format!("arn:aws:iam::111122223333:role/r{number}");
        let words = format!("create mapping --arn {arn} --username u{number} {flags} --yes -o name");
        shown += &seen(&control_plane, &words).await;
    }
    for (group, verb, namespace) in [
        ("eks-console-dashboard-restricted-access-group", "list pods", "apps"),
        ("eks-console-dashboard-restricted-access-group", "list pods", "default"),
        ("eks-console-dashboard-restricted-access-group", "list nodes", "default"),
        ("readers", "list configmaps", "apps"),
        ("readers", "list configmaps", "default"),
    ] {
        let words: Vec<_> = verb.split(' ').collect();
        let args = [&["auth", "can-i"], &words[..], &["-n", namespace, "--as", "x", "--as-group", group]].concat();
        let answer = kubectl(&control_plane, &args, "").await.stdout;
        write!(shown, "{group} in {namespace}: {verb}? {answer}").unwrap();
    }
    for binding in ["clusterrolebinding/editors:edit", "rolebinding/viewers:view", "rolebinding/admins:admin"] {
        let path = "jsonpath={.kind} {.metadata.name}: {.roleRef.kind}/{.roleRef.name} to {.subjects[*].name}";
        shown += &kubectl(&control_plane, &["get", binding, "-n", "apps", "-o", path], "").await.success();
        shown.push('\n');
    }
    assert_snapshot!(shown, @"
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/r0 --username u0 --preset console-restricted -n apps --yes -o name
    `clusterrole/eks-console-dashboard-restricted-access-clusterrole` is missing and comes first
    `clusterrolebinding/eks-console-dashboard-restricted-access-clusterrole-binding` is missing and comes first
    `role/eks-console-dashboard-restricted-access-role` in namespace `apps` is missing and comes first
    `rolebinding/eks-console-dashboard-restricted-access-role-binding` in namespace `apps` is missing and comes first
    mapRoles
    @@ -3,4 +3,8 @@
       username: admin
       groups: [system:masters]
       note: {kept: yes}
    +- rolearn: arn:aws:iam::111122223333:role/r0
    +  username: u0
    +  groups:
    +    - eks-console-dashboard-restricted-access-group
     # the end
    note: the guard could not find out which authenticator decides (see `--authenticator`) [unchecked]
    `clusterrole/eks-console-dashboard-restricted-access-clusterrole` created
    `clusterrolebinding/eks-console-dashboard-restricted-access-clusterrole-binding` created
    `role/eks-console-dashboard-restricted-access-role` in namespace `apps` created
    `rolebinding/eks-console-dashboard-restricted-access-role-binding` in namespace `apps` created
    arn:aws:iam::111122223333:role/r0
    exit 0
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/r1 --username u1 --preset view -n apps --group viewers --yes -o name
    `rolebinding/viewers:view` in namespace `apps` is missing and comes first
    mapRoles
    @@ -7,4 +7,8 @@
       username: u0
       groups:
         - eks-console-dashboard-restricted-access-group
    +- rolearn: arn:aws:iam::111122223333:role/r1
    +  username: u1
    +  groups:
    +    - viewers
     # the end
    note: the guard could not find out which authenticator decides (see `--authenticator`) [unchecked]
    `rolebinding/viewers:view` in namespace `apps` created
    arn:aws:iam::111122223333:role/r1
    exit 0
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/r2 --username u2 --preset edit --group editors --yes -o name
    `clusterrolebinding/editors:edit` is missing and comes first
    mapRoles
    @@ -11,4 +11,8 @@
       username: u1
       groups:
         - viewers
    +- rolearn: arn:aws:iam::111122223333:role/r2
    +  username: u2
    +  groups:
    +    - editors
     # the end
    note: the guard could not find out which authenticator decides (see `--authenticator`) [unchecked]
    `clusterrolebinding/editors:edit` created
    arn:aws:iam::111122223333:role/r2
    exit 0
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/r3 --username u3 --preset admin -n apps --group admins --yes -o name
    `rolebinding/admins:admin` in namespace `apps` is missing and comes first
    mapRoles
    @@ -15,4 +15,8 @@
       username: u2
       groups:
         - editors
    +- rolearn: arn:aws:iam::111122223333:role/r3
    +  username: u3
    +  groups:
    +    - admins
     # the end
    note: the guard could not find out which authenticator decides (see `--authenticator`) [unchecked]
    `rolebinding/admins:admin` in namespace `apps` created
    arn:aws:iam::111122223333:role/r3
    exit 0
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/r4 --username u4 --bind clusterrole/reader -n apps --group readers --yes -o name
    `rolebinding/readers:reader` in namespace `apps` is missing and comes first
    mapRoles
    @@ -19,4 +19,8 @@
       username: u3
       groups:
         - admins
    +- rolearn: arn:aws:iam::111122223333:role/r4
    +  username: u4
    +  groups:
    +    - readers
     # the end
    note: the guard could not find out which authenticator decides (see `--authenticator`) [unchecked]
    `rolebinding/readers:reader` in namespace `apps` created
    arn:aws:iam::111122223333:role/r4
    exit 0
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/r5 --username u5 --bind role/nowhere -n apps --group lost --yes -o name
    `rolebinding/lost:nowhere` in namespace `apps` is missing and comes first
    warning: `role/nowhere` in namespace `apps` does not exist, so its binding gives nothing
    mapRoles
    @@ -23,4 +23,8 @@
       username: u4
       groups:
         - readers
    +- rolearn: arn:aws:iam::111122223333:role/r5
    +  username: u5
    +  groups:
    +    - lost
     # the end
    note: the guard could not find out which authenticator decides (see `--authenticator`) [unchecked]
    `rolebinding/lost:nowhere` in namespace `apps` created
    arn:aws:iam::111122223333:role/r5
    exit 0
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/r6 --username u6 --bind clusterrole/edit --bind clusterrole/view --group both --yes -o name
    `clusterrolebinding/both:edit` is missing and comes first
    `clusterrolebinding/both:view` is missing and comes first
    mapRoles
    @@ -27,4 +27,8 @@
       username: u5
       groups:
         - lost
    +- rolearn: arn:aws:iam::111122223333:role/r6
    +  username: u6
    +  groups:
    +    - both
     # the end
    note: the guard could not find out which authenticator decides (see `--authenticator`) [unchecked]
    `clusterrolebinding/both:edit` created
    `clusterrolebinding/both:view` created
    arn:aws:iam::111122223333:role/r6
    exit 0
    eks-console-dashboard-restricted-access-group in apps: list pods? yes
    eks-console-dashboard-restricted-access-group in default: list pods? no
    eks-console-dashboard-restricted-access-group in default: list nodes? yes
    readers in apps: list configmaps? yes
    readers in default: list configmaps? no
    ClusterRoleBinding editors:edit: ClusterRole/edit to editors
    RoleBinding viewers:view: ClusterRole/view to viewers
    RoleBinding admins:admin: ClusterRole/admin to admins
    ");
    control_plane.stop().await;
}

#[tokio::test]
async fn what_is_there_is_left_and_said() {
    let Some(control_plane) = seeded().await else { return };
    let other = ["create", "clusterrolebinding", "g:view", "--clusterrole", "edit", "--group", "else"];
    kubectl(&control_plane, &other, "").await.success();
    let words = "create mapping --arn arn:aws:iam::111122223333:role/dev --group g --bind clusterrole/view --yes";
    assert_snapshot!(seen(&control_plane, words).await, @"
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/dev --group g --bind clusterrole/view --yes
    warning: `clusterrolebinding/g:view` exists and gives other rights, or to others; it is left as it is
    mapRoles
    @@ -3,4 +3,8 @@
       username: admin
       groups: [system:masters]
       note: {kept: yes}
    +- rolearn: arn:aws:iam::111122223333:role/dev
    +  username: arn:aws:iam::111122223333:role/dev
    +  groups:
    +    - g
     # the end
    note: the guard could not find out which authenticator decides (see `--authenticator`) [unchecked]
    mapping/arn:aws:iam::111122223333:role/dev created
    exit 0
    ");
    control_plane.stop().await;
}

#[tokio::test]
async fn a_failure_says_what_exists_and_the_same_command_completes_it() {
    let Some(control_plane) = seeded().await else { return };
    kubectl(&control_plane, &["create", "-f", "-"], LIMITED).await.success();
    let create = "create mapping --arn arn:aws:iam::111122223333:role/dev --username dev --preset console-full --yes";
    let mut shown = String::new();
    for user in [" --as limited", " --as binder", ""] {
        shown += &seen(&control_plane, &format!("{create}{user}")).await;
        let is_mapped = stored(&control_plane).await["mapRoles"] != SEED;
        assert_eq!(is_mapped, user.is_empty());
    }
    assert_snapshot!(shown, @r#"
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/dev --username dev --preset console-full --yes --as limited
    `clusterrole/eks-console-dashboard-full-access-clusterrole` is missing and comes first
    `clusterrolebinding/eks-console-dashboard-full-access-binding` is missing and comes first
    mapRoles
    @@ -3,4 +3,8 @@
       username: admin
       groups: [system:masters]
       note: {kept: yes}
    +- rolearn: arn:aws:iam::111122223333:role/dev
    +  username: dev
    +  groups:
    +    - eks-console-dashboard-full-access-group
     # the end
    note: the guard could not find out which authenticator decides (see `--authenticator`) [unchecked]
    `clusterrole/eks-console-dashboard-full-access-clusterrole` created
    error: `clusterrolebinding/eks-console-dashboard-full-access-binding` is not created, and nobody is mapped
    Caused by: `create` on `clusterrolebindings.rbac.authorization.k8s.io` is not allowed: clusterrolebindings.rbac.authorization.k8s.io is forbidden: User "limited" cannot create resource "clusterrolebindings" in API group "rbac.authorization.k8s.io" at the cluster scope
    hint: ask an administrator to allow `create` on `clusterrolebindings.rbac.authorization.k8s.io`
    exit 1
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/dev --username dev --preset console-full --yes --as binder
    `clusterrole/eks-console-dashboard-full-access-clusterrole` exists
    `clusterrolebinding/eks-console-dashboard-full-access-binding` is missing and comes first
    mapRoles
    @@ -3,4 +3,8 @@
       username: admin
       groups: [system:masters]
       note: {kept: yes}
    +- rolearn: arn:aws:iam::111122223333:role/dev
    +  username: dev
    +  groups:
    +    - eks-console-dashboard-full-access-group
     # the end
    note: the guard could not find out which authenticator decides (see `--authenticator`) [unchecked]
    `clusterrolebinding/eks-console-dashboard-full-access-binding` created
    warning: `clusterrole/eks-console-dashboard-full-access-clusterrole`, `clusterrolebinding/eks-console-dashboard-full-access-binding` exist by now; repeating the command completes it
    error: aws-auth is not changed
    Caused by: `patch` on `configmaps` `kube-system/aws-auth` is not allowed: configmaps "aws-auth" is forbidden: User "binder" cannot patch resource "configmaps" in API group "" in the namespace "kube-system"
    hint: ask an administrator to allow `patch` on `configmaps` `kube-system/aws-auth`
    exit 1
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/dev --username dev --preset console-full --yes
    `clusterrole/eks-console-dashboard-full-access-clusterrole` exists
    `clusterrolebinding/eks-console-dashboard-full-access-binding` exists
    mapRoles
    @@ -3,4 +3,8 @@
       username: admin
       groups: [system:masters]
       note: {kept: yes}
    +- rolearn: arn:aws:iam::111122223333:role/dev
    +  username: dev
    +  groups:
    +    - eks-console-dashboard-full-access-group
     # the end
    note: the guard could not find out which authenticator decides (see `--authenticator`) [unchecked]
    mapping/arn:aws:iam::111122223333:role/dev created
    exit 0
    "#);
    control_plane.stop().await;
}
