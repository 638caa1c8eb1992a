//! What a login leaves in the log, and what it must not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::scripted::{Act, Asked};
use crate::stage::{Stage, eventually, log, log_lines};
use crate::tokens::{self, fingerprint, review, token};

#[tokio::test]
async fn a_login_leaves_the_lines_of_the_go_authenticator() {
    let script = |asked: &Asked| match asked.signature {
        501 => Act::role("Dev", "bob"),
        _ => Act::role("Stranger", "eve"),
    };
    let stage = Stage::with(script, |_| {}).await;
    let client = stage.http2().await;
    for signature in [501, 501, 502] {
        client.review(review(&token(signature))).await;
    }
    let (good, bad) = (fingerprint(&token(501)), fingerprint(&token(502)));

    let response = log_lines(&["INFO", "STS response", &good]);
    assert_eq!(response.len(), 1, "{response:?}");
    for field in [
        "accesskeyid=ASIAIOSFODNN7EXAMPLE",
        "accountid=111122223333",
        "arn=arn:aws:sts::111122223333:assumed-role/Dev/bob",
        "client=127.0.0.1:",
        "method=\"POST\"",
        "path=\"/authenticate\"",
        "session=bob",
        "stsendpoint=\"sts.us-east-1.amazonaws.com\"",
        "userid=AROADEV",
        "request_id=",
    ] {
        assert!(response[0].contains(field), "{field} is not in {}", response[0]);
    }

    let granted = log_lines(&["INFO", "access granted", &good]);
    assert_eq!(granted.len(), 2, "{granted:?}");
    for field in [
        "arn=arn:aws:iam::111122223333:role/Dev",
        "backend=MountedFile",
        "groups=[g]",
        "uid=aws-iam-authenticator:111122223333:AROADEV",
        "username=dev:bob",
    ] {
        assert!(granted[0].contains(field), "{field} is not in {}", granted[0]);
    }

    let denied = log_lines(&["WARN", "access denied", &bad]);
    assert_eq!(denied.len(), 1, "{denied:?}");
    for field in ["arn=arn:aws:iam::111122223333:role/Stranger", "error=no mapping matches", "reason=\"not_mapped\""] {
        assert!(denied[0].contains(field), "{field} is not in {}", denied[0]);
    }
}

#[tokio::test]
async fn scrubbed_accounts_stay_out_of_the_log() {
    let script = |asked: &Asked| match asked.signature {
        521 => Act::role("Dev", "scrubbed-bob"),
        _ => Act::role("ScrubbedStranger", "scrubbed-eve"),
    };
    let scrub = |settings: &mut kube_iam_server::Settings| {
        settings.mappings.policy.scrubbed_accounts = vec!["111122223333".parse().unwrap()];
    };
    let stage = Stage::with(script, scrub).await;
    let client = stage.http2().await;
    for signature in [521, 521, 522] {
        client.review(review(&token(signature))).await;
    }
    let (good, bad) = (fingerprint(&token(521)), fingerprint(&token(522)));
    let lines = [log_lines(&[&good]), log_lines(&[&bad])].concat();
    let granted = log_lines(&["access granted", &good, "uid=aws-iam-authenticator:administrative:dev:scrubbed-bob"]);
    assert_eq!((granted.len(), log_lines(&["access denied", &bad]).len()), (2, 1), "{lines:?}");
    // Kubernetes sees the username too; nothing else tells who it is.
    for secret in ["STS response", "arn=", "111122223333", "ASIAIOSFODNN7EXAMPLE", "AROADEV", "ScrubbedStranger"] {
        assert!(lines.iter().all(|line| !line.contains(secret)), "{secret} is in {lines:#?}");
    }
    assert!(log_lines(&["scrubbed-eve"]).is_empty());
}

#[tokio::test]
async fn the_request_id_of_an_answer_finds_its_line() {
    let stage = Stage::with(|_| Act::role("Stranger", "eve"), |_| {}).await;
    let answer = stage.http2().await.review(review(&token(510))).await;
    let (_, rest) = answer.body.split_once("(request ").unwrap();
    let id = rest.split_once(')').unwrap().0;
    assert_eq!(log_lines(&["access denied", &format!("request_id={id}"), &fingerprint(&token(510))]).len(), 1);
}

#[tokio::test]
async fn foreign_tokens_are_no_noise() {
    let stage = Stage::new().await;
    let foreign = "eyJhbGciOiJSUzI1NiJ9.e30.foreign";
    stage.http2().await.review(review(foreign)).await;
    let lines = log_lines(&["access denied", &fingerprint(foreign)]);
    assert!(lines.len() == 1 && lines[0].contains("DEBUG"), "{lines:?}");
}

#[tokio::test]
async fn what_is_no_review_has_its_own_lines() {
    let stage = Stage::new().await;
    let client = stage.http2().await;
    client.get("/authenticate").await;
    client.review("{").await;
    eventually("both lines are there", || async {
        !log_lines(&["WARN", "unexpected request method", "review_method"]).is_empty()
            && !log_lines(&["WARN", "could not parse request body", "review_truncated"]).is_empty()
    })
    .await;
}

/// Law 4. The log of this process is taken at the most verbose level, that of
/// the libraries included, and holds what every test here has caused.
#[tokio::test]
async fn no_secret_is_in_the_log_at_any_level() {
    let script = |asked: &Asked| match asked.signature % 6 {
        0 => Act::role("Dev", "bob"),
        1 => Act::role("Stranger", "eve"),
        2 => Act::refuse(403, "SignatureDoesNotMatch"),
        3 => Act::Panic,
        4 => Act::Fail(kube_iam_core::ports::StsFailure::Broken("reset".to_owned())),
        _ => Act::Reply(200, "application/json", "{".to_owned()),
    };
    let stage = Stage::with(script, |_| {}).await;
    let mut secrets = vec![tokens::SECURITY_TOKEN.to_owned()];
    for client in [stage.http1().await, stage.http2().await] {
        for signature in 600..606 {
            let (url, token) = (tokens::url(signature), token(signature));
            client.review(review(&token)).await;
            client.review(review(&tokens::wrap(&(url.clone() + "&Foo=1")))).await;
            client.review(review(&token.replace("k8s-aws-v1.", "k8s-aws-v2."))).await;
            client.review(review(&token)[..400].to_owned()).await;
            client.review(token.clone()).await;
            secrets.push(token.strip_prefix("k8s-aws-v1.").unwrap()[..64].to_owned());
            secrets.push(tokens::signature(signature));
            secrets.push(STANDARD_NO_PAD.encode(tokens::signature(signature)));
        }
    }
    let log = log();
    assert!(log.contains("TRACE") && log.contains("DEBUG"), "the log is not taken at every level");
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log");
    }
}
