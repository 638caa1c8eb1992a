//! RBAC objects that come with a mapping.

use kube_iam_cluster::RbacObject;
use kube_iam_core::change::Whom;
use serde_json::{Value, json};

use super::usage;
use crate::args::{BindArgs, Preset};
use crate::report::Failure;

const API: &str = "rbac.authorization.k8s.io";

/// The groups that a mapping gets by its bindings, and the objects that must be there.
pub fn wanted(args: &BindArgs, groups: &[String], whom: &Whom) -> Result<(Vec<String>, Vec<RbacObject>), Failure> {
    let mut given = Vec::new();
    let mut manifests = Vec::new();
    for role in &args.bind {
        let group = groups.first().cloned().ok_or_else(|| {
            let failure = Failure::new("`--bind` binds the group of the mapping, and there is none");
            usage(failure.hint("add `--group NAME`".to_string()))
        })?;
        manifests.push(binding(role, &group, args.namespace.as_deref())?);
    }
    if let Some(preset) = args.preset {
        if preset == Preset::ConsoleFull && args.namespace.is_some() && args.bind.is_empty() {
            let failure = Failure::new("the preset `console-full` shows the whole cluster, not one namespace");
            return Err(usage(failure.hint("leave `-n` out, or take `console-restricted`".to_string())));
        }
        let group = group_of(preset, groups, whom)?;
        manifests.extend(preset_objects(preset, &group, args.namespace.as_deref()));
        given.push(group);
    }
    let objects = manifests.into_iter().map(RbacObject::new).collect::<Result<Vec<_>, _>>();
    let objects = objects.map_err(|error| usage(Failure::new("the binding can't be made").because(&error)))?;
    if let Some(group) = objects.iter().flat_map(RbacObject::bound_groups).find(|group| is_of_everybody(group)) {
        let what = format!("a binding of group `{group}` would give its role to many more than {whom}");
        let hint = "add `--group NAME` with a name of its own before it";
        return Err(usage(Failure::new(what).hint(hint.to_string())));
    }
    Ok((given, objects))
}

/// Groups that kube-apiserver puts everybody in, or every service account
/// (kubernetes.io, Authenticating, "Anonymous requests"; Using RBAC Authorization,
/// "Referring to subjects").
fn is_of_everybody(group: &str) -> bool {
    matches!(group, "system:authenticated" | "system:unauthenticated") || group.starts_with("system:serviceaccounts")
}

/// The group that a preset binds: its own for the console, else the mapping's.
fn group_of(preset: Preset, groups: &[String], whom: &Whom) -> Result<String, Failure> {
    match (preset, groups.first()) {
        (Preset::ConsoleFull, _) => Ok("eks-console-dashboard-full-access-group".to_owned()),
        (Preset::ConsoleRestricted, _) => Ok("eks-console-dashboard-restricted-access-group".to_owned()),
        (_, Some(group)) => Ok(group.clone()),
        (_, None) => {
            let failure = Failure::new(format!("the preset binds the group of {whom}, and there is none"));
            Err(usage(failure.hint("add `--group NAME`".to_string())))
        }
    }
}

fn role_ref(kind: &str, name: &str) -> Value {
    json!({ "apiGroup": API, "kind": kind, "name": name })
}

fn bound(name: &str, namespace: Option<&str>, group: &str, role: &Value) -> Value {
    let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
    let mut metadata = json!({ "name": name });
    if let Some(namespace) = namespace {
        metadata["namespace"] = namespace.into();
    }
    json!({
        "apiVersion": format!("{API}/v1"),
        "kind": kind,
        "metadata": metadata,
        "subjects": [{ "apiGroup": API, "kind": "Group", "name": group }],
        "roleRef": role,
    })
}

/// `clusterrole/view`, or `role/name` in a namespace.
fn binding(role: &str, group: &str, namespace: Option<&str>) -> Result<Value, Failure> {
    let wrong = |what: &str| usage(Failure::new(format!("`--bind {role}` {what}")));
    let (kind, name) = role.split_once('/').unwrap_or(("", role));
    let kind = match kind.to_ascii_lowercase().as_str() {
        "clusterrole" => "ClusterRole",
        "role" if namespace.is_none() => {
            return Err(wrong("binds a Role, which is in a namespace").hint("add `-n NAMESPACE`".to_string()));
        }
        "role" => "Role",
        _ => return Err(wrong("names no role").hint("write `clusterrole/NAME` or `role/NAME`".to_string())),
    };
    let name = if name.is_empty() { return Err(wrong("names no role")) } else { name };
    Ok(bound(&format!("{}:{name}", group.replace(':', "-")), namespace, group, &role_ref(kind, name)))
}

fn preset_objects(preset: Preset, group: &str, namespace: Option<&str>) -> Vec<Value> {
    let cluster_role = |name: &str| {
        bound(&format!("{}:{name}", group.replace(':', "-")), namespace, group, &role_ref("ClusterRole", name))
    };
    match preset {
        Preset::View => Vec::from([cluster_role("view")]),
        Preset::Edit => Vec::from([cluster_role("edit")]),
        Preset::Admin => Vec::from([cluster_role("admin")]),
        Preset::ConsoleFull => {
            let name = "eks-console-dashboard-full-access-clusterrole";
            let rules = json!([
                rule(
                    &[""],
                    &[
                        "nodes",
                        "namespaces",
                        "pods",
                        "configmaps",
                        "endpoints",
                        "events",
                        "limitranges",
                        "persistentvolumeclaims",
                        "podtemplates",
                        "replicationcontrollers",
                        "resourcequotas",
                        "serviceaccounts",
                        "services"
                    ]
                ),
                rule(&["apps"], &["deployments", "daemonsets", "statefulsets", "replicasets"]),
                rule(&["batch"], &["jobs", "cronjobs"]),
                rule(&["coordination.k8s.io"], &["leases"]),
                rule(&["discovery.k8s.io"], &["endpointslices"]),
                rule(&["events.k8s.io"], &["events"]),
                rule(&["extensions"], &["daemonsets", "deployments", "ingresses", "networkpolicies", "replicasets"]),
                rule(&["networking.k8s.io"], &["ingresses", "networkpolicies"]),
                rule(&["policy"], &["poddisruptionbudgets"]),
                rule(&[API], &["rolebindings", "roles"]),
                rule(&["storage.k8s.io"], &["csistoragecapacities"]),
            ]);
            Vec::from([
                json!({ "apiVersion": format!("{API}/v1"), "kind": "ClusterRole", "metadata": { "name": name }, "rules": rules }),
                bound("eks-console-dashboard-full-access-binding", None, group, &role_ref("ClusterRole", name)),
            ])
        }
        Preset::ConsoleRestricted => {
            let namespace = namespace.unwrap_or("default");
            let (nodes, name) =
                ("eks-console-dashboard-restricted-access-clusterrole", "eks-console-dashboard-restricted-access-role");
            let everywhere = json!([rule(&[""], &["nodes", "namespaces"])]);
            let here = json!([
                rule(&[""], &["pods"]),
                rule(&["apps"], &["deployments", "daemonsets", "statefulsets", "replicasets"]),
                rule(&["batch"], &["jobs"]),
            ]);
            Vec::from([
                json!({ "apiVersion": format!("{API}/v1"), "kind": "ClusterRole", "metadata": { "name": nodes }, "rules": everywhere }),
                bound(
                    "eks-console-dashboard-restricted-access-clusterrole-binding",
                    None,
                    group,
                    &role_ref("ClusterRole", nodes),
                ),
                json!({ "apiVersion": format!("{API}/v1"), "kind": "Role", "metadata": { "name": name, "namespace": namespace }, "rules": here }),
                bound(
                    "eks-console-dashboard-restricted-access-role-binding",
                    Some(namespace),
                    group,
                    &role_ref("Role", name),
                ),
            ])
        }
    }
}

fn rule(groups: &[&str], resources: &[&str]) -> Value {
    json!({ "apiGroups": groups, "resources": resources, "verbs": ["get", "list"] })
}
