//! What of an RBAC object counts: two with the same content give the same rights.

use serde_json::{Map, Value, json};

use kube_iam_core::rbac::RbacKind;

/// The fields that give rights. Written out with the defaults of Kubernetes and in a
/// fixed order, since neither rules nor subjects have one.
pub(super) fn content(kind: RbacKind, manifest: &Value) -> Value {
    if kind.is_binding() {
        let subjects = items(manifest.get("subjects")).map(|subject| {
            let of_rbac = subject.get("kind").and_then(Value::as_str) != Some("ServiceAccount");
            with_group(subject.clone(), of_rbac)
        });
        let role = manifest.get("roleRef").cloned().unwrap_or_default();
        return json!({ "roleRef": with_group(role, true), "subjects": sorted(subjects) });
    }
    match manifest.get("aggregationRule") {
        None | Some(Value::Null) => json!({ "rules": sorted(items(manifest.get("rules")).map(rule)) }),
        // A controller fills in the rules.
        Some(aggregation) => json!({ "aggregationRule": aggregation }),
    }
}

/// The existing object with the fields that give rights as in `wanted`.
pub(super) fn replaced(kind: RbacKind, mut existing: Value, wanted: &Value) -> Value {
    let fields = if kind.is_binding() { ["roleRef", "subjects"] } else { ["rules", "aggregationRule"] };
    if let Some(members) = existing.as_object_mut() {
        for field in fields {
            members.insert(field.to_owned(), wanted.get(field).cloned().unwrap_or_default());
        }
    }
    existing
}

fn items(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

fn sorted(items: impl Iterator<Item = Value>) -> Value {
    let mut items: Vec<Value> = items.collect();
    // Members are in the order of their names, so that equal values have equal texts.
    items.sort_by_cached_key(Value::to_string);
    items.into()
}

/// A role or subject; those of RBAC itself need not name their group.
fn with_group(mut reference: Value, of_rbac: bool) -> Value {
    if let Some(members) = reference.as_object_mut() {
        let names_none = matches!(members.get("apiGroup").and_then(Value::as_str), None | Some(""));
        match (names_none, of_rbac) {
            (true, true) => drop(members.insert("apiGroup".to_owned(), "rbac.authorization.k8s.io".into())),
            (true, false) => drop(members.remove("apiGroup")),
            (false, _) => {}
        }
    }
    reference
}

/// A rule without its empty lists.
fn rule(rule: &Value) -> Value {
    let lists = rule.as_object().into_iter().flatten();
    let lists = lists.map(|(name, list)| (name.clone(), sorted(items(Some(list)).cloned())));
    lists.filter(|(_, list)| list.as_array().is_some_and(|list| !list.is_empty())).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_defaults_make_no_difference() {
        let ours = json!({
            "roleRef": { "kind": "ClusterRole", "name": "view" },
            "subjects": [{ "kind": "Group", "name": "b" }, { "kind": "ServiceAccount", "name": "a", "namespace": "n" }],
        });
        let theirs = json!({
            "metadata": { "labels": { "a": "b" } },
            "roleRef": { "kind": "ClusterRole", "name": "view", "apiGroup": "rbac.authorization.k8s.io" },
            "subjects": [
                { "kind": "ServiceAccount", "name": "a", "namespace": "n" },
                { "kind": "Group", "name": "b", "apiGroup": "rbac.authorization.k8s.io" },
            ],
        });
        let same = |kind, a: &Value, b: &Value| content(kind, a) == content(kind, b);
        assert!(same(RbacKind::ClusterRoleBinding, &ours, &theirs));
        let mut other = theirs.clone();
        other["roleRef"]["name"] = "edit".into();
        assert!(!same(RbacKind::ClusterRoleBinding, &ours, &other));
        let mut more = theirs;
        more["subjects"].as_array_mut().unwrap().push(json!({ "kind": "User", "name": "c" }));
        assert!(!same(RbacKind::ClusterRoleBinding, &ours, &more));

        let pods = json!({ "apiGroups": [""], "resources": ["pods", "services"], "verbs": ["get", "list"] });
        let same_pods = json!({
            "apiGroups": [""], "resources": ["services", "pods"], "verbs": ["list", "get"], "resourceNames": [],
        });
        let nodes = json!({ "apiGroups": [""], "resources": ["nodes"], "verbs": ["get"] });
        assert!(same(RbacKind::Role, &json!({ "rules": [pods, nodes] }), &json!({ "rules": [nodes, same_pods] })));
        assert!(!same(RbacKind::Role, &json!({ "rules": [pods] }), &json!({ "rules": [nodes] })));
        assert!(same(RbacKind::Role, &json!({ "rules": null }), &json!({})));
    }

    #[test]
    fn a_replacement_keeps_what_gives_no_rights() {
        let existing = json!({ "metadata": { "labels": { "a": "b" }, "resourceVersion": "7" }, "rules": [1] });
        let replaced = replaced(RbacKind::Role, existing, &json!({ "metadata": { "name": "x" }, "rules": [2] }));
        assert_eq!(replaced["metadata"], json!({ "labels": { "a": "b" }, "resourceVersion": "7" }));
        assert_eq!(replaced["rules"], json!([2]));
    }
}
