//! Start, faults, drain and end.

use std::time::Duration;

use crate::scripted::Act;
use crate::stage::{Stage, eventually, log_lines};
use crate::tokens::{review, token};

#[tokio::test]
async fn a_panic_in_a_port_ends_one_request() {
    let script =
        |asked: &crate::scripted::Asked| if asked.signature == 13 { Act::Panic } else { Act::role("Dev", "bob") };
    let stage = Stage::with(script, |_| {}).await;
    let client = stage.http2().await;
    for panics in 1..=2 {
        let answer = client.review(review(&token(13))).await;
        assert!(answer.status == 504 && answer.tells("internal"), "{answer:?}");
        eventually("the panic is counted", || async { stage.metric("kube_iam_panics_total").await == panics }).await;
        assert!(client.review(review(&token(1))).await.lets_in());
    }
    assert_eq!(stage.metric("kube_iam_in_flight").await, 0);
}

#[tokio::test]
async fn a_task_that_dies_ends_the_wait_and_the_readiness() {
    let mut stage = Stage::with_aws_auth(|_| {}).await;
    stage.aws_auth.absent();
    let health = stage.health().await;
    eventually("the server is ready", || async { health.get("/readyz").await.status == 200 }).await;
    let waiting = tokio::time::timeout(Duration::from_millis(100), stage.running.wait()).await;
    assert!(waiting.is_err(), "a healthy server ended: {waiting:?}");
    stage.aws_auth.panic();
    let ended = stage.running.wait().await;
    assert_eq!(ended.to_string(), "the aws-auth task has ended: it panicked: the scripted source panics on purpose");
    let answer = health.get("/readyz").await;
    assert!(answer.status == 503 && answer.body.contains("a background task has ended"), "{answer:?}");
    assert!(!log_lines(&["ERROR", "the aws-auth task has ended"]).is_empty());
    stage.running.shutdown().await;
}

#[tokio::test]
async fn shutdown_finishes_what_is_under_way() {
    let slow = |_: &_| Act::After(Duration::from_secs(1), Box::new(Act::role("Dev", "bob")));
    let stage = Stage::with(slow, |_| {}).await;
    let (idle, busy) = (stage.http2().await, stage.http2().await);
    assert_eq!(idle.get("/healthz").await.status, 200);
    let under_way = tokio::spawn(async move { busy.review(review(&token(1))).await });
    eventually("STS was asked", || async { stage.sts.calls() == 1 }).await;
    let address = stage.running.address();
    stage.running.shutdown().await;
    assert!(under_way.await.unwrap().lets_in());
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "it still listens");
    assert!(idle.send("GET", "/healthz", "").await.is_err());
}

#[tokio::test]
async fn shutdown_does_not_wait_for_ever() {
    let stage = Stage::with(|_| Act::Hang, |settings| settings.limits.drain = Duration::from_millis(200)).await;
    let client = stage.http2().await;
    let hanging = tokio::spawn(async move { client.send("POST", "/authenticate", review(&token(1))).await });
    eventually("STS was asked", || async { stage.sts.calls() == 1 }).await;
    stage.running.shutdown().await;
    assert!(hanging.await.unwrap().is_err());
}

#[tokio::test]
async fn the_configuration_is_named_in_the_readiness() {
    let stage = Stage::new().await;
    let mut files = crate::stage::mounted_file(&[("Dev", "dev"), ("Ops", "ops")]);
    files.config_hash = "0a1b2c3d".to_owned();
    stage.running.reload(&files);
    let answer = stage.health().await.get("/readyz").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["configHash"], "0a1b2c3d");
    assert_eq!(body["ready"], true);
    let file = body["backends"].as_array().unwrap().iter().find(|backend| backend["backend"] == "MountedFile").unwrap();
    assert_eq!(file["mappings"], 2);

    // What is not in the chain is not in the body either.
    let stage = Stage::with_aws_auth(|_| {}).await;
    stage.running.reload(&files);
    let answer = stage.health().await.get("/readyz").await;
    assert!(!answer.body.contains("MountedFile") && answer.body.contains("BreakGlass"), "{answer:?}");
}
