//! Reads all roles and bindings, page by page.

use http::Method;
use kube::Client;
use kube_iam_core::rbac::{List, Policy, RbacKind};
use tokio::time::timeout;

use super::{collection, resource};
use crate::api_error::{ApiError, Right};
use crate::exchange::{Question, ask, escaped};
use crate::limits;

/// All roles and bindings, as far as they could be read.
#[derive(Debug, Clone)]
pub struct PolicyRead {
    /// What was read. It knows what was not.
    pub policy: Policy,
    /// Why lists could not be read.
    pub unread: Vec<Unread>,
}

/// A list that could not be read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Of what.
    pub kind: RbacKind,
    /// In which namespace; none is all of them.
    pub namespace: Option<String>,
    /// Why.
    pub error: ApiError,
}

/// Reads all roles and bindings, in pages of [`limits::PAGE`] and within
/// [`limits::POLICY`]. Who may not list a kind in all namespaces reads it in
/// `namespace`, if one is given. The rights needed are `list` on the four kinds.
pub async fn read_policy(client: &Client, namespace: Option<&str>) -> PolicyRead {
    let (cluster_roles, roles, cluster_role_bindings, role_bindings) = tokio::join!(
        read_kind(client, RbacKind::ClusterRole, namespace),
        read_kind(client, RbacKind::Role, namespace),
        read_kind(client, RbacKind::ClusterRoleBinding, namespace),
        read_kind(client, RbacKind::RoleBinding, namespace),
    );
    let (mut lists, mut unread) = (Vec::new(), Vec::new());
    for (listed, failed) in [cluster_roles, roles, cluster_role_bindings, role_bindings] {
        lists.extend(listed);
        unread.extend(failed);
    }
    PolicyRead { policy: Policy::new(lists), unread }
}

async fn read_kind(client: &Client, kind: RbacKind, namespace: Option<&str>) -> (Vec<List>, Vec<Unread>) {
    let (mut lists, mut unread) = (Vec::new(), Vec::new());
    let here = namespace.filter(|_| kind.is_namespaced()).map(|here| List::in_namespace(kind, here));
    for mut list in [List::of(kind)].into_iter().chain(here) {
        let outcome = read_list(client, &mut list).await;
        let namespace = list.namespace().map(str::to_owned);
        lists.push(list);
        let Err(error) = outcome else { break };
        unread.push(Unread { kind, namespace, error });
        if !matches!(unread.last(), Some(Unread { error: ApiError::Forbidden { .. }, .. })) {
            break;
        }
    }
    (lists, unread)
}

/// Reads a list into one that is empty. What was read before an error is kept, and
/// says that it is not all.
///
/// # Errors
/// [`ApiError`]; with more than [`limits::RBAC_LIST`] objects it is
/// [`ApiError::TooMany`], with more than [`limits::RBAC_LIST_BYTES`] it is
/// [`ApiError::AnswerTooLong`].
pub(crate) async fn read_list(client: &Client, list: &mut List) -> Result<(), ApiError> {
    let read = timeout(limits::POLICY, pages(client, list)).await;
    let outcome = read.unwrap_or(Err(ApiError::Timeout(limits::POLICY)));
    if let Err(error) = &outcome {
        list.stop(&error.to_string());
    }
    outcome
}

async fn pages(client: &Client, list: &mut List) -> Result<(), ApiError> {
    let empty = list.clone();
    let (mut room, mut begun) = (limits::RBAC_LIST_BYTES, 0);
    let mut next: Option<String> = None;
    loop {
        let bytes = match page(client, list, next.as_deref()).await {
            // What the pages were of has been forgotten meanwhile.
            Err(ApiError::Refused { status: 410, .. }) if next.is_some() && begun < limits::RESTARTS => {
                *list = empty.clone();
                (next, begun) = (None, begun + 1);
                continue;
            }
            answer => answer?,
        };
        room = room.checked_sub(bytes.len()).ok_or(ApiError::AnswerTooLong(limits::RBAC_LIST_BYTES))?;
        next = list.read(&bytes).map_err(|error| ApiError::Malformed(error.to_string()))?;
        if list.len() > limits::RBAC_LIST {
            return Err(ApiError::TooMany { what: resource(list.kind()).1, most: limits::RBAC_LIST });
        }
        if next.is_none() {
            return Ok(());
        }
    }
}

/// One page of a list.
async fn page(client: &Client, list: &List, next: Option<&str>) -> Result<Vec<u8>, ApiError> {
    let (kind, namespace) = (list.kind(), list.namespace());
    let next = next.map(|token| format!("&continue={}", escaped(token))).unwrap_or_default();
    let question = Question {
        method: Method::GET,
        uri: format!("{}?limit={}{next}", collection(kind, namespace), limits::PAGE),
        body: None,
        right: Right { verb: "list", resource: resource(kind).0, namespace: namespace.map(str::to_owned), name: None },
    };
    ask(client, question, limits::ANSWER, limits::PAGE_BYTES).await
}

#[cfg(test)]
mod tests {
    use http::{Request, Response};
    use kube::client::Body;
    use kube_iam_core::rbac::API_VERSION;
    use serde_json::{Value, json};
    use tower_test::mock;

    use super::*;

    /// Reads Roles from a server that is asked these queries, answers so, and is asked
    /// nothing more.
    async fn read(script: &[(&str, u16, Value)]) -> (Result<(), ApiError>, List) {
        let (service, mut server) = mock::pair::<Request<Body>, Response<Body>>();
        let client = Client::new(service, "default");
        let reading = tokio::spawn(async move {
            let mut list = List::of(RbacKind::Role);
            (read_list(&client, &mut list).await, list)
        });
        for (query, status, body) in script {
            let (request, reply) = server.next_request().await.unwrap();
            assert_eq!(request.uri().path(), "/apis/rbac.authorization.k8s.io/v1/roles");
            assert_eq!(request.uri().query(), Some(*query));
            let body = Body::from(body.to_string().into_bytes());
            reply.send_response(Response::builder().status(*status).body(body).unwrap());
        }
        let read = reading.await.unwrap();
        assert!(server.next_request().await.is_none());
        read
    }

    fn page(names: impl IntoIterator<Item = String>, next: &str) -> Value {
        let role = |name: String| json!({ "metadata": { "namespace": "n", "name": name } });
        let items: Vec<_> = names.into_iter().map(role).collect();
        json!({ "kind": "RoleList", "apiVersion": API_VERSION, "metadata": { "continue": next }, "items": items })
    }

    fn names(list: List) -> (Vec<String>, bool) {
        let policy = Policy::new([list]);
        let names = policy.roles().iter().map(|role| role.name.to_string()).collect();
        (names, policy.unread(RbacKind::Role, Some("n")).is_none())
    }

    fn of(name: &str, next: &str) -> Value {
        page([name.to_owned()], next)
    }

    #[tokio::test]
    async fn pages_follow_each_other() {
        let script = [("limit=500", 200, of("a", "x/y&z=")), ("limit=500&continue=x%2Fy%26z%3D", 200, of("b", ""))];
        let (outcome, list) = read(&script).await;
        assert_eq!((outcome, names(list)), (Ok(()), (vec!["a".to_owned(), "b".to_owned()], true)));
    }

    #[tokio::test]
    async fn a_list_that_is_forgotten_is_begun_anew_and_not_for_ever() {
        let gone = || json!({ "kind": "Status", "apiVersion": "v1", "message": "too old", "code": 410 });
        let (first, second) = ("limit=500", "limit=500&continue=t");
        let script = [(first, 200, of("deleted", "t")), (second, 410, gone()), (first, 200, of("a", ""))];
        let (outcome, list) = read(&script).await;
        assert_eq!((outcome, names(list)), (Ok(()), (vec!["a".to_owned()], true)));

        let script = [(first, 200, of("a", "t")), (second, 410, gone())];
        let script: Vec<_> = (0..=limits::RESTARTS).flat_map(|_| script.clone()).collect();
        let (outcome, list) = read(&script).await;
        assert_eq!(outcome, Err(ApiError::Refused { status: 410, message: "too old".to_owned() }));
        assert_eq!(names(list), (vec!["a".to_owned()], false));
    }

    #[tokio::test]
    async fn what_is_no_list_is_no_empty_list() {
        for body in [json!({}), json!({ "kind": "Status", "apiVersion": "v1" })] {
            let (outcome, list) = read(&[("limit=500", 200, body)]).await;
            assert!(matches!(outcome, Err(ApiError::Malformed(_))), "{outcome:?}");
            assert_eq!(names(list), (vec![], false));
        }
    }

    #[tokio::test]
    async fn there_are_only_so_many() {
        let many = |count: usize| page((0..count).map(|number| format!("r{number}")), "");
        let (outcome, list) = read(&[("limit=500", 200, many(limits::RBAC_LIST))]).await;
        assert_eq!((outcome, names(list).1), (Ok(()), true));
        let (outcome, list) = read(&[("limit=500", 200, many(limits::RBAC_LIST + 1))]).await;
        assert_eq!(outcome, Err(ApiError::TooMany { what: "roles", most: limits::RBAC_LIST }));
        assert!(!names(list).1);
    }
}
