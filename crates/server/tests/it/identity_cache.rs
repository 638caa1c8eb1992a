//! One call to STS per token, and what is remembered of it.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::scripted::Act;
use crate::stage::{Stage, eventually, mounted_file, quiet};
use crate::tokens::{review, review_of, token};

/// Runs futures side by side.
async fn join_all<T: Send + 'static>(
    futures: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = futures.into_iter().map(tokio::spawn).collect();
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await.unwrap());
    }
    all
}

#[tokio::test]
async fn a_thousand_reviews_of_one_token_are_one_call() {
    let _quiet = quiet();
    let slow = |_: &_| Act::After(Duration::from_millis(200), Box::new(Act::role("Dev", "bob")));
    let stage = Stage::with(slow, |_| {}).await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(stage.http2().await);
    }
    let reviews = (0..1000).map(|i| {
        let client = clients[i % clients.len()].clone();
        async move { client.review(review(&token(1))).await }
    });
    let answers = join_all(reviews).await;
    assert_eq!(answers.iter().filter(|answer| answer.lets_in()).count(), 1000);
    assert_eq!(stage.sts.calls(), 1);
    assert!(stage.http2().await.review(review(&token(1))).await.lets_in());
    assert_eq!(stage.sts.calls(), 1);
    assert_eq!(stage.metric("kube_iam_identity_cache_entries").await, 1);
    assert_eq!(stage.metric("kube_iam_in_flight").await, 0);
}

#[tokio::test]
async fn a_failure_is_shared_by_those_who_wait_and_not_kept() {
    let throttled = || Act::After(Duration::from_secs(1), Box::new(Act::refuse(400, "Throttling")));
    let stage =
        Stage::with(move |asked| if asked.number < 2 { throttled() } else { Act::role("Dev", "bob") }, |_| {}).await;
    let client = stage.http2().await;
    for round in 1..=2 {
        let (a, b) = (client.clone(), client.clone());
        let answers = join_all([a, b].map(|client| async move { client.review(review(&token(1))).await })).await;
        assert!(answers.iter().all(|answer| answer.status == 429 && answer.tells("sts_throttled")), "{answers:?}");
        assert_eq!(stage.sts.calls(), round);
    }
    assert!(client.review(review(&token(1))).await.lets_in());
    assert_eq!(stage.sts.calls(), 3);
}

#[tokio::test]
async fn whoever_asked_first_may_leave() {
    let slow = |_: &_| Act::After(Duration::from_secs(1), Box::new(Act::role("Dev", "bob")));
    let stage = Stage::with(slow, |_| {}).await;
    let first = stage.http2().await;
    let first = tokio::spawn(async move { first.review(review(&token(1))).await });
    eventually("STS was asked", || async { stage.sts.calls() == 1 }).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert!(stage.http2().await.review(review(&token(1))).await.lets_in());
    assert_eq!(stage.sts.calls(), 1);
}

#[tokio::test]
async fn a_call_that_hangs_is_answered_in_time() {
    let stage = Stage::with(|_| Act::Hang, |settings| settings.limits.sts_call = Duration::from_millis(200)).await;
    let answer = stage.http2().await.review(review(&token(1))).await;
    assert!(answer.status == 504 && answer.tells("sts_unavailable"), "{answer:?}");

    // The time of the request counts too, whatever the call may take.
    let stage = Stage::with(|_| Act::Hang, |settings| settings.limits.request = Duration::from_millis(200)).await;
    let answer = stage.http2().await.review(review(&token(1))).await;
    assert!(answer.status == 504 && answer.tells("sts_unavailable"), "{answer:?}");
}

#[tokio::test]
async fn mappings_count_after_the_cache() {
    let stage = Stage::new().await;
    let client = stage.http2().await;
    assert!(client.review(review(&token(1))).await.lets_in());
    stage.running.reload(&mounted_file(&[("Other", "other")]));
    let answer = client.review(review(&token(1))).await;
    assert!(answer.tells("not_mapped"), "{answer:?}");
    stage.running.reload(&mounted_file(&[("Dev", "again")]));
    let answer = client.review(review(&token(1))).await;
    assert!(answer.lets_in() && answer.body.contains(r#""username":"again""#), "{answer:?}");
    assert_eq!(stage.sts.calls(), 1);
}

#[tokio::test]
async fn an_identity_is_forgotten_in_time() {
    let stage =
        Stage::with(|_| Act::role("Dev", "bob"), |settings| settings.identity_ttl = Duration::from_secs(300)).await;
    let client = stage.http2().await;
    for (advance, calls) in [(0, 1), (299, 1), (1, 2), (299, 2), (300, 3)] {
        stage.advance(Duration::from_secs(advance));
        assert!(client.review(review(&token(1))).await.lets_in());
        assert_eq!(stage.sts.calls(), calls);
    }
    // 899 s after the signature; from 900 s on the token itself has ended.
    stage.advance(Duration::from_secs(2));
    let answer = client.review(review(&token(1))).await;
    assert!(!answer.lets_in());
    assert_eq!(stage.metric(r#"kube_iam_denials_total{reason="token_expired"}"#).await, 1);
    assert_eq!(stage.sts.calls(), 3);
}

#[tokio::test]
async fn nothing_is_remembered_where_that_is_turned_off() {
    let stage = Stage::with(|_| Act::role("Dev", "bob"), |settings| settings.identity_ttl = Duration::ZERO).await;
    let client = stage.http2().await;
    for calls in 1..=3 {
        assert!(client.review(review(&token(1))).await.lets_in());
        assert_eq!(stage.sts.calls(), calls);
    }
    assert_eq!(stage.metric("kube_iam_identity_cache_entries").await, 0);
}

#[tokio::test]
async fn what_is_remembered_is_bounded() {
    let stage = Stage::with(|_| Act::role("Dev", "bob"), |settings| settings.identity_capacity = 10).await;
    let client = stage.http2().await;
    for signature in 0..30 {
        assert!(client.review(review(&token(signature))).await.lets_in());
    }
    assert_eq!(stage.metric("kube_iam_identity_cache_entries").await, 10);
    assert_eq!(stage.sts.calls(), 30);
    assert!(client.review(review(&token(29))).await.lets_in());
    assert_eq!(stage.sts.calls(), 30);
    assert!(client.review(review(&token(19))).await.lets_in());
    assert_eq!(stage.sts.calls(), 31);
}

#[tokio::test]
async fn known_identities_pass_the_cap_on_calls() {
    let script =
        |asked: &crate::scripted::Asked| if asked.signature == 1 { Act::role("Dev", "bob") } else { Act::Hang };
    let stage = Stage::with(script, |settings| settings.limits.sts_in_flight = 2).await;
    let client = stage.http2().await;
    assert!(client.review(review(&token(1))).await.lets_in());
    for signature in [2, 3] {
        let client = client.clone();
        tokio::spawn(async move { client.review(review(&token(signature))).await });
    }
    eventually("two calls hang", || async { stage.sts.calls() == 3 }).await;
    let answer = client.review(review(&token(4))).await;
    assert!(answer.status == 429 && answer.tells("overloaded"), "{answer:?}");
    assert!(client.review(review(&token(1))).await.lets_in());
    assert_eq!(stage.sts.calls(), 3);
}

/// Those of one token are one call to STS, but each of them holds something.
#[tokio::test]
async fn those_who_wait_for_sts_are_bounded() {
    let script =
        |asked: &crate::scripted::Asked| if asked.signature == 1 { Act::role("Dev", "bob") } else { Act::Hang };
    let stage = Stage::with(script, |settings| settings.limits.waiting = 3).await;
    let client = stage.http2().await;
    assert!(client.review(review(&token(1))).await.lets_in());
    let wait = |signature| {
        let client = client.clone();
        tokio::spawn(async move { client.send("POST", "/authenticate", review(&token(signature))).await })
    };
    // Two share a call, and a third waits for one of its own.
    let waiting = [wait(2), wait(2), wait(3)];
    // A miss is counted before a place is taken, in one step with it.
    eventually("three wait", || async { stage.metric("kube_iam_identity_cache_misses_total").await == 4 }).await;
    for signature in [2, 3, 4] {
        let answer = client.review(review(&token(signature))).await;
        assert!(answer.status == 429 && answer.tells("overloaded"), "{answer:?}");
        assert_eq!(answer.header("x-kube-iam-reason"), Some("overloaded"));
    }
    assert_eq!(stage.sts.calls(), 3);
    assert_eq!(stage.metric(r#"kube_iam_denials_total{reason="overloaded"}"#).await, 3);
    assert!(client.review(review(&token(1))).await.lets_in(), "who is known waits for nobody");
    // Whoever leaves makes room.
    for place in waiting {
        place.abort();
    }
    eventually("the next one is let through", || {
        drop(wait(5));
        async { stage.sts.calls() == 4 }
    })
    .await;
}

/// S5: callers that differ in one respect only are never taken for each other.
#[tokio::test]
async fn no_two_callers_share_an_entry() {
    let callers = [
        ("111122223333", "arn:aws:sts::111122223333:assumed-role/Dev/bob", "AROADEV:bob"),
        ("444455556666", "arn:aws:sts::444455556666:assumed-role/Dev/bob", "AROADEV:bob"),
        ("111122223333", "arn:aws:sts::111122223333:assumed-role/Dev/bob", "AROAOTHER:bob"),
        ("111122223333", "arn:aws:sts::111122223333:assumed-role/Dev/eve", "AROADEV:eve"),
        ("111122223333", "arn:aws-cn:sts::111122223333:assumed-role/Dev/bob", "AROADEV:bob"),
    ];
    let script = move |asked: &crate::scripted::Asked| {
        let (account, arn, id) = callers[asked.signature as usize];
        Act::vouch(account, arn, id)
    };
    let stage = Stage::with(script, |settings| {
        let rows = "['111122223333', '444455556666']";
        let rows = kube_iam_core::aws_auth::read_section(kube_iam_core::aws_auth::Section::MapAccounts, rows).unwrap();
        settings.mappings.mounted_file = vec![rows];
    })
    .await;
    let client = stage.http2().await;
    let mut first = Vec::new();
    for round in 0..2 {
        let mut answers = Vec::new();
        for signature in 0..callers.len() as u64 {
            answers.push(client.review(review(&token(signature))).await.body);
        }
        let (foreign, ours) = answers.split_last().unwrap();
        assert!(foreign.contains(r#""authenticated":false"#), "{foreign}");
        assert_eq!(ours.iter().collect::<BTreeSet<_>>().len(), ours.len());
        if round == 0 {
            first = answers;
        } else {
            assert_eq!(answers, first);
        }
    }
    // The four were remembered; the foreign partition is asked about each time.
    assert_eq!(stage.sts.calls(), callers.len() + 1);
}

#[tokio::test]
async fn the_key_is_the_exact_token() {
    let stage = Stage::new().await;
    let client = stage.http2().await;
    let upper = crate::tokens::wrap(&crate::tokens::url(1).replace("X-Amz-Signature", "x-amz-signature"));
    for (token, calls) in [(token(1), 1), (upper, 2), (token(1), 2)] {
        for version in ["authentication.k8s.io/v1", "authentication.k8s.io/v1beta1"] {
            assert!(client.review(review_of(version, &token, "")).await.lets_in());
            assert_eq!(stage.sts.calls(), calls);
        }
    }
}
