//! What logins leave in the status ConfigMap.

use std::time::Duration;

use kube_iam_server::Settings;

use crate::scripted::{Act, Asked, ScriptedStatus};
use crate::stage::{Stage, eventually, log_lines, mounted_file};
use crate::tokens::{review, token};

const FAILING: &str = "i-2123456789abcdef0";
const SCRUBBED: &str = "i-3123456789abcdef0";

/// Somebody by the number in his token's signature.
fn sts(asked: &Asked) -> Act {
    match asked.signature {
        1 => Act::role("Node", "node-1"),
        2 => Act::role("Stranger", FAILING),
        3 => Act::vouch(
            "444455556666",
            &format!("arn:aws:sts::444455556666:assumed-role/Stranger/{SCRUBBED}"),
            &format!("AROASTRANGER:{SCRUBBED}"),
        ),
        4 => Act::role("Dev", "bob"),
        5 => Act::refuse(403, "SignatureDoesNotMatch"),
        number => panic!("nobody has number {number}"),
    }
}

fn change(settings: &mut Settings) {
    settings.replica = "here".parse().unwrap();
    settings.mappings = mounted_file(&[("Node", "system:node:{{SessionName}}"), ("Dev", "dev:{{SessionName}}")]);
    settings.mappings.policy.scrubbed_accounts = vec!["444455556666".parse().unwrap()];
}

#[tokio::test]
async fn nodes_and_failing_instances_are_published_and_nobody_else() {
    let store = ScriptedStatus::new(false);
    let stage = Stage::publishing(&store, sts, change).await;
    let client = stage.http2().await;
    for (number, is_in) in [(4, true), (5, false), (3, false), (2, false), (1, true)] {
        assert_eq!(client.review(review(&token(number))).await.lets_in(), is_in, "{number}");
    }
    eventually("it is published", || async { !store.key("here").is_empty() }).await;
    let record = concat!(
        r#"{"version":1,"written":1767225600,"logins":{"node-1":1767225600},"#,
        r#""failed":{"i-2123456789abcdef0":{"at":1767225600,"reason":"not_mapped","#,
        r#""role":"arn:aws:iam::111122223333:role/Stranger"}}}"#
    );
    assert_eq!(store.key("here"), record);
    stage.running.shutdown().await;
}

#[tokio::test]
async fn a_refusal_is_said_once_and_keeps_nobody_out() {
    let store = ScriptedStatus::new(true);
    let stage = Stage::publishing(&store, sts, |settings| {
        change(settings);
        settings.limits.status_pause = Duration::from_millis(20);
    })
    .await;
    eventually("it was tried again", || async { store.asked() > 5 }).await;
    assert!(stage.http2().await.review(review(&token(1))).await.lets_in());
    assert_eq!(stage.health().await.get("/livez").await.status, 200);
    assert_eq!(log_lines(&["WARN", "can't be published", "the right to get it is missing"]).len(), 1);
    stage.running.shutdown().await;
    assert_eq!(store.key("here"), "");
}
