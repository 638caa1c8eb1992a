use std::format;
use std::string::String;

use super::*;
use crate::token::tests::{now, request};

const ROLE: &str = "arn:aws:sts::123456789012:assumed-role/Admin/alice";

fn reply(status: u16, content_type: &str, body: &str) -> Result<Identity, StsError> {
    let reply = StsReply { status, content_type: content_type.into(), body: body.as_bytes().to_vec() };
    conclude(&request(now()), Partition::Aws, Ok(reply))
}

fn body(account: &str, arn: &str, user_id: &str) -> String {
    format!(
        r#"{{"GetCallerIdentityResponse":{{"GetCallerIdentityResult":{{"Account":"{account}","Arn":"{arn}","UserId":"{user_id}"}},"ResponseMetadata":{{"RequestId":"r"}}}}}}"#
    )
}

fn good() -> String {
    body("123456789012", ROLE, "AROAEXAMPLE:alice")
}

fn json(body: &str) -> Result<Identity, StsError> {
    reply(200, "application/json", body)
}

#[test]
fn a_good_reply_gives_the_identity() {
    let identity = json(&good()).unwrap();
    assert_eq!(identity.canonical.as_str(), "arn:aws:iam::123456789012:role/Admin");
    assert_eq!(
        (identity.session_name.as_str(), identity.uid().as_str()),
        ("alice", "aws-iam-authenticator:123456789012:AROAEXAMPLE")
    );
    assert_eq!(identity.access_key_id.as_str(), "AKIAIOSFODNN7EXAMPLE");
}

#[test]
fn unknown_members_inside_the_result_are_ignored() {
    assert!(json(&good().replace("\"Account\"", "\"New\":{\"a\":1},\"Account\"")).is_ok());
    assert!(json(&good().replace("\"RequestId\"", "\"New\":1,\"RequestId\"")).is_ok());
}

#[test]
fn anything_but_the_schema_is_a_denial() {
    let good = good();
    for bad in [
        String::new(),
        "{}".into(),
        "null".into(),
        "[]".into(),
        "<GetCallerIdentityResponse/>".into(),
        format!("\u{feff}{good}"),
        format!("{good}x"),
        format!("{good}{good}"),
        good.replacen('{', "{\"Extra\":1,", 1),
        good.replace("\"ResponseMetadata\"", "\"Extra\":{},\"ResponseMetadata\""),
        good.replace("\"Account\":", "\"Account\":\"999999999999\",\"Account\":"),
        good.replace("\"Arn\":", "\"Arn\":\"x\",\"Arn\":"),
        good.replace("\"Arn\"", "\"arn\""),
        good.replace("\"123456789012\"", "123456789012"),
        good.replace(&format!("\"{ROLE}\""), &format!("[\"{ROLE}\"]")),
        good.replace("GetCallerIdentityResult", "AssumeRoleWithWebIdentityResult"),
        good.replace("GetCallerIdentity", "GetAccessKeyInfo"),
        good.replace("{\"RequestId\":\"r\"}", "[]"),
        format!("[[[\"123456789012\",\"{ROLE}\",\"AROAEXAMPLE:alice\"]]]"),
        format!("<x>{good}</x>"),
        format!("{}{good}", " ".repeat(limits::STS_REPLY_BYTES)),
    ] {
        assert!(json(&bad).is_err(), "{bad}");
    }
}

#[test]
fn only_json_is_read() {
    for good_type in
        ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/x-amz-json-1.1"]
    {
        assert!(reply(200, good_type, &good()).is_ok(), "{good_type}");
    }
    for bad in ["", "text/xml", "text/html", "application/jsonp", "text/plain; application/json"] {
        assert!(matches!(reply(200, bad, &good()), Err(StsError::Schema(_))), "{bad}");
    }
}

#[test]
fn only_status_200_counts() {
    for status in [100, 201, 202, 204, 206, 301, 302, 307, 308, 400, 403, 404, 429, 500, 503] {
        assert!(reply(status, "application/json", &good()).is_err(), "{status}");
    }
}

#[test]
fn account_partition_and_user_id_must_agree() {
    assert_eq!(json(&body("444455556666", ROLE, "AROAEXAMPLE:alice")), Err(StsError::Account));
    let foreign = ROLE.replace("arn:aws:", "arn:aws-cn:");
    assert_eq!(json(&body("123456789012", &foreign, "AROAEXAMPLE:alice")), Err(StsError::Partition(Partition::AwsCn)));
    assert!(matches!(json(&body("123456789012", ROLE, "AROAEXAMPLE")), Err(StsError::UserId(_))));
    assert!(matches!(json(&body("123456789012", "", "x")), Err(StsError::Arn(ArnError::Prefix))));
}

#[test]
fn refusals_are_told_apart() {
    let xml =
        |code: &str| format!("<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code></Error></ErrorResponse>");
    let of = |status, code: &str| reply(status, "text/xml", &xml(code)).unwrap_err();
    assert_eq!(of(403, "SignatureDoesNotMatch"), StsError::Signature);
    assert_eq!(of(403, "InvalidClientTokenId"), StsError::UnknownKey);
    assert_eq!(of(403, "ExpiredToken"), StsError::CredentialsExpired);
    assert_eq!(of(400, "Throttling"), StsError::Throttled);
    assert_eq!(of(503, "ThrottlingException"), StsError::Throttled);
    assert_eq!(of(429, "Whatever"), StsError::Throttled);
    assert_eq!(of(500, "InternalFailure"), StsError::Unavailable(500));
    assert_eq!(of(302, "x"), StsError::Redirect(302));
    assert_eq!(of(400, "IncompleteSignature"), StsError::Refused("IncompleteSignature".into()));
    assert_eq!(
        reply(403, "application/json", r#"{"Error":{"Code":"AccessDenied"}}"#),
        Err(StsError::Refused("AccessDenied".into()))
    );
    assert_eq!(reply(403, "", "<Code>\u{1b}[31m evil</Code>"), Err(StsError::Refused("403".into())));
}
