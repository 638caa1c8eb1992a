//! Scripted conversations, on a clock that stands still until everybody waits.

use std::time::Duration;

use http::{Request, Response, StatusCode};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tower_test::mock;

use super::*;

const LIST: &str = "limit=500";
const WATCH: &str = "watch=true";

fn node_of(name: &str) -> Value {
    json!({ "kind": "Node", "apiVersion": "v1", "metadata": { "name": name } })
}

fn list(version: &str, rest: &str, names: &[&str]) -> String {
    let items: Vec<_> = names.iter().map(|name| node_of(name)).collect();
    let metadata = json!({ "resourceVersion": version, "continue": rest });
    json!({ "kind": "NodeList", "apiVersion": "v1", "items": items, "metadata": metadata }).to_string()
}

fn event(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({ "type": kind, "object": object }))
}

fn status(code: StatusCode) -> String {
    json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code.as_u16(), "message": "no" })
        .to_string()
}

/// A source on an API server that is asked just this, in this order, and answers.
fn source(script: Vec<(&'static str, StatusCode, String)>) -> (NodeSource, JoinHandle<()>) {
    let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
    let server = tokio::spawn(async move {
        for (query, status, body) in script {
            let (request, reply) = requests.next_request().await.unwrap();
            assert_eq!(request.uri().path(), "/api/v1/nodes");
            assert!(request.uri().query().unwrap().contains(query), "{} is no {query}", request.uri());
            reply.send_response(Response::builder().status(status).body(Body::from(body.into_bytes())).unwrap());
        }
    });
    (NodeSource::new(Client::new(service, "default")), server)
}

fn all(names: &[&str]) -> NodesObservation {
    let node = |name: &&str| Node { name: (*name).to_owned(), ..Node::default() };
    NodesObservation::All(names.iter().map(node).collect())
}

async fn observed(source: &mut NodeSource) -> NodesObservation {
    timeout(Duration::from_secs(600), source.observe()).await.expect("something is observed")
}

#[tokio::test(start_paused = true)]
async fn pages_become_one_list_and_changes_follow_it() {
    let changes = event("MODIFIED", &node_of("a"))
        + &event("BOOKMARK", &json!({ "kind": "Node", "apiVersion": "v1", "metadata": { "resourceVersion": "12" } }))
        + &event("DELETED", &node_of("b"));
    let (mut source, server) = source(vec![
        (LIST, StatusCode::OK, list("10", "next", &["a"])),
        ("continue=next", StatusCode::OK, list("10", "", &["b"])),
        ("resourceVersion=10", StatusCode::OK, changes),
        // The watch has ended: what it may have missed is listed.
        (LIST, StatusCode::OK, list("20", "", &["a", "c"])),
        (
            "resourceVersion=20",
            StatusCode::OK,
            event("ERROR", &json!({ "kind": "Status", "code": 410, "message": "old" })),
        ),
        (LIST, StatusCode::OK, list("30", "", &[])),
    ]);
    assert_eq!(observed(&mut source).await, all(&["a", "b"]));
    let one = Node { name: "a".to_owned(), ..Node::default() };
    assert_eq!(observed(&mut source).await, NodesObservation::One(Box::new(one)));
    assert_eq!(observed(&mut source).await, NodesObservation::Gone("b".to_owned()));
    assert_eq!(observed(&mut source).await, all(&["a", "c"]));
    assert_eq!(observed(&mut source).await, all(&[]));
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_once_and_tried_again() {
    let down = || (LIST, StatusCode::SERVICE_UNAVAILABLE, status(StatusCode::SERVICE_UNAVAILABLE));
    let (mut source, server) = source(vec![
        down(),
        down(),
        (LIST, StatusCode::FORBIDDEN, status(StatusCode::FORBIDDEN)),
        (LIST, StatusCode::OK, list("10", "", &["a"])),
        (WATCH, StatusCode::OK, String::new()),
        down(),
        (LIST, StatusCode::OK, list("20", "", &["a"])),
    ]);
    for status in ["503", "not allowed"] {
        let NodesObservation::Failed(error) = observed(&mut source).await else { panic!("{status} was answered") };
        assert!(error.to_string().contains(status), "{error}");
    }
    assert_eq!(observed(&mut source).await, all(&["a"]));
    assert!(matches!(observed(&mut source).await, NodesObservation::Failed(_)));
    assert_eq!(observed(&mut source).await, all(&["a"]));
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_may_list_and_not_watch_lists_again_and_again() {
    let refused = || (WATCH, StatusCode::FORBIDDEN, status(StatusCode::FORBIDDEN));
    let (mut source, server) = source(vec![
        (LIST, StatusCode::OK, list("10", "", &[])),
        refused(),
        (LIST, StatusCode::OK, list("20", "", &["a"])),
        refused(),
        (LIST, StatusCode::OK, list("30", "", &["a", "b"])),
    ]);
    for names in [&[][..], &["a"], &["a", "b"]] {
        assert_eq!(observed(&mut source).await, all(names));
    }
    server.await.unwrap();
}
