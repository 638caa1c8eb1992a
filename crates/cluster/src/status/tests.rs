//! Scripted conversations: what a real API server does only if two are as fast.

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use kube::client::Body;
use tower_test::mock::{self, Handle};

use super::*;

type Requests = Handle<Request<Body>, Response<Body>>;

fn status() -> (StatusMap, Requests) {
    let (service, requests) = mock::pair();
    (StatusMap::new(Client::new(service, "default")), requests)
}

/// Takes a request, answers it with this status, and gives its line and its data.
async fn answer(requests: &mut Requests, code: u16, reason: &str) -> (String, Value) {
    let (request, reply) = requests.next_request().await.expect("a request");
    let line = format!("{} {}", request.method(), request.uri());
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let answer = json!({ "kind": "Status", "message": "m", "reason": reason, "code": code });
    let mut response = Response::new(Body::from(answer.to_string().into_bytes()));
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    reply.send_response(response);
    (line, body["data"].clone())
}

#[tokio::test]
async fn whoever_is_second_to_create_it_patches_it() {
    let (status, mut requests) = status();
    let touched = BTreeMap::from([("own".to_owned(), Some("text".to_owned())), ("gone".to_owned(), None)]);
    let writing = tokio::spawn(async move { status.write(&touched).await });
    let patch = (format!("PATCH {OBJECT}?fieldManager=kube-iam"), json!({ "own": "text", "gone": null }));
    assert_eq!(answer(&mut requests, 404, "NotFound").await, patch);
    let create = (format!("POST {COLLECTION}?fieldManager=kube-iam"), json!({ "own": "text" }));
    assert_eq!(answer(&mut requests, 409, "AlreadyExists").await, create);
    assert_eq!(answer(&mut requests, 200, "").await, patch);
    assert_eq!(writing.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn what_is_refused_is_told_from_what_may_pass() {
    for (code, is_away) in [(403, false), (422, false), (429, true), (500, true)] {
        let (status, mut requests) = status();
        let reading = tokio::spawn(async move { status.read().await });
        answer(&mut requests, code, "").await;
        let failure = reading.await.unwrap().unwrap_err();
        assert_eq!(matches!(failure, StoreFailure::Away(_)), is_away, "{code}: {failure}");
    }
}
