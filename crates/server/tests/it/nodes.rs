//! Logins of nodes, from the review to the name.

use std::sync::Arc;
use std::time::Duration;

use kube_iam_core::ports::AwsFailure;
use kube_iam_server::{Settings, StartError};
use tokio::task::JoinSet;

use crate::scripted::{Act, ScriptedInstances};
use crate::stage::{Stage, eventually, log_lines, mounted_file, quiet, settings};
use crate::tokens::{review, token};

const INSTANCE: &str = "i-0123456789abcdef0";
const NAME: &str = "ip-10-0-0-1.eu-west-1.compute.internal";

fn known(latency: Duration) -> Arc<ScriptedInstances> {
    ScriptedInstances::new(latency, |id| Ok(ScriptedInstances::running(id, NAME)))
}

/// Sessions of the role `Node`; the number in the token's signature chooses another role.
async fn stage(instances: &Arc<ScriptedInstances>, change: impl FnOnce(&mut Settings)) -> Stage {
    Stage::of_nodes(
        instances,
        |asked| Act::role(if asked.signature == 99 { "Other" } else { "Node" }, INSTANCE),
        change,
    )
    .await
}

#[tokio::test]
async fn a_node_gets_the_name_of_its_instance() {
    let instances = known(Duration::ZERO);
    let stage = stage(&instances, |_| {}).await;
    let client = stage.http2().await;
    for signature in 1..=3 {
        let answer = client.review(review(&token(signature))).await;
        assert!(answer.lets_in(), "{answer:?}");
        assert!(answer.body.contains(&format!(r#""username":"system:node:{NAME}""#)), "{answer:?}");
    }
    assert_eq!(instances.calls(), 1);
    for (series, expected) in [
        ("aws_iam_authenticator_ec2_describe_instances_calls_total", 1),
        (r#"kube_iam_ec2_describe_instances_seconds_count{result="success"}"#, 1),
        ("kube_iam_node_cache_hits_total", 2),
        ("kube_iam_node_cache_misses_total", 1),
        ("kube_iam_node_cache_entries", 1),
        ("kube_iam_node_look_ups", 0),
    ] {
        assert_eq!(stage.metric(series).await, expected, "{series}");
    }
    assert!(!log_lines(&["INFO", "EC2 knows the instance of a node", INSTANCE, NAME]).is_empty());
}

#[tokio::test]
async fn a_mapping_that_was_taken_away_counts_after_the_look_up() {
    let instances = known(Duration::from_millis(500));
    let stage = stage(&instances, |_| {}).await;
    let client = stage.http2().await;
    let login = tokio::spawn(async move { client.review(review(&token(1))).await });
    eventually("EC2 was asked", || async { instances.calls() == 1 }).await;
    stage.running.reload(&mounted_file(&[("Other", "other")]));
    let answer = login.await.unwrap();
    assert!(answer.tells("not_mapped"), "{answer:?}");
}

#[tokio::test]
async fn ec2_that_is_away_is_a_gateway_timeout() {
    let instances = ScriptedInstances::new(Duration::ZERO, |_| Err(AwsFailure::Unavailable("refused".to_owned())));
    let stage = stage(&instances, |settings| settings.limits.node_look_up = Duration::from_millis(100)).await;
    let answer = stage.http2().await.review(review(&token(1))).await;
    assert!(answer.status == 504 && answer.tells("ec2_unavailable"), "{answer:?}");
    assert!(
        !log_lines(&["WARN", "access denied", "ec2_unavailable", INSTANCE, "AWS did not answer: refused"]).is_empty()
    );
    assert!(!log_lines(&["WARN", "DescribeInstances failed", "instances=1", "refused"]).is_empty());
}

/// The session name is the caller's choice: with verification it must be an instance
/// that has the caller's role, whichever pattern makes a node of it.
#[tokio::test]
async fn another_role_does_not_get_the_name_of_an_instance() {
    for pattern in ["system:node:{{EC2PrivateDNSName}}", "system:node:{{SessionName}}"] {
        let instances = known(Duration::ZERO);
        for verifies in [false, true] {
            let stage = stage(&instances, |settings| {
                settings.mappings = mounted_file(&[("Node", pattern), ("Other", pattern)]);
                settings.verify_node_instance = verifies;
            })
            .await;
            let client = stage.http2().await;
            assert!(client.review(review(&token(1))).await.lets_in());
            let answer = client.review(review(&token(99))).await;
            assert_eq!(answer.tells("node_role_mismatch"), verifies, "{answer:?}");
            assert_eq!(answer.lets_in(), !verifies, "{answer:?}");
        }
    }
    assert!(
        !log_lines(&["access denied", "node_role_mismatch", "its role is `arn:aws:iam::111122223333:role/Node`"])
            .is_empty()
    );
}

/// A thousand nodes through the whole webhook, faster than the requirements have it.
#[tokio::test]
async fn a_storm_of_nodes_is_let_in_by_few_calls() {
    let _quiet = quiet();
    let instances = ScriptedInstances::new(Duration::from_millis(100), |id| {
        Ok(ScriptedInstances::running(id, &format!("{id}.ec2.internal")))
    });
    let node = |number: u64| format!("i-{number:017x}");
    let stage = Stage::of_nodes(&instances, move |asked| Act::role("Node", &node(asked.signature)), |_| {}).await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(stage.http2().await);
    }
    let mut logins = JoinSet::new();
    for number in 0..1000 {
        let client = clients[number as usize % clients.len()].clone();
        logins.spawn(async move {
            tokio::time::sleep(Duration::from_millis(2 * number)).await;
            (number, client.review(review(&token(number))).await)
        });
    }
    for (number, answer) in logins.join_all().await {
        let username = format!(r#""username":"system:node:{}.ec2.internal""#, node(number));
        assert!(answer.lets_in() && answer.body.contains(&username), "{number}: {answer:?}");
    }
    assert!(instances.calls() <= 60, "{} calls", instances.calls());
}

/// The Go authenticator breaks off its look-ups at the first signal.
#[tokio::test]
async fn shutdown_finishes_look_ups_under_way() {
    let instances = known(Duration::from_secs(1));
    let stage = stage(&instances, |_| {}).await;
    let client = stage.http2().await;
    let login = tokio::spawn(async move { client.review(review(&token(1))).await });
    eventually("EC2 was asked", || async { instances.calls() == 1 }).await;
    stage.running.shutdown().await;
    assert!(login.await.unwrap().lets_in());
}

#[tokio::test]
async fn rows_that_ask_for_names_are_no_alarm_where_they_are_looked_up() {
    let rows = [("Lookable", "system:node:{{EC2PrivateDNSName}}")];
    let instances = known(Duration::ZERO);
    let _stage = stage(&instances, |settings| settings.mappings = mounted_file(&rows)).await;
    assert!(log_lines(&["ERROR", "role/Lookable"]).is_empty());
}

#[tokio::test]
async fn nobody_is_verified_without_a_way_to_ec2() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(&dir);
    settings.verify_node_instance = true;
    let error = Stage::start(dir, settings, |_| Act::Hang).await.err().expect("it started");
    assert!(matches!(error, StartError::NoInstances) && error.hint().is_some(), "{error}");
}
