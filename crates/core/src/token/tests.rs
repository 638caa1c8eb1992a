//! Tokens built by hand for tests, and every way to spoil one.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::limits;
use crate::partition::{Partition, StsHosts};
use crate::secret::Token;
use crate::sts::StsRequest;

const HOST: &str = "sts.us-east-1.amazonaws.com";
const QUERY: &str = "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256\
&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20260101T000000Z\
&X-Amz-Expires=60&X-Amz-Security-Token=IQoJ%2Fb3%2BJp%3D%3D&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id\
&X-Amz-Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The instant at which the sample token was signed.
pub(crate) fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn policy(partition: Partition) -> TokenPolicy {
    TokenPolicy { hosts: StsHosts::of(partition), cluster_id: "test".parse().unwrap() }
}

fn token(url: &str) -> Token {
    Token::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(url)))
}

fn check_url(url: &str) -> Result<StsRequest, TokenError> {
    check(&token(url), &policy(Partition::Aws), now())
}

fn check_query(query: &str) -> Result<StsRequest, TokenError> {
    check_url(&format!("https://{HOST}/?{query}"))
}

/// A request that passed every check.
pub(crate) fn request(at: Timestamp) -> StsRequest {
    let url = format!("https://{HOST}/?{QUERY}");
    check(&token(&url), &policy(Partition::Aws), at).unwrap()
}

#[test]
fn a_good_token_is_rebuilt_to_the_letter() {
    let request = request(now());
    assert_eq!(request.path_and_query().expose(), format!("/?{QUERY}"));
    assert_eq!((request.host().name(), request.access_key_id().as_str()), (HOST, "AKIAIOSFODNN7EXAMPLE"));
    assert_eq!(request.expires_at(), now() + SignedDuration::from_mins(15));
}

#[test]
fn spelling_of_names_is_kept_and_values_are_encoded_anew() {
    let query = QUERY
        .replace("Action=", "action=")
        .replace("X-Amz-Date", "x-amz-date")
        .replace("%2F20260101%2F", "/20260101%2f")
        .replace("host%3B", "host%3b");
    let rebuilt = QUERY.replace("Action=", "action=").replace("X-Amz-Date", "x-amz-date");
    assert_eq!(check_query(&query).unwrap().path_and_query().expose(), format!("/?{rebuilt}"));
    assert!(check_query(&format!("{QUERY}&")).is_ok());
}

#[test]
fn version_and_session_token_may_be_missing() {
    let without: Vec<_> = QUERY.split('&').filter(|p| !p.starts_with("Version") && !p.contains("Security")).collect();
    let request = check_query(&without.join("&")).unwrap();
    assert!(!request.path_and_query().expose().contains("Version"));
}

/// CVE-2022-2385: one parameter twice, so that two readers see two values.
#[test]
fn repeated_parameters_are_refused_in_every_spelling() {
    for part in QUERY.split('&') {
        let (name, value) = part.split_once('=').unwrap();
        let upper = name.to_ascii_uppercase();
        let escaped = format!("{}%{:02X}{}", &name[..2], name.as_bytes()[2], &name[3..]);
        for twin in [name, &name.to_ascii_lowercase(), &upper, &escaped] {
            for extra in [format!("{twin}={value}"), format!("{twin}=")] {
                let after = check_query(&format!("{QUERY}&{extra}")).unwrap_err();
                assert_eq!(after, TokenError::DuplicateParameter, "{extra}");
                // In front, an escaped name is refused for what it is before its twin is met.
                let before = check_query(&format!("{extra}&{QUERY}")).unwrap_err();
                let wanted =
                    if twin == escaped { TokenError::UnknownParameter } else { TokenError::DuplicateParameter };
                assert_eq!(before, wanted, "{extra}");
            }
        }
        let renamed = QUERY.replacen(&format!("{name}="), &format!("{escaped}="), 1);
        assert_eq!(check_query(&renamed).unwrap_err(), TokenError::UnknownParameter, "{escaped}");
    }
    let many = |count| check_query(&format!("{}{}", "Action=GetCallerIdentity&".repeat(count), QUERY)).unwrap_err();
    assert_eq!((many(90), many(1_000)), (TokenError::DuplicateParameter, TokenError::TooLarge));
}

#[test]
fn hosts_that_are_not_exactly_ours_are_refused() {
    for host in [
        "sts.us-east-1.amazonaws.com.evil",
        "sts.us-east-1.amazonaws.com@evil.example",
        "evil@sts.us-east-1.amazonaws.com",
        "user:pw@sts.us-east-1.amazonaws.com",
        "evil.example",
        "sts.us-east-1.amazonaws.com:443",
        "sts.us-east-1.amazonaws.com.",
        "sts%2eus-east-1.amazonaws.com",
        "STS.us-east-1.amazonaws.com",
        "sts.US-EAST-1.amazonaws.com",
        "xn--sts-.us-east-1.amazonaws.com",
        "127.0.0.1",
        "[::1]",
        "sts..amazonaws.com",
        "sts.a.b.amazonaws.com",
        "sts.s3.amazonaws.com",
        "sts.not-a-region.amazonaws.com",
        "sts.us-east-1.amazonaws.com\\evil",
        "\\evil",
        "",
        "sts.cn-north-1.amazonaws.com.cn",
        "sts.us-gov-west-1.amazonaws.com",
    ] {
        assert_eq!(check_url(&format!("https://{host}/?{QUERY}")).unwrap_err(), TokenError::Host, "{host}");
    }
    let label = "a".repeat(64);
    assert_eq!(check_url(&format!("https://sts.{label}.amazonaws.com/?{QUERY}")).unwrap_err(), TokenError::Host);
    assert_eq!(
        check_url(&format!("https://evil/?sts.us-east-1.amazonaws.com/?{QUERY}")).unwrap_err(),
        TokenError::Host
    );
}

/// A million made-up regions are refused by the same list: nothing grows, and
/// nothing of them could become a label or a look-up.
#[test]
fn made_up_regions_leave_no_trace() {
    let policy = policy(Partition::Aws);
    let known = policy.hosts.iter().count();
    for number in 0..1_000_000 {
        assert!(policy.hosts.find(&format!("sts.region-{number}.amazonaws.com")).is_none());
    }
    for number in 0..1_000 {
        let url = format!("https://sts.region-{number}.amazonaws.com/?{QUERY}");
        assert_eq!(check(&token(&url), &policy, now()).unwrap_err(), TokenError::Host);
    }
    assert_eq!(policy.hosts.iter().count(), known);
}

#[test]
fn urls_that_could_be_read_in_two_ways_are_refused() {
    for (url, wanted) in [
        (format!("http://{HOST}/?{QUERY}"), TokenError::Scheme),
        (format!("HTTPS://{HOST}/?{QUERY}"), TokenError::Scheme),
        (format!("//{HOST}/?{QUERY}"), TokenError::Scheme),
        (format!("https:/{HOST}/?{QUERY}"), TokenError::Scheme),
        (format!("https://{HOST}?{QUERY}"), TokenError::Path),
        (format!("https://{HOST}//?{QUERY}"), TokenError::Path),
        (format!("https://{HOST}/x?{QUERY}"), TokenError::Path),
        (format!("https://{HOST}/%2f?{QUERY}"), TokenError::Path),
        (format!("https://{HOST}/.?{QUERY}"), TokenError::Path),
        (format!("https://{HOST}/"), TokenError::Path),
        (format!("https://{HOST}"), TokenError::Path),
        (format!("https://{HOST}/?{QUERY}#x"), TokenError::Fragment),
        (format!("https://{HOST}/?"), TokenError::Action),
        (format!("https://{HOST}/?{QUERY}\n"), TokenError::ControlCharacter),
        (format!("https://sts.us-east-1\t.amazonaws.com/?{QUERY}"), TokenError::ControlCharacter),
        (format!("https://{HOST}/?{QUERY}\0"), TokenError::ControlCharacter),
        (format!("https://{HOST}/?{QUERY}ü"), TokenError::ControlCharacter),
        (format!(" https://{HOST}/?{QUERY}"), TokenError::ControlCharacter),
    ] {
        assert_eq!(check_url(&url).unwrap_err(), wanted, "{url}");
    }
}

#[test]
fn values_are_checked_one_by_one() {
    let hex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    for (from, to, wanted) in [
        ("GetCallerIdentity", "getcalleridentity", TokenError::Action),
        ("GetCallerIdentity", "AssumeRole", TokenError::Action),
        ("Action=GetCallerIdentity&", "", TokenError::Action),
        ("2011-06-15", "2010-05-08", TokenError::Version),
        ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", TokenError::Algorithm),
        ("&X-Amz-Algorithm=AWS4-HMAC-SHA256", "", TokenError::Algorithm),
        ("us-east-1%2Fsts", "us-west-2%2Fsts", TokenError::Scope),
        ("%2Fsts%2F", "%2Fiam%2F", TokenError::Scope),
        ("aws4_request", "aws4_request%2Fx", TokenError::Scope),
        ("aws4_request", "aws5_request", TokenError::Scope),
        ("EXAMPLE%2F20260101", "EXAMPLE%2F20260102", TokenError::Scope),
        ("AKIAIOSFODNN7EXAMPLE", "", TokenError::Scope),
        ("AKIAIOSFODNN7EXAMPLE", "AKIA-IOSFODNN7EXAMPLE", TokenError::Scope),
        ("host%3Bx-k8s-aws-id", "host", TokenError::SignedHeaders),
        ("host%3Bx-k8s-aws-id", "x-k8s-aws-id", TokenError::SignedHeaders),
        ("host%3Bx-k8s-aws-id", "host%3BX-K8s-Aws-Id", TokenError::SignedHeaders),
        ("host%3Bx-k8s-aws-id", "host%3Bx-k8s-aws-id%3Bx-k8s-aws-id", TokenError::SignedHeaders),
        ("host%3Bx-k8s-aws-id", "host%3Bx-evil%3Bx-k8s-aws-id", TokenError::SignedHeaders),
        ("&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id", "", TokenError::SignedHeaders),
        ("Expires=60", "Expires=901", TokenError::Expires),
        ("Expires=60", "Expires=-1", TokenError::Expires),
        ("Expires=60", "Expires=%2B60", TokenError::Expires),
        ("Expires=60", "Expires=060", TokenError::Expires),
        ("Expires=60", "Expires=1e2", TokenError::Expires),
        ("Expires=60", "Expires=0x10", TokenError::Expires),
        ("Expires=60", "Expires=", TokenError::Expires),
        ("&X-Amz-Expires=60", "", TokenError::Expires),
        ("&X-Amz-Date=20260101T000000Z", "", TokenError::Date),
        ("Date=20260101T000000Z", "Date=", TokenError::Date),
        ("Date=20260101T000000Z", "Date=20260132T000000Z", TokenError::Date),
        ("Date=20260101T000000Z", "Date=20260101T240000Z", TokenError::Date),
        ("Date=20260101T000000Z", "Date=20260101T000000.5Z", TokenError::Date),
        ("Date=20260101T000000Z", "Date=20260101T000000", TokenError::Date),
        ("Date=20260101T000000Z", "Date=2026-01-01T00:00:00Z", TokenError::Date),
        (hex, &hex.to_ascii_uppercase(), TokenError::Signature),
        (hex, &hex[1..], TokenError::Signature),
        (hex, "", TokenError::Signature),
        ("IQoJ%2Fb3%2BJp%3D%3D", "", TokenError::SecurityToken),
        ("IQoJ%2Fb3%2BJp%3D%3D", "IQoJ%0ab3", TokenError::ControlCharacter),
        ("IQoJ%2Fb3%2BJp%3D%3D", "IQoJ%20b3", TokenError::ControlCharacter),
        ("IQoJ%2Fb3%2BJp%3D%3D", "IQoJ+b3", TokenError::Query),
        ("IQoJ%2Fb3%2BJp%3D%3D", "IQoJ%zzb3", TokenError::Query),
        ("IQoJ%2Fb3%2BJp%3D%3D", "IQoJ%2", TokenError::Query),
        ("IQoJ%2Fb3%2BJp%3D%3D", "IQoJ;b3", TokenError::Query),
        ("Version=2011-06-15", "Version", TokenError::Query),
        ("Version=2011-06-15&", "&", TokenError::Query),
        ("Version=2011-06-15", "foo=bar", TokenError::UnknownParameter),
        ("X-Amz-Date", "\u{212a}-Amz-Date", TokenError::ControlCharacter),
    ] {
        let query = QUERY.replacen(from, to, 1);
        assert_ne!(query, QUERY, "{from} is not in the query");
        assert_eq!(check_query(&query).unwrap_err(), wanted, "{from} -> {to}");
    }
    for expires in ["0", "900"] {
        assert!(check_query(&QUERY.replace("Expires=60", &format!("Expires={expires}"))).is_ok());
    }
}

#[test]
fn encoding_has_one_spelling() {
    let policy = policy(Partition::Aws);
    let good = token(&format!("https://{HOST}/?{QUERY}xx")).expose().to_string();
    let refused = |text: String| check(&Token::new(text), &policy, now()).unwrap_err();
    for spoilt in [
        format!("{good}="),
        format!("{good}\n"),
        good.replacen("aHR", "aHR\r\n", 1),
        format!("{good}+"),
        format!("{good} "),
    ] {
        assert_eq!(refused(spoilt), TokenError::Base64);
    }
    // Two spare bits of the last character set: the same bytes, another text.
    assert_eq!(refused(format!("{PREFIX}QR")), TokenError::Base64);
    for foreign in ["", "k8s-aws-v2.x", "K8S-AWS-V1.x", " k8s-aws-v1.x", "eyJhbGciOi"] {
        assert_eq!(refused(foreign.into()), TokenError::Foreign, "{foreign}");
    }
    assert_eq!(refused(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([0xff, 0xfe]))), TokenError::ControlCharacter);
}

#[test]
fn length_is_bounded() {
    let text = |len: usize| format!("{PREFIX}{}", "A".repeat(len - PREFIX.len()));
    let at = |len| check(&Token::new(text(len)), &policy(Partition::Aws), now()).unwrap_err();
    assert_ne!(at(limits::TOKEN_BYTES), TokenError::TooLarge);
    assert_eq!(at(limits::TOKEN_BYTES + 1), TokenError::TooLarge);
}

#[test]
fn age_is_exact_to_the_second_on_both_sides() {
    let at = |seconds| {
        let url = format!("https://{HOST}/?{QUERY}");
        check(&token(&url), &policy(Partition::Aws), now() + SignedDuration::from_secs(seconds)).map(drop)
    };
    assert_eq!((at(900), at(901)), (Ok(()), Err(TokenError::Expired)));
    assert_eq!((at(-300), at(-301)), (Ok(()), Err(TokenError::Future)));
}

#[test]
fn each_partition_takes_its_own_hosts() {
    for partition in Partition::ALL {
        for host in StsHosts::of(partition).iter() {
            let query = QUERY.replace("us-east-1", host.signing_region());
            let token = token(&format!("https://{}/?{query}", host.name()));
            for other in Partition::ALL {
                let accepted = check(&token, &policy(other), now()).is_ok();
                assert_eq!(accepted, other == partition, "{} at a server of {other}", host.name());
            }
        }
    }
}

/// What the Go authenticator says of a URL (observed), and what we say. Where
/// the two differ, the reason stands beside it.
#[test]
fn verdicts_differ_from_go_only_where_we_want_it() {
    let url = |query: &str| format!("https://{HOST}/?{query}");
    let session = "IQoJ%2Fb3%2BJp%3D%3D";
    for (url, go_accepts, ours, why) in [
        (url(QUERY), true, Ok(()), ""),
        (
            url(&QUERY.to_ascii_lowercase().replace("getcalleridentity", "GetCallerIdentity")),
            true,
            Err(TokenError::Algorithm),
            "values are case-sensitive to STS",
        ),
        (url(&QUERY.replace("Action", "action").replace("X-Amz-", "x-amz-")), true, Ok(()), ""),
        (url(&format!("{QUERY}&")), true, Ok(()), ""),
        (url(&QUERY.replace("Expires=60", "Expires=%2B5")), true, Err(TokenError::Expires), "one spelling per number"),
        (url(&QUERY.replace("Expires=60", "Expires=00060")), true, Err(TokenError::Expires), "one spelling per number"),
        (url(&QUERY.replace("Expires=60", "Expires=900")), true, Ok(()), ""),
        (url(&QUERY.replace("Expires=60", "Expires=901")), false, Err(TokenError::Expires), ""),
        (url(&QUERY.replace("Expires=60", "Expires=1e2")), false, Err(TokenError::Expires), ""),
        (url(&QUERY.replace("000000Z", "000000.5Z")), true, Err(TokenError::Date), "SigV4 has no fractions"),
        (url(&QUERY.replace(session, "IQoJ+b3")), true, Err(TokenError::Query), "a plus has two meanings"),
        (url(&QUERY.replace(session, "IQoJ%zzb3")), false, Err(TokenError::Query), ""),
        (url(&QUERY.replace(session, "IQoJ;b3")), false, Err(TokenError::Query), ""),
        (
            url(&QUERY.replace("host%3Bx-k8s-aws-id", "x-k8s-aws-id")),
            true,
            Err(TokenError::SignedHeaders),
            "STS wants the host signed",
        ),
        (
            url(&QUERY.replace("host%3Bx-k8s-aws-id", "host%3BX-K8S-AWS-ID")),
            true,
            Err(TokenError::SignedHeaders),
            "SigV4 wants lower case",
        ),
        (url(&QUERY.replace("host%3Bx-k8s-aws-id", "host")), false, Err(TokenError::SignedHeaders), ""),
        (url(&QUERY.replace("%2Fsts%2F", "%2Fs3%2F")), true, Err(TokenError::Scope), "STS would refuse it"),
        (
            url(&QUERY.replace("AKIAIOSFODNN7EXAMPLE", "")),
            true,
            Err(TokenError::Scope),
            "there is no key without an ID",
        ),
        (url(&format!("{QUERY}&foo=bar")), false, Err(TokenError::UnknownParameter), ""),
        (url(&format!("{QUERY}&action=GetCallerIdentity")), false, Err(TokenError::DuplicateParameter), ""),
        (format!("{}#x", url(QUERY)), true, Err(TokenError::Fragment), "it means nothing"),
        (url(QUERY).replace("https", "HTTPS"), true, Err(TokenError::Scheme), "one spelling per URL"),
        (url(QUERY).replace("https", "http"), false, Err(TokenError::Scheme), ""),
        (url(QUERY).replace("://", "://user:pw@"), true, Err(TokenError::Host), "Go forwards it as a header"),
        (url(QUERY).replace("sts.us-east-1", "sts.US-EAST-1"), true, Err(TokenError::Host), "hosts are a list"),
        (url(QUERY).replace("sts.us-east-1", "sts.not-a-region"), true, Err(TokenError::Host), "hosts are a list"),
        (url(QUERY).replace("sts.us-east-1", "sts.us-gov-west-1"), true, Err(TokenError::Host), "another partition"),
        (url(QUERY).replace(".com/", ".com:443/"), false, Err(TokenError::Host), ""),
        (url(QUERY).replace("/?", "//?"), false, Err(TokenError::Path), ""),
        (url(QUERY).replace("/?", "?"), false, Err(TokenError::Path), ""),
    ] {
        assert_eq!(check_url(&url).map(drop), ours, "{url}");
        assert_eq!(
            go_accepts != ours.is_ok(),
            !why.is_empty(),
            "a difference has a reason, and only a difference: {url}"
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_checked_or_refused(text in "\\PC{0,200}") {
        let _ = check(&Token::new(text.clone()), &policy(Partition::Aws), now());
        let _ = check_url(&text);
        let _ = check_query(&text);
    }

    #[test]
    fn what_is_accepted_can_be_checked_again(security in "[!-~]{1,60}") {
        let escaped: String = security.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let first = check_query(&QUERY.replace("IQoJ%2Fb3%2BJp%3D%3D", &escaped)).unwrap();
        let second = check_url(first.url().expose()).unwrap();
        prop_assert_eq!(first.path_and_query(), second.path_and_query());
    }
}
