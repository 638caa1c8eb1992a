//! What each fuzz target does with its input, and what must hold. The targets
//! call these under libFuzzer; an ordinary test replays the corpora with them.

use std::str::from_utf8;

use jiff::Timestamp;
use kube_iam_core::arn::Arn;
use kube_iam_core::aws_auth::{Section, read_section};
use kube_iam_core::identity::{Identity, UserId};
use kube_iam_core::limits;
use kube_iam_core::mapping::{Backend, RolePaths, Snapshot};
use kube_iam_core::partition::{Partition, StsHosts};
use kube_iam_core::ports::StsReply;
use kube_iam_core::review;
use kube_iam_core::secret::Token;
use kube_iam_core::sts::{StsRequest, conclude};
use kube_iam_core::template::Template;
use kube_iam_core::token::{PREFIX, TokenPolicy, check};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A target by its name.
pub(crate) type Body = fn(&[u8]);

/// Every target.
pub(crate) const TARGETS: [(&str, Body); 6] = [
    ("token_check", token_check),
    ("sts_reply", sts_reply),
    ("review_decode", review_decode),
    ("arn", arn),
    ("template", template),
    ("aws_auth_sections", aws_auth_sections),
];

const GOOD_URL: &str = "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15\
&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Fus-east-1%2Fsts%2Faws4_request\
&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id\
&X-Amz-Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn policy() -> TokenPolicy {
    TokenPolicy { hosts: StsHosts::of(Partition::Aws), cluster_id: "fuzz".parse().unwrap() }
}

fn token(url: &[u8]) -> Token {
    Token::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(url)))
}

fn request() -> StsRequest {
    check(&token(GOOD_URL.as_bytes()), &policy(), now()).unwrap()
}

/// The input is the URL inside a token, and once more a whole token. What is
/// accepted asks a host of the list, and can be checked again to the same.
pub(crate) fn token_check(input: &[u8]) {
    let policy = policy();
    let whole = from_utf8(input).map(Token::new);
    for token in [token(input)].into_iter().chain(whole) {
        let Ok(request) = check(&token, &policy, now()) else { continue };
        assert!(policy.hosts.find(request.host().name()).is_some());
        let url = request.url();
        assert!(url.expose().starts_with(&format!("https://{}/?", request.host().name())));
        let again = check(&self::token(url.expose().as_bytes()), &policy, now()).unwrap();
        assert_eq!(again.url(), url);
        assert_eq!(again.access_key_id(), request.access_key_id());
    }
}

/// The input is the body of a reply with status 200. An identity belongs to the
/// partition, and its parts agree.
pub(crate) fn sts_reply(input: &[u8]) {
    let reply = StsReply { status: 200, content_type: "application/json".into(), body: input.to_vec() };
    if let Ok(identity) = conclude(&request(), Partition::Aws, Ok(reply.clone())) {
        assert_eq!((identity.arn.partition(), identity.arn.account()), (Partition::Aws, identity.account));
        assert!(from_utf8(input).unwrap().contains(identity.arn.as_str()) || input.contains(&b'\\'));
    }
    for status in [201, 302, 400, 403, 429, 500] {
        assert!(conclude(&request(), Partition::Aws, Ok(StsReply { status, ..reply.clone() })).is_err());
    }
}

/// The input is the body of a TokenReview.
pub(crate) fn review_decode(input: &[u8]) {
    if let Ok(review) = review::decode(input) {
        assert!(input.len() <= limits::REVIEW_BYTES);
        let again = serde_json::json!({
            "apiVersion": review.version.as_str(),
            "kind": "TokenReview",
            "spec": {"token": review.token.expose(), "audiences": review.audiences},
        });
        let again = serde_json::to_vec(&again).unwrap();
        if again.len() <= limits::REVIEW_BYTES {
            assert_eq!(review::decode(&again).unwrap().token, review.token);
        }
    }
}

/// The input is an ARN. Its canonical forms are ARNs, and stay as they are.
pub(crate) fn arn(input: &[u8]) {
    let Some(arn) = from_utf8(input).ok().and_then(|text| text.parse::<Arn>().ok()) else { return };
    for canonical in [arn.canonical(), arn.without_role_path()] {
        let again: Arn = canonical.as_str().parse().unwrap();
        assert_eq!((again.partition(), again.account()), (arn.partition(), arn.account()));
        assert_eq!(again.canonical(), canonical);
    }
}

/// The input is a session name and a pattern, separated by a line end.
pub(crate) fn template(input: &[u8]) {
    let Ok(text) = from_utf8(input) else { return };
    let (session, pattern) = text.split_once('\n').unwrap_or(("alice", text));
    let template = Template::parse(pattern);
    assert_eq!(template.to_string(), pattern);
    let arn: Arn = "arn:aws:sts::111122223333:assumed-role/R/s".parse().unwrap();
    let Ok((user_id, session_name)) = UserId::parse(&format!("AROAEXAMPLE:{session}"), arn.kind(), arn.account())
    else {
        return;
    };
    let identity = Identity {
        key: arn.canonical().key(),
        canonical: arn.canonical(),
        account: arn.account(),
        user_id,
        session_name,
        access_key_id: "ASIAIOSFODNN7EXAMPLE".parse().unwrap(),
        sts_host: request().host().clone(),
        arn,
    };
    // Every value is put in once: what is not a placeholder is there to the letter.
    let placeholders =
        ["{{SessionName}}", "{{SessionNameRaw}}", "{{AccountID}}", "{{AccessKeyID}}", "{{EC2PrivateDNSName}}"];
    if !placeholders.iter().any(|name| pattern.contains(name)) {
        assert_eq!(template.render(&identity).unwrap(), pattern);
    } else if let Ok(rendered) = template.render(&identity) {
        let longest = session.len().max(20);
        assert!(rendered.len() <= pattern.len() + pattern.matches("{{").count() * longest);
    }
}

/// The input is the text of a section, read as each of the three. Every item is
/// a row or a problem, and a snapshot of the rows can be built.
pub(crate) fn aws_auth_sections(input: &[u8]) {
    let Ok(text) = from_utf8(input) else { return };
    for section in Section::ALL {
        let Ok(rows) = read_section(section, text) else { continue };
        let snapshot = Snapshot::new(Backend::EksConfigMap, [&rows], RolePaths::Match);
        assert!(snapshot.len() + snapshot.shadowed().len() <= rows.mappings.len() + rows.accounts.len());
        assert!(section == Section::MapAccounts || rows.accounts.is_empty());
    }
}
