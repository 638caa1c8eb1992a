//! The token oracle says what the Go authenticator was seen to do.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kube_iam_control_plane::{GoServer, TokenOracle, required_in_ci};

const URL: &str = "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15\
&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Fus-east-1%2Fsts%2Faws4_request\
&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id\
&X-Amz-Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn token(url: &str) -> String {
    format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url))
}

fn server(partition: &'static str) -> GoServer {
    // 2026-01-01T00:15:00Z, the last second at which the sample is young enough.
    GoServer { partition, cluster_id: "dev".into(), now: 1_767_226_500 }
}

#[test]
fn the_oracle_knows_the_rules_of_the_go_authenticator() {
    let Some(oracle) = required_in_ci(TokenOracle::build_or_find()) else { return };
    // A change to the sample, and the rule that refuses it; none if it is accepted.
    let cases = [
        ("", "", ""),
        ("https://", "HTTPS://", ""),
        ("https://", "http://", "scheme"),
        ("https://", "https://user:pw@", ""),
        ("https://", "https://\n", "url"),
        ("us-east-1.a", "US-EAST-1.a", ""),
        ("us-east-1.a", "not-a-region.a", ""),
        ("us-east-1.a", "us-gov-west-1.a", ""),
        ("sts.us-east-1.a", "sts-fips.us-gov-west-1.a", "host"),
        ("sts.us-east-1.a", "sts.a", ""),
        ("sts.us-east-1.a", "STS.us-east-1.a", "host"),
        ("sts.us-east-1.a", "sts.-x.a", "region"),
        ("us-east-1.amazonaws.com", "cn-north-1.amazonaws.com.cn", "partition"),
        (".com/", ".com:443/", "host"),
        (".com/", ".com./", "host"),
        (".com/", ".com", "path"),
        (".com/", ".com//", "path"),
        (".com/", ".com/%2f", "path"),
        ("2011-06-15", "2011%zz", "query"),
        ("2011-06-15", "2011;06", "query"),
        ("2011-06-15", "2011+06&", ""),
        ("Version", "action", "spelt twice"),
        ("Version", "Action", "many values"),
        ("Version", "foo", "unknown parameter"),
        ("Version=2011-06-15&", "", ""),
        ("GetCallerIdentity", "getcalleridentity", "action"),
        ("host%3B", "", ""),
        ("host%3Bx-k8s-aws-id", "host%3BX-\u{212a}8S-AWS-ID", ""),
        ("host%3Bx-k8s-aws-id", "host%3B%20x-k8s-aws-id", "signed headers"),
        ("Expires=60", "Expires=%2B60", ""),
        ("Expires=60", "Expires=00060", ""),
        ("Expires=60", "Expires=-0", ""),
        ("Expires=60", "Expires=901", "expires"),
        ("Expires=60", "Expires=1e2", "expires"),
        ("Expires=60", "Expires=%2060", "expires"),
        ("&X-Amz-Expires=60", "", "expires"),
        ("&X-Amz-Date=20260101T000000Z", "", "no date"),
        ("T000000Z", "T000000.5Z", ""),
        ("T000000Z", "T000000,5Z", ""),
        ("T000000Z", "T240000Z", "date"),
        ("20260101T000000Z", "20251231T235959Z", "expired"),
        ("Date=2026", "Date=2036", ""),
        ("AKIAIOSFODNN7EXAMPLE%2F20260101%2F", "", ""),
        ("Signature=", "Signature=#", ""),
    ];
    let tokens: Vec<_> = cases.iter().map(|(from, to, _)| token(&URL.replacen(from, to, 1))).collect();
    let verdicts = oracle.judge(&server("aws"), &tokens).unwrap();
    for ((from, to, rule), verdict) in cases.iter().zip(verdicts) {
        assert!(URL.contains(from), "{from}");
        assert_eq!(verdict.err().unwrap_or_default(), *rule, "{from} -> {to}");
    }
}

#[test]
fn the_oracle_knows_the_text_of_a_token() {
    let Some(oracle) = required_in_ci(TokenOracle::build_or_find()) else { return };
    let good = token(&URL.replacen("Version=2011-06-15&", "", 1));
    let verdicts = oracle.judge(
        &server("aws"),
        &[
            good.replacen("aHR", "a\r\nHR", 1),
            format!("{good}="),
            format!(" {good}"),
            good.to_uppercase(),
            "A".repeat(4097),
        ],
    );
    let rules: Vec<_> = verdicts.unwrap().into_iter().map(|verdict| verdict.err().unwrap_or_default()).collect();
    assert_eq!(rules, ["", "base64", "prefix", "prefix", "size"]);
}

#[test]
fn what_is_sent_is_what_the_token_says() {
    let Some(oracle) = required_in_ci(TokenOracle::build_or_find()) else { return };
    let url = URL.replacen("https://", "https://user:pw@", 1).replacen("X-Amz-Date", "x-amz-date", 1);
    let sent = oracle.judge(&server("aws"), &[token(&url)]).unwrap().remove(0).unwrap();
    let path_and_query = url.strip_prefix("https://user:pw@sts.us-east-1.amazonaws.com").unwrap();
    assert_eq!((sent.host.as_str(), sent.path_and_query.as_str()), ("sts.us-east-1.amazonaws.com", path_and_query));
    assert_eq!((sent.cluster_id.as_str(), sent.authorization.as_str()), ("dev", "Basic dXNlcjpwdw=="));
    assert_eq!((sent.access_key_id.as_str(), sent.signed_at), ("AKIAIOSFODNN7EXAMPLE", 1_767_225_600));
    assert_eq!(sent.parameters["X-Amz-SignedHeaders"], "host;x-k8s-aws-id");
    assert_eq!(sent.parameters["x-amz-date"], "20260101T000000Z");
    assert_eq!((sent.url, sent.parameters.len()), (url, 8));

    let global = token(&URL.replacen("sts.us-east-1.", "sts.", 1));
    let verdict = oracle.judge(&server("aws-cn"), &[global]).unwrap().remove(0);
    assert_eq!(verdict.unwrap_err(), "global host");
    oracle.judge(&server("nowhere"), &[token(URL)]).unwrap_err();
}
