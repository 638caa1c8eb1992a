//! RBAC as we read and judge it, beside kube-apiserver's own.

mod random;

use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use http::{Method, Request as HttpRequest};
use kube::Client;
use kube_iam_cluster::{ApiError, connect, read_policy};
use kube_iam_core::rbac::{API_VERSION, Answer, Chain, RbacKind, Request, Requester, ResourceRequest, Subject};
use serde_json::{Value, json};
use tokio::time::sleep;

use self::random::{Dice, NAMESPACES};
use crate::{PATIENCE, World};

const QUESTIONS: usize = 10_000;
/// Requests under way at the same time.
const AT_ONCE: usize = 48;

async fn post(client: &Client, path: &str, body: &Value) -> Value {
    let request = HttpRequest::builder().method(Method::POST).uri(path).header("content-type", "application/json");
    client
        .request(request.body(body.to_string().into_bytes()).unwrap())
        .await
        .unwrap_or_else(|error| panic!("{body}: {error}"))
}

async fn create(client: &Client, kind: RbacKind, namespace: Option<&str>, object: &Value) {
    let plural = format!("{}s", kind.name().to_ascii_lowercase());
    let namespace = namespace.map(|namespace| format!("namespaces/{namespace}/")).unwrap_or_default();
    post(client, &format!("/apis/{API_VERSION}/{namespace}{plural}"), object).await;
}

/// What kube-apiserver says, and which binding it says it by.
async fn review(client: &Client, requester: &Requester, request: &Request) -> (bool, String) {
    let mut spec = json!({ "user": requester.username, "groups": requester.groups });
    match request {
        Request::Path { verb, path } => spec["nonResourceAttributes"] = json!({ "verb": verb, "path": path }),
        Request::Resource(asked) => {
            spec["resourceAttributes"] = json!({
                "verb": asked.verb, "group": asked.group, "resource": asked.resource, "name": asked.name,
                "subresource": asked.subresource, "namespace": asked.namespace,
            });
        }
    }
    let review = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec });
    let status = &post(client, "/apis/authorization.k8s.io/v1/subjectaccessreviews", &review).await["status"];
    (status["allowed"].as_bool().unwrap(), status["reason"].as_str().unwrap_or_default().to_owned())
}

/// kube-apiserver judges by what it watches: the last objects are seen after all others
/// of their kind.
async fn create_last_and_wait(client: &Client) {
    let rules = json!([{ "verbs": ["wait"], "apiGroups": ["wait"], "resources": ["last"] }]);
    let asked =
        ResourceRequest { verb: "wait".into(), group: "wait".into(), resource: "last".into(), ..Default::default() };
    for (role, binding, namespace) in [
        (RbacKind::ClusterRole, RbacKind::ClusterRoleBinding, None),
        (RbacKind::Role, RbacKind::RoleBinding, Some("apps")),
    ] {
        let metadata = json!({ "name": "last" });
        create(client, role, namespace, &json!({ "metadata": metadata, "rules": rules })).await;
        let subjects = json!([{ "kind": "User", "name": format!("last-{}", role.name()) }]);
        let given =
            json!({ "metadata": metadata, "roleRef": { "kind": role.name(), "name": "last" }, "subjects": subjects });
        create(client, binding, namespace, &given).await;
        let requester = Requester { username: format!("last-{}", role.name()), groups: Vec::new() };
        let request = Request::Resource(ResourceRequest { namespace: namespace.map(Into::into), ..asked.clone() });
        tokio::time::timeout(PATIENCE, async {
            while !review(client, &requester, &request).await.0 {
                sleep(Duration::from_millis(50)).await;
            }
        })
        .await
        .expect("kube-apiserver sees what was created");
    }
}

/// A chain in kube-apiserver's words.
fn in_its_words(chain: &Chain<'_>) -> String {
    let Chain::Bound { subject, binding, role, .. } = chain else { return String::new() };
    let subject = match subject {
        Subject::Group(name) => format!("Group {name:?}"),
        Subject::User(name) => format!("User {name:?}"),
        Subject::ServiceAccount { namespace, name } => format!("ServiceAccount {:?}", format!("{name}/{namespace}")),
    };
    let binding = match &binding.namespace {
        Some(namespace) => format!("RoleBinding {:?}", format!("{}/{namespace}", binding.name)),
        None => format!("ClusterRoleBinding {:?}", binding.name),
    };
    format!("RBAC: allowed by {binding} of {} {:?} to {subject}", role.reference().kind.name(), role.name)
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_answers_are_those_of_kube_apiserver() {
    let Some(world) = World::start().await else { return };
    let client = connect(&world.kubeconfig(|_| {})).unwrap();
    let mut dice = Dice(6);
    for name in NAMESPACES.iter().filter(|name| **name != "kube-system") {
        post(&client, "/api/v1/namespaces", &json!({ "metadata": { "name": name } })).await;
    }
    let objects = random::objects(&mut dice);
    stream::iter(&objects)
        .for_each_concurrent(AT_ONCE, |(kind, namespace, object)| create(&client, *kind, *namespace, object))
        .await;
    create_last_and_wait(&client).await;

    let read = read_policy(&client, None).await;
    assert_eq!(read.unread, []);
    let policy = &read.policy;
    let ours = objects.iter().filter(|(kind, ..)| kind.is_binding()).count() + 2;
    // Those that every cluster has count too.
    assert!(policy.bindings().len() > ours + 20, "{} of {ours}", policy.bindings().len());
    assert!(policy.problems().iter().all(|problem| !problem.fault.hides()), "{:?}", policy.problems());
    assert!(policy.problems().len() > 10, "dangling bindings");

    let questions: Vec<_> = (0..QUESTIONS).map(|_| random::question(&mut dice, policy)).collect();
    let answers: Vec<_> = stream::iter(&questions)
        .map(async |question| (question, review(&client, &question.0, &question.1).await))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let (mut yes, mut by_paths, mut local) = (0, 0, 0);
    let mut differences = Vec::new();
    for ((requester, request), (allowed, reason)) in &answers {
        let answer = policy.can(requester, request);
        let agrees = match &answer {
            Answer::Granted(chains) => *allowed && chains.iter().any(|chain| in_its_words(chain) == *reason),
            Answer::NotGranted => !allowed,
            Answer::Unknown(_) => false,
        };
        if !agrees {
            differences.push(format!("{requester:?}\n{request:?}\n{allowed} {reason}\n{answer:?}"));
        }
        yes += usize::from(*allowed);
        by_paths += usize::from(*allowed && matches!(request, Request::Path { .. }));
        local += usize::from(reason.contains("by RoleBinding"));
    }
    assert!(differences.is_empty(), "{} differences, the first:\n{}", differences.len(), differences[0]);
    let counts = format!("{yes} yes, {by_paths} of them by paths and {local} by RoleBindings, of {QUESTIONS}");
    assert!((QUESTIONS * 3 / 10..QUESTIONS * 7 / 10).contains(&yes) && by_paths > 200 && local > 1000, "{counts}");
    world.control_plane.stop().await;
}

#[tokio::test]
async fn what_may_not_be_listed_is_unknown_but_for_one_namespace() {
    let Some(world) = World::start().await else { return };
    world.allow("viewer", &["--verb=list", "--resource=roles,rolebindings"]).await;
    let client = world.client_as("viewer");
    let ask = |namespace: &str| {
        Request::Resource(ResourceRequest {
            verb: "list".into(),
            group: "rbac.authorization.k8s.io".into(),
            resource: "roles".into(),
            namespace: Some(namespace.into()),
            ..ResourceRequest::default()
        })
    };
    let viewer = Requester::authenticated("viewer", [""; 0]);
    let read = read_policy(&client, Some("kube-system")).await;
    assert!(matches!(read.policy.can(&viewer, &ask("kube-system")), Answer::Granted(_)));
    let Answer::Unknown(missing) = read.policy.can(&viewer, &ask("default")) else { panic!("nothing grants it") };
    let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
    let why = |kind: &str| {
        format!(
            "`list` on `{kind}.rbac.authorization.k8s.io` is not allowed: {kind}.rbac.authorization.k8s.io is forbidden"
        )
    };
    assert!(missing[0].starts_with(&format!("the ClusterRoleBindings were not read: {}", why("clusterrolebindings"))));
    let local = format!("the RoleBindings of namespace `default` were not read: {}", why("rolebindings"));
    assert!(missing[1].starts_with(&local), "{missing:?}");
    let unread: Vec<_> = read.unread.iter().map(|unread| (unread.kind, unread.namespace.as_deref())).collect();
    assert_eq!(unread, RbacKind::ALL.map(|kind| (kind, None)));
    assert!(read.unread.iter().all(|unread| matches!(unread.error, ApiError::Forbidden { .. })));
    assert_eq!(read_policy(&client, Some("default")).await.unread.len(), 6);
    world.control_plane.stop().await;
}
