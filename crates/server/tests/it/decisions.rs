//! Every row of the table of answers, through the whole server.

use std::collections::BTreeSet;
use std::time::Duration;

use kube_iam_core::decision::DenialStatus;
use kube_iam_core::limits::{REVIEW_BYTES, TOKEN_BYTES};
use kube_iam_core::mapping::{Backend, ReservedPrefixes};
use kube_iam_core::ports::{AwsFailure, Instance, StsFailure};
use kube_iam_core::reason::{Class, Reason};

use crate::client::{Answer, Client};
use crate::scripted::{Act, ScriptedInstances};
use crate::stage::{Stage, mounted_file};
use crate::tokens::{self, review, review_of, token, url, wrap};

#[tokio::test]
async fn both_versions_are_answered_in_kind() {
    let stage = Stage::new().await;
    for client in [stage.http1().await, stage.http2().await] {
        for version in ["authentication.k8s.io/v1", "authentication.k8s.io/v1beta1"] {
            let answer = client.review(review_of(version, &token(1), "")).await;
            assert!(answer.lets_in(), "{answer:?}");
            assert_eq!(answer.header("content-type"), Some("application/json; charset=UTF-8"));
            let start = format!(r#"{{"apiVersion":"{version}","kind":"TokenReview","#);
            assert!(answer.body.starts_with(&start) && answer.body.ends_with("}\n"), "{}", answer.body);
            assert!(
                answer.body.contains(
                    r#""user":{"username":"dev:bob","uid":"aws-iam-authenticator:111122223333:AROADEV","groups":["g"],"extra":{"#
                ),
                "{}",
                answer.body
            );
        }
    }
}

#[tokio::test]
async fn audiences_are_confirmed_only_where_they_are_configured() {
    let audiences = |list: &str| review_of("authentication.k8s.io/v1", &token(1), &format!(r#","audiences":{list}"#));
    let stage = Stage::new().await;
    let answer = stage.http2().await.review(audiences(r#"["https://kubernetes.default.svc"]"#)).await;
    assert!(answer.lets_in() && !answer.body.contains("audiences"), "{}", answer.body);

    let stage =
        Stage::with(|_| Act::role("Dev", "bob"), |settings| settings.api_audiences = vec!["api".into(), "x".into()])
            .await;
    let client = stage.http2().await;
    let answer = client.review(audiences(r#"["vault","api"]"#)).await;
    assert!(answer.lets_in() && answer.body.contains(r#""audiences":["api"]"#), "{}", answer.body);
    let answer = client.review(audiences(r#"["vault"]"#)).await;
    assert_eq!((answer.status, answer.lets_in(), answer.body.contains("error")), (200, false, false));
    assert_eq!(stage.metric(r#"kube_iam_denials_total{reason="audience"}"#).await, 1);
}

/// A refused token and the reason.
fn bad_tokens() -> Vec<(String, Reason)> {
    let with = |from: &str, to: &str| wrap(&url(1).replace(from, to));
    vec![
        (String::new(), Reason::TokenMissing),
        ("k8s-aws-v1.".to_owned() + &"a".repeat(TOKEN_BYTES), Reason::TokenTooLarge),
        ("eyJhbGciOiJSUzI1NiJ9.e30.c2ln".to_owned(), Reason::TokenForeign),
        ("k8s-aws-v1.a!".to_owned(), Reason::TokenBase64),
        (wrap("https://sts.amazonaws.com/\n"), Reason::TokenControlCharacter),
        (with("https:", "http:"), Reason::TokenScheme),
        (with("us-east-1.amazonaws", "us-east-9.amazonaws"), Reason::TokenHost),
        (with("/?", "/x?"), Reason::TokenPath),
        (wrap(&(url(1) + "#x")), Reason::TokenFragment),
        (with("Identity&", "Identity;x=1&"), Reason::TokenQuery),
        (wrap(&(url(1) + "&action=GetCallerIdentity")), Reason::TokenDuplicateParameter),
        (wrap(&(url(1) + "&Foo=1")), Reason::TokenUnknownParameter),
        (with("GetCallerIdentity", "AssumeRole"), Reason::TokenAction),
        (with("2011-06-15", "2011-06-16"), Reason::TokenVersion),
        (with("AWS4-HMAC", "AWS3-HMAC"), Reason::TokenAlgorithm),
        (with("%2Fsts%2F", "%2Fs3%2F"), Reason::TokenScope),
        (with("host%3B", ""), Reason::TokenSignedHeaders),
        (with("Expires=60", "Expires=901"), Reason::TokenExpires),
        (with("Date=20260101T", "Date=20261301T"), Reason::TokenDate),
        (with("Date=20260101T0000", "Date=20260101T0006"), Reason::TokenFuture),
        (with("20260101", "20251231"), Reason::TokenExpired),
        (wrap(url(1).trim_end_matches('1')), Reason::TokenSignature),
        (with(tokens::SECURITY_TOKEN, ""), Reason::TokenSecurityToken),
    ]
}

/// A reply of STS, or none, and the reason.
fn bad_replies() -> Vec<(Act, Reason)> {
    let json = |status, body: &str| Act::Reply(status, "application/json", body.to_owned());
    vec![
        (Act::refuse(403, "SignatureDoesNotMatch"), Reason::StsSignature),
        (Act::refuse(403, "InvalidClientTokenId"), Reason::StsUnknownKey),
        (Act::refuse(403, "ExpiredToken"), Reason::StsCredentialsExpired),
        (Act::refuse(400, "AccessDenied"), Reason::StsRefused),
        (
            Act::vouch("111122223333", "arn:aws-cn:sts::111122223333:assumed-role/Dev/b", "AROADEV:b"),
            Reason::StsPartition,
        ),
        (json(200, "{}"), Reason::StsReply),
        (Act::Reply(200, "text/xml", "<a/>".to_owned()), Reason::StsReply),
        (json(307, ""), Reason::StsRedirect),
        (Act::refuse(400, "Throttling"), Reason::StsThrottled),
        (Act::refuse(503, "ServiceUnavailable"), Reason::StsUnavailable),
        (Act::Fail(StsFailure::Connect("refused".to_owned())), Reason::StsUnavailable),
        (Act::Fail(StsFailure::TooLarge), Reason::StsUnavailable),
        (Act::Panic, Reason::Internal),
        (Act::role("Stranger", "s"), Reason::NotMapped),
        (Act::role("Node", "alice"), Reason::NodeLookup),
        (Act::role("Node", "i-00000001"), Reason::NodeLookup),
        (Act::role("Node", "i-00000002"), Reason::NodeRoleMismatch),
        (Act::role("Node", "i-00000003"), Reason::Ec2Throttled),
        (Act::role("Node", "i-00000004"), Reason::Ec2Unavailable),
        (Act::vouch("111122223333", "arn:aws:iam::111122223333:root", "111122223333"), Reason::EmptyUsername),
        (Act::role("Sys", "s"), Reason::ReservedUsername),
    ]
}

async fn stage_of_denials(form: DenialStatus) -> Stage {
    let replies: Vec<_> = bad_replies().into_iter().map(|(act, _)| act).collect();
    let script = move |asked: &crate::scripted::Asked| match asked.signature as usize {
        n if n < replies.len() => replies[n].clone(),
        _ => Act::Hang,
    };
    let instances = ScriptedInstances::new(Duration::ZERO, |id| match id.as_str() {
        "i-00000001" => Err(AwsFailure::Denied("UnauthorizedOperation".to_owned())),
        "i-00000003" => Err(AwsFailure::Throttled("RequestLimitExceeded".to_owned())),
        "i-00000004" => Err(AwsFailure::Unavailable("503".to_owned())),
        _ => Ok(Instance { profile: None, ..ScriptedInstances::running(id, "ip-10-0-0-1.ec2.internal") }),
    });
    Stage::of_nodes(&instances, script, |settings| {
        settings.verify_node_instance = true;
        settings.limits.node_look_up = Duration::from_millis(300);
        settings.denial_status = form;
        settings.limits.sts_in_flight = 1;
        settings.limits.body = Duration::from_secs(1);
        settings.mappings = mounted_file(&[("Node", "system:node:{{EC2PrivateDNSName}}"), ("Sys", "system:admin")]);
        let root = "- {rolearn: 'arn:aws:iam::111122223333:root', username: '{{SessionName}}'}";
        let root = kube_iam_core::aws_auth::read_section(kube_iam_core::aws_auth::Section::MapRoles, root).unwrap();
        settings.mappings.mounted_file.push(root);
        settings.mappings.policy.reserved_prefixes =
            vec![ReservedPrefixes { backend: Backend::MountedFile, prefixes: vec!["system:a".to_owned()] }];
        settings.api_audiences = vec!["api".to_owned()];
    })
    .await
}

fn assert_form(answer: &Answer, reason: Reason, form: DenialStatus) {
    let status = match (reason.class(), form) {
        (Class::Throttled, _) => 429,
        (_, DenialStatus::Forbidden) => 403,
        (Class::Unavailable, DenialStatus::ByClass) => 504,
        _ => 200,
    };
    assert_eq!(answer.status, status, "{reason:?}: {answer:?}");
    assert!(answer.body.contains(r#""authenticated":false"#), "{reason:?}: {answer:?}");
    let tells = reason.class() != Class::Permanent || form == DenialStatus::Forbidden;
    assert_eq!(answer.tells(reason.as_str()), tells, "{reason:?}: {answer:?}");
    assert_eq!(answer.header("retry-after"), None);
}

#[tokio::test]
async fn every_reason_has_its_answer() {
    for form in [DenialStatus::ByClass, DenialStatus::Forbidden] {
        let stage = stage_of_denials(form).await;
        let client = stage.http2().await;
        for (token, reason) in bad_tokens() {
            assert_form(&client.review(review(&token)).await, reason, form);
        }
        assert_eq!(stage.sts.calls(), 0, "STS was asked about a token that can't be good");
        for (i, (_, reason)) in bad_replies().into_iter().enumerate() {
            assert_form(&client.review(review(&token(i as u64))).await, reason, form);
        }
        let audience = review_of("authentication.k8s.io/v1", &token(1), r#","audiences":["x"]"#);
        assert_form(&client.review(audience).await, Reason::Audience, form);
        overload(&stage, &client, form).await;
        malformed(&stage, &client).await;
        let page = stage.health().await.get("/metrics").await.body;
        let never: BTreeSet<_> = Reason::ALL
            .iter()
            .map(|reason| reason.as_str())
            .filter(|reason| page.contains(&format!("kube_iam_denials_total{{reason=\"{reason}\"}} 0\n")))
            .collect();
        assert!(never.is_empty(), "not covered here: {never:?}");
    }
}

/// One call hangs, and one is all that the stage allows.
async fn overload(stage: &Stage, client: &Client, form: DenialStatus) {
    let hanging = client.clone();
    let hanging = tokio::spawn(async move { hanging.review(review(&token(1_000_000))).await });
    crate::stage::eventually("a call to STS hangs", || async {
        stage.sts.asked().iter().any(|asked| asked.signature == 1_000_000)
    })
    .await;
    assert_form(&client.review(review(&token(1_000_001))).await, Reason::Overloaded, form);
    hanging.abort();
}

/// What is no TokenReview.
async fn malformed(stage: &Stage, client: &Client) {
    let not_json = "not json".to_owned();
    let too_long = " ".repeat(REVIEW_BYTES + 1);
    for (body, reason, status) in [
        (not_json, Reason::ReviewNotJson, 400),
        (r#"{"spec":{"#.to_owned(), Reason::ReviewTruncated, 400),
        (r#"{"kind":"SubjectAccessReview"}"#.to_owned(), Reason::ReviewKind, 400),
        (review_of("authentication.k8s.io/v9", "t", ""), Reason::ReviewVersion, 400),
        (too_long, Reason::ReviewTooLarge, 413),
    ] {
        let answer = client.review(body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.body.ends_with(&format!("({})\n", reason.as_str())), "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    }
    let answer = client.get("/authenticate").await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    assert!(answer.body.starts_with("expected POST"), "{answer:?}");
    let answer =
        crate::hostile::trickle(stage, "POST /authenticate HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{").await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("(review_timeout)"), "{answer}");
}

#[tokio::test]
async fn other_paths_are_those_of_the_go_authenticator() {
    let stage = Stage::new().await;
    for client in [stage.http1().await, stage.http2().await] {
        for method in ["GET", "POST", "HEAD"] {
            let answer = client.send(method, "/healthz", "").await.unwrap();
            assert_eq!((answer.status, answer.body.as_str()), (200, if method == "HEAD" { "" } else { "ok" }));
        }
        let metrics = client.get("/metrics").await;
        assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        for path in ["/", "/authenticate/", "/livez", "/readyz", "/debug/pprof/"] {
            assert_eq!(client.get(path).await.status, 404, "{path}");
        }
        assert!(client.send("POST", "/authenticate?timeout=30s", review(&token(1))).await.unwrap().lets_in());
    }
    let health = stage.health().await;
    for path in ["/healthz", "/livez", "/readyz", "/metrics"] {
        assert_eq!(health.get(path).await.status, 200, "{path}");
    }
    assert_eq!(health.get("/authenticate").await.status, 404);
}

#[tokio::test]
async fn sts_is_asked_with_our_own_cluster_id() {
    let stage = Stage::new().await;
    stage.http2().await.review(review(&token(1))).await;
    let asked = stage.sts.asked();
    assert_eq!((asked[0].cluster_id.as_str(), asked[0].host.as_str()), ("my-cluster", "sts.us-east-1.amazonaws.com"));
}
