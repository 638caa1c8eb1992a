//! What RBAC costs on a large cluster, 5,000 roles and 20,000 bindings, in time and memory:
//! `cargo bench -p kube-iam-core --bench rbac`.

use std::sync::LazyLock;

use divan::{AllocProfiler, Bencher, black_box};
use kube_iam_core::rbac::{Answer, List, Policy, RbacKind, Request, Requester, ResourceRequest};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

static PAGES: LazyLock<Vec<(RbacKind, Vec<Vec<u8>>)>> = LazyLock::new(pages);
static POLICY: LazyLock<Policy> = LazyLock::new(load_all);

fn main() {
    divan::main();
}

fn named(number: usize, name: &str, namespace: Option<usize>, mut content: Value) -> Value {
    content["metadata"] = json!({
        "name": format!("{name}-{number}"), "namespace": namespace.map(|number| format!("team-{number}")),
        "uid": "0d6a5a0e-8f0b-4f5e-9d0a-3c0f6b1c2d3e", "resourceVersion": number.to_string(),
        "creationTimestamp": "2026-01-01T00:00:00Z", "labels": { "app.kubernetes.io/managed-by": "Helm" },
        "managedFields": [{ "manager": "helm", "operation": "Update", "fieldsV1": { "f:metadata": { "f:labels": {} } } }],
    });
    content
}

/// Twenty rules, as roles of operators have. Some are of that role only.
fn role(number: usize, namespace: Option<usize>) -> Value {
    let rule = |n: usize| {
        json!({
            "apiGroups": [format!("group-{}.example.com", (number + n) % 300)],
            "resources": [format!("things{}", (number * 7 + n) % 2000), format!("things{}/status", n), "pods", "secrets"],
            "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"],
            "resourceNames": if n == 0 { vec![format!("own-{number}")] } else { Vec::new() },
        })
    };
    let verb = if number.is_multiple_of(2) { "get" } else { "delete" };
    let pods = json!({ "apiGroups": [""], "resources": ["pods", "secrets"], "verbs": [verb] });
    let rules: Vec<_> = (0..19).map(rule).chain([pods]).collect();
    named(number, "role", namespace, json!({ "rules": rules }))
}

fn binding(number: usize, namespace: Option<usize>) -> Value {
    let (kind, role) =
        if namespace.is_some() { ("Role", 1000 + number % 4000) } else { ("ClusterRole", number % 1000) };
    let subjects = json!([
        { "kind": "Group", "name": format!("group-{}", number % 3000), "apiGroup": "rbac.authorization.k8s.io" },
        { "kind": "User", "name": format!("user-{number}"), "apiGroup": "rbac.authorization.k8s.io" },
        { "kind": "ServiceAccount", "name": format!("robot-{}", number % 50), "namespace": format!("team-{}", number % 400) },
    ]);
    named(
        number,
        "binding",
        namespace,
        json!({ "roleRef": { "kind": kind, "name": format!("role-{role}") }, "subjects": subjects }),
    )
}

fn pages() -> Vec<(RbacKind, Vec<Vec<u8>>)> {
    let team = |number: usize| Some(number % 400);
    let of = |kind: RbacKind| -> Vec<Value> {
        match kind {
            RbacKind::ClusterRole => (0..1000).map(|number| role(number, None)).collect(),
            RbacKind::Role => (1000..5000).map(|number| role(number, team(number))).collect(),
            RbacKind::ClusterRoleBinding => (0..2000).map(|number| binding(number, None)).collect(),
            RbacKind::RoleBinding => (2000..20_000).map(|number| binding(number, team(number))).collect(),
        }
    };
    let page = |kind: RbacKind, items: &[Value]| {
        let list = json!({ "kind": format!("{}List", kind.name()), "apiVersion": kube_iam_core::rbac::API_VERSION, "items": items });
        list.to_string().into_bytes()
    };
    RbacKind::ALL.map(|kind| (kind, of(kind).chunks(500).map(|items| page(kind, items)).collect())).into()
}

fn load_all() -> Policy {
    let lists = PAGES.iter().map(|(kind, pages)| {
        let mut list = List::of(*kind);
        for page in pages {
            list.read(page).unwrap();
        }
        list
    });
    Policy::new(lists)
}

fn delete_pods(namespace: Option<&str>) -> Request {
    Request::Resource(ResourceRequest {
        verb: "delete".into(),
        resource: "pods".into(),
        namespace: namespace.map(Into::into),
        ..ResourceRequest::default()
    })
}

/// From JSON to all indexes; `max alloc` is the memory it takes at most.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn load(bencher: Bencher<'_, '_>) {
    let bytes: usize = PAGES.iter().flat_map(|(_, pages)| pages).map(Vec::len).sum();
    bencher.counter(divan::counter::BytesCount::new(bytes)).bench_local(load_all);
}

/// Somebody in twenty groups, who may and who may not.
#[divan::bench(args = ["delete", "explode"])]
fn can(bencher: Bencher<'_, '_>, verb: &str) {
    let requester = Requester::authenticated("user-2001", (0..20).map(|number| format!("group-{}", number * 100 + 1)));
    let mut request = delete_pods(Some("team-1"));
    if let Request::Resource(asked) = &mut request {
        asked.verb = verb.into();
    }
    let policy = &*POLICY;
    assert_eq!(matches!(policy.can(&requester, &request), Answer::Granted(_)), verb == "delete");
    bencher.bench_local(|| black_box(policy.can(black_box(&requester), &request)));
}

/// A question to which half of all roles say yes.
#[divan::bench(args = [Some("team-1"), None])]
fn who_can(bencher: Bencher<'_, '_>, namespace: Option<&str>) {
    let (policy, request) = (&*POLICY, delete_pods(namespace));
    assert!(policy.who_can(&request).allowed.len() > 1000);
    bencher.bench_local(|| black_box(policy.who_can(black_box(&request))));
}
