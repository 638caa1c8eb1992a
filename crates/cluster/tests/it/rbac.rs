//! Roles and bindings on a real kube-apiserver.

use kube_iam_cluster::{
    ApiError, Creation, RbacObject, Replacement, WriteOptions, connect, create_missing, read_rbac, replace_rbac,
};
use kube_iam_core::rbac::{RbacKind, RbacRef};
use serde_json::{Value, json};

use crate::World;

fn object(kind: &str, namespace: Option<&str>, name: &str, content: &Value) -> RbacObject {
    let mut manifest = content.clone();
    manifest["kind"] = kind.into();
    manifest["apiVersion"] = "rbac.authorization.k8s.io/v1".into();
    manifest["metadata"] = json!({ "name": name });
    if let Some(namespace) = namespace {
        manifest["metadata"]["namespace"] = namespace.into();
    }
    RbacObject::new(manifest).unwrap()
}

fn role(verbs: &[&str]) -> RbacObject {
    let rules = json!({ "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": verbs }] });
    object("Role", Some("default"), "team:readers", &rules)
}

fn binding(kind: &str, namespace: Option<&str>, group: &str) -> RbacObject {
    let content = json!({
        "roleRef": { "kind": "ClusterRole", "name": "view", "apiGroup": "rbac.authorization.k8s.io" },
        "subjects": [{ "kind": "Group", "name": group }],
    });
    object(kind, namespace, "team", &content)
}

#[tokio::test]
async fn what_is_missing_is_created_and_what_differs_is_left_alone() {
    let Some(world) = World::start().await else { return };
    let client = connect(&world.kubeconfig(|_| {})).unwrap();
    let options = WriteOptions::default();
    let objects = [
        role(&["get", "list"]),
        binding("RoleBinding", Some("default"), "team"),
        binding("ClusterRoleBinding", None, "team"),
    ];
    let references: Vec<RbacRef> = objects.iter().map(|object| object.reference().clone()).collect();
    let missing = || vec![Ok(None), Ok(None), Ok(None)];
    assert_eq!(read_rbac(&client, &references).await, missing());

    let dry = WriteOptions { dry_run: true, ..options.clone() };
    for options in [&dry, &options] {
        let created = create_missing(&client, &objects, options).await;
        let outcomes: Vec<_> = created.done.iter().map(|(_, creation)| creation).collect();
        assert_eq!((outcomes, created.failed), (vec![&Creation::Created; 3], None));
        let there = read_rbac(&client, &references).await;
        assert_eq!(there == missing(), options.dry_run);
    }
    let managed = read_rbac(&client, &references[..1]).await.remove(0).unwrap().unwrap();
    assert_eq!(managed["metadata"]["managedFields"][0]["manager"], "kube-iam");

    let changed = [role(&["list", "get"]), binding("RoleBinding", Some("default"), "others")];
    let again = create_missing(&client, &changed, &options).await;
    assert_eq!(again.done[0].1, Creation::Exists);
    let Creation::Differs { existing } = &again.done[1].1 else { panic!("{again:?}") };
    assert_eq!(existing["subjects"][0]["name"], "team");
    let after = read_rbac(&client, &references[1..2]).await.remove(0).unwrap().unwrap();
    assert_eq!(&after, existing);
    world.control_plane.stop().await;
}

#[tokio::test]
async fn a_failure_says_how_far_it_came() {
    let Some(world) = World::start().await else { return };
    let client = connect(&world.kubeconfig(|_| {})).unwrap();
    let options = WriteOptions::default();
    let objects =
        [binding("ClusterRoleBinding", None, "team"), binding("RoleBinding", Some("nowhere"), "team"), role(&["get"])];
    let created = create_missing(&client, &objects, &options).await;
    assert_eq!(created.done, [(objects[0].reference().clone(), Creation::Created)]);
    let missing = ApiError::NamespaceMissing("nowhere".to_owned());
    assert_eq!(created.failed, Some((objects[1].reference().clone(), missing)));

    let nobody = world.client_as("nobody");
    let created = create_missing(&nobody, &objects[2..], &options).await;
    let Some((_, ApiError::Forbidden { right, .. })) = created.failed else { panic!("{created:?}") };
    assert_eq!(right.to_string(), "`create` on `roles.rbac.authorization.k8s.io` in namespace `default`");
    // Who may create bindings may still not give what he does not have.
    world.allow("binder", &["--verb=get,create", "--resource=rolebindings.rbac.authorization.k8s.io"]).await;
    let mut admin = binding("RoleBinding", Some("kube-system"), "team").manifest().clone();
    admin["roleRef"]["name"] = "cluster-admin".into();
    let admin = RbacObject::new(admin).unwrap();
    let created = create_missing(&world.client_as("binder"), &[admin], &options).await;
    let Some((_, error @ ApiError::Escalation(_))) = created.failed else { panic!("{created:?}") };
    assert!(error.hint().is_some());
    // What may not be looked at can't be compared.
    world.allow("blind", &["--verb=create", "--resource=roles.rbac.authorization.k8s.io"]).await;
    let rules = json!({ "rules": [] });
    let role = [object("Role", Some("kube-system"), "blind", &rules)];
    let created = create_missing(&world.client_as("blind"), &role, &options).await;
    let Some((_, ApiError::Forbidden { right, .. })) = created.failed else { panic!("{created:?}") };
    assert_eq!(right.to_string(), "`get` on `roles.rbac.authorization.k8s.io` `kube-system/blind`");
    world.control_plane.stop().await;
}

#[tokio::test]
async fn a_role_is_replaced_with_its_labels_kept() {
    let Some(world) = World::start().await else { return };
    let client = connect(&world.kubeconfig(|_| {})).unwrap();
    let options = WriteOptions::default();
    assert_eq!(replace_rbac(&client, &role(&["get"]), &options).await, Ok(Replacement::Created));
    assert_eq!(replace_rbac(&client, &role(&["get"]), &options).await, Ok(Replacement::Unchanged));
    world.kubectl(&["label", "role", "team:readers", "kept=1"], "").await;
    assert_eq!(replace_rbac(&client, &role(&["get", "watch"]), &options).await, Ok(Replacement::Replaced));
    let reference =
        RbacRef { kind: RbacKind::Role, namespace: Some("default".to_owned()), name: "team:readers".to_owned() };
    let after = read_rbac(&client, &[reference]).await.remove(0).unwrap().unwrap();
    assert_eq!(after["metadata"]["labels"], json!({ "kept": "1" }));
    assert_eq!(after["rules"][0]["verbs"], json!(["get", "watch"]));
    world.control_plane.stop().await;
}
