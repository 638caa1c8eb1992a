//! `GetCallerIdentity`: what is accepted, and each way of being refused.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kube_iam_standin::{Key, MovableClock, Outcome, Principal, Recording, Service, Settings, StandIn};

use crate::client::{Asked, Route, Told, send, send_http2};
use crate::signer::Signer;
use crate::{USER, at_noon, key, noon};

const IDENTITY: [(&str, &str); 2] = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];

fn signer() -> Signer {
    Signer::new(&key(), noon())
}

/// A temporary key that lasts an hour from noon.
fn session_key() -> Key {
    Key {
        access_key_id: "ASIAIOSFODNN7EXAMPLE".to_owned(),
        secret_access_key: "another/secret".to_owned(),
        session_token: Some("IQoJ/session+token==".to_owned()),
        principal: Principal::new("arn:aws:sts::111122223333:assumed-role/Admin/jo", "AROAEXAMPLE:jo"),
        expires: Some(noon() + SignedDuration::from_hours(1)),
    }
}

#[track_caller]
fn assert_refused(told: &Told, status: u16, code: &str, message: &str) {
    assert_eq!(told.refusal(), (status, code), "{}", told.body);
    assert!(told.element("Message").contains(message), "{}", told.body);
}

#[tokio::test]
async fn a_presigned_get_tells_who_signed_it_in_xml_and_json() {
    let (standin, _) = at_noon(Settings::default()).await;
    let asked = signer().token("prod");

    let xml = send(&standin, &asked).await;
    assert_eq!(xml.status, 200);
    assert_eq!(xml.header("content-type"), "text/xml");
    assert_eq!(xml.header("date"), "Fri, 02 Jan 2026 12:30:00 GMT");
    let id = xml.header("x-amzn-requestid");
    assert_eq!(
        xml.body,
        format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  \
             <GetCallerIdentityResult>\n    \
             <Arn>{USER}</Arn>\n    \
             <UserId>AIDACKCEVSQ6C2EXAMPLE</UserId>\n    \
             <Account>111122223333</Account>\n  \
             </GetCallerIdentityResult>\n  \
             <ResponseMetadata>\n    \
             <RequestId>{id}</RequestId>\n  \
             </ResponseMetadata>\n\
             </GetCallerIdentityResponse>\n"
        )
    );

    let json = send(&standin, &asked.json()).await;
    assert_eq!(json.header("content-type"), "application/json");
    assert_ne!(json.header("x-amzn-requestid"), id);
    assert_eq!(
        json.json(),
        serde_json::json!({"GetCallerIdentityResponse": {
            "GetCallerIdentityResult": {
                "Account": "111122223333",
                "Arn": USER,
                "UserId": "AIDACKCEVSQ6C2EXAMPLE",
            },
            "ResponseMetadata": {"RequestId": json.header("x-amzn-requestid")},
        }})
    );
}

#[tokio::test]
async fn a_signed_post_and_a_signed_get_are_accepted() {
    let (standin, _) = at_noon(Settings::default()).await;
    let post = signer().post(&IDENTITY);
    assert_eq!(send(&standin, &post).await.arn(), USER);
    let get = signer().signed("GET", "Action=GetCallerIdentity&Version=2011-06-15", "");
    assert_eq!(send(&standin, &get).await.arn(), USER);
    let http2 = signer().token("prod");
    assert_eq!(send_http2(&standin, &http2).await.arn(), USER);
}

#[tokio::test]
async fn what_the_signature_covers_can_not_be_changed() {
    let (standin, _) = at_noon(Settings::default()).await;
    let token = signer().token("prod");
    let post = signer().post(&IDENTITY);
    let mut other_body = post.clone();
    other_body.body.extend_from_slice(b"&a=b");
    let mut unsigned_header_missing = token.clone();
    unsigned_header_missing.headers.retain(|(name, _)| name != "x-k8s-aws-id");
    let forged = Signer { secret: "not the secret".to_owned(), ..signer() };
    for asked in [
        token.clone().with(&[("x-k8s-aws-id", "test")]),
        token.clone().with(&[("host", "sts.amazonaws.com")]),
        token.clone().replacing("X-Amz-Expires=60", "X-Amz-Expires=61"),
        token.clone().replacing("/?", "/?a=b&"),
        post.with(&[("x-amz-date", "20260102T123001Z")]),
        other_body,
        unsigned_header_missing,
        forged.token("prod"),
        forged.post(&IDENTITY),
    ] {
        let told = send(&standin, &asked).await;
        assert_refused(&told, 403, "SignatureDoesNotMatch", "does not match");
    }
    // What it does not cover can.
    let more = token.with(&[("user-agent", "anything"), ("x-other", "1")]);
    assert_eq!(send(&standin, &more).await.arn(), USER);
}

#[tokio::test]
async fn a_wrong_scope_is_named() {
    let (standin, _) = at_noon(Settings::default()).await;
    let wrong = |change: fn(&mut Signer)| {
        let mut signer = signer();
        change(&mut signer);
        signer.token("prod")
    };
    for (asked, message) in [
        (wrong(|signer| signer.region = "eu-west-1".to_owned()), "valid region"),
        (wrong(|signer| signer.host = "sts.eu-west-1.amazonaws.com".to_owned()), "valid region"),
        (wrong(|signer| signer.service = "iam".to_owned()), "correct service: 'sts'"),
        (wrong(|signer| signer.terminator = "aws3_request".to_owned()), "valid terminator"),
        (wrong(|signer| signer.scope_date = Some("20260103".to_owned())), "Date in Credential scope does not match"),
    ] {
        let told = send(&standin, &asked).await;
        assert_refused(&told, 403, "SignatureDoesNotMatch", message);
    }
    for (host, region) in [
        ("sts.amazonaws.com", "us-east-1"),
        ("sts-fips.us-west-2.amazonaws.com", "us-west-2"),
        ("sts.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("127.0.0.1:1234", "ap-south-1"),
    ] {
        let signer = Signer { host: host.to_owned(), region: region.to_owned(), ..signer() };
        assert_eq!(send(&standin, &signer.token("prod")).await.arn(), USER, "{host}");
    }
}

#[tokio::test]
async fn the_host_must_be_signed() {
    let (standin, _) = at_noon(Settings::default()).await;
    let hostless = Signer { host: String::new(), ..signer() };
    let asked = hostless.token("prod").with(&[("host", "sts.us-east-1.amazonaws.com")]);
    let told = send(&standin, &asked).await;
    assert_refused(&told, 403, "SignatureDoesNotMatch", "'Host'");
}

#[tokio::test]
async fn a_request_is_good_for_15_minutes_whatever_it_says() {
    let (standin, clock) = at_noon(Settings::default()).await;
    let asked = signer().token("prod");
    let at = async |clock: &MovableClock, seconds: i64| -> Told {
        clock.set(noon() + SignedDuration::from_secs(seconds));
        send(&standin, &asked).await
    };
    // It says 60 seconds.
    for seconds in [14 * 60 + 59, 15 * 60, -15 * 60] {
        assert_eq!(at(&clock, seconds).await.arn(), USER, "{seconds}");
    }
    let expired = at(&clock, 15 * 60 + 1).await;
    assert_refused(
        &expired,
        403,
        "SignatureDoesNotMatch",
        "Signature expired: 20260102T123000Z is now earlier than 20260102T123001Z \
         (20260102T124501Z - 15 min.)",
    );
    let early = at(&clock, -15 * 60 - 1).await;
    assert_refused(
        &early,
        403,
        "SignatureDoesNotMatch",
        "Signature not yet current: 20260102T123000Z is still later than 20260102T122959Z \
         (20260102T121459Z + 15 min.)",
    );
}

#[tokio::test]
async fn unknown_revoked_and_expired_keys_are_told_apart() {
    let (standin, clock) = at_noon(Settings { keys: vec![session_key()], ..Settings::default() }).await;
    let unknown = Signer { access_key_id: "AKIAUNKNOWN".to_owned(), ..signer() };
    let told = send(&standin, &unknown.token("prod")).await;
    assert_refused(&told, 403, "InvalidClientTokenId", "is invalid");

    let session = Signer::new(&session_key(), noon());
    let arn = session_key().principal.arn;
    assert_eq!(send(&standin, &session.token("prod")).await.arn(), arn);
    assert_eq!(send(&standin, &session.post(&IDENTITY)).await.arn(), arn);
    for token in [None, Some("another".to_owned())] {
        let wrong = Signer { session_token: token, ..session.clone() };
        let told = send(&standin, &wrong.token("prod")).await;
        assert_refused(&told, 403, "InvalidClientTokenId", "is invalid");
    }
    let needless = Signer { session_token: Some("needless".to_owned()), ..signer() };
    let told = send(&standin, &needless.token("prod")).await;
    assert_refused(&told, 403, "InvalidClientTokenId", "is invalid");

    clock.advance(3600);
    let late = Signer { at: clock.now(), ..session };
    let told = send(&standin, &late.token("prod")).await;
    assert_refused(&told, 403, "ExpiredToken", "is expired");
    clock.advance(-1);
    assert_eq!(send(&standin, &late.token("prod")).await.arn(), arn);

    clock.set(noon());
    assert!(standin.revoke_key(&key().access_key_id));
    assert!(!standin.revoke_key(&key().access_key_id));
    let told = send(&standin, &signer().token("prod")).await;
    assert_refused(&told, 403, "InvalidClientTokenId", "is invalid");
    standin.add_key(key());
    assert_eq!(send(&standin, &signer().token("prod")).await.arn(), USER);
}

#[tokio::test]
async fn requests_that_are_no_signed_request_are_refused_in_sts_words() {
    let (standin, _) = at_noon(Settings::default()).await;
    let host = "sts.us-east-1.amazonaws.com";
    let get = |query: &str| Asked::get(format!("/?{query}"), host);
    let identity = "Action=GetCallerIdentity&Version=2011-06-15";
    for (asked, status, code) in [
        (get(identity), 403, "MissingAuthenticationToken"),
        (get(&format!("{identity}&X-Amz-Algorithm=AWS4-HMAC-SHA256")), 400, "IncompleteSignature"),
        (get(identity).with(&[("authorization", "Bearer a")]), 400, "IncompleteSignature"),
        (signer().token("prod").replacing("20260102T123000Z", "2026-01-02T12:30:00Z"), 403, "SignatureDoesNotMatch"),
        (signer().token("prod").replacing("20260102T123000Z", "20260102T253000Z"), 400, "IncompleteSignature"),
        (get(""), 400, "InvalidAction"),
        (get("Action=GetCallerIdentity"), 400, "InvalidAction"),
        (get("Action=getcalleridentity&Version=2011-06-15"), 400, "InvalidAction"),
        (signer().presign(&[("Action", "GetUser"), ("Version", "2011-06-15")], &[]), 400, "InvalidAction"),
        (get("Action=%gh"), 404, "MalformedQueryString"),
    ] {
        let told = send(&standin, &asked).await;
        assert_eq!(told.refusal(), (status, code), "{asked:?}");
        let json = send(&standin, &asked.clone().json()).await;
        assert_eq!(
            json.json(),
            serde_json::json!({
                "Error": {
                    "Code": code,
                    "Message": json.json()["Error"]["Message"].as_str().unwrap(),
                    "Type": "Sender",
                },
                "RequestId": json.header("x-amzn-requestid"),
            })
        );
    }
    for asked in [
        Asked::get(format!("/elsewhere?{identity}"), host),
        Asked { method: "PUT".to_owned(), ..get(identity) },
        Asked::get(format!("/?{identity}"), "s3.us-east-1.amazonaws.com"),
        Asked::get(format!("/?{identity}"), "example.com"),
    ] {
        let told = send(&standin, &asked).await;
        assert_eq!((told.status.as_u16(), told.body.as_str()), (404, "<UnknownOperationException/>\n"));
    }
}

#[tokio::test]
async fn xml_metacharacters_are_escaped() {
    let (standin, _) = at_noon(Settings::default()).await;
    let told = send(&standin, &Asked::get("/?Action=%3Ca%26b%3E", "localhost")).await;
    assert!(told.element("Message").contains("&lt;a&amp;b&gt;"), "{}", told.body);
}

#[tokio::test]
async fn calls_are_remembered_with_what_was_asked_and_what_became_of_it() {
    let (standin, _) = at_noon(Settings::default()).await;
    send(&standin, &signer().token("prod").with(&[("user-agent", "probe/1")])).await;
    let seen = standin.call_count();
    send(&standin, &signer().token("prod").with(&[("x-k8s-aws-id", "test")])).await;

    let calls = standin.calls();
    assert_eq!(calls.len(), 2);
    let first = &calls[0];
    assert_eq!(first.service, Service::Sts);
    assert_eq!(first.action, "GetCallerIdentity");
    assert_eq!(first.access_key_id.as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
    assert_eq!(first.host, "sts.us-east-1.amazonaws.com");
    assert_eq!(first.method, "GET");
    assert_eq!(first.outcome, Outcome::Accepted);
    assert_eq!(first.user_agent.as_deref(), Some("probe/1"));
    assert_eq!(first.header_names, ["host", "x-k8s-aws-id", "user-agent"]);
    let later = standin.calls_since(seen);
    assert_eq!(later.len(), 1);
    assert_eq!(later[0].outcome, Outcome::Refused("SignatureDoesNotMatch"));
}

#[tokio::test]
async fn secrets_do_not_print() {
    let settings = Settings { keys: vec![key(), session_key()], ..Settings::default() };
    let text = format!("{settings:?}");
    assert!(text.contains("AKIAIOSFODNN7EXAMPLE"));
    for secret in [key().secret_access_key, session_key().session_token.unwrap()] {
        assert!(!text.contains(&secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_at_once_are_all_answered_with_their_own_identity() {
    const CALLERS: usize = 64;
    const REQUESTS: usize = 25;
    let caller = |number: usize| {
        let arn = format!("arn:aws:iam::111122223333:user/u{number}");
        Key::long_term(format!("AKIA{number}"), format!("secret {number}"), Principal::new(arn, "AIDA"))
    };
    let standin = StandIn::start(Settings {
        keys: (0..CALLERS).map(caller).collect(),
        recording: Recording::Off,
        ..Settings::default()
    })
    .await
    .unwrap();
    let route = Arc::new(Route::direct(&standin));
    let tasks = (0..CALLERS).map(|number| {
        let route = Arc::clone(&route);
        tokio::spawn(async move {
            let now: Timestamp = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map(|since| Timestamp::from_second(since.as_secs() as i64).unwrap())
                .unwrap();
            let asked = Signer::new(&caller(number), now).token("prod");
            let mut connection = route.open().await;
            for _ in 0..REQUESTS {
                let told = connection.send(&asked).await.unwrap();
                assert_eq!(told.arn(), format!("arn:aws:iam::111122223333:user/u{number}"));
            }
        })
    });
    for task in futures::future::join_all(tasks).await {
        task.unwrap();
    }
    assert_eq!(standin.call_count(), (CALLERS * REQUESTS) as u64);
    standin.stop().await;
}
