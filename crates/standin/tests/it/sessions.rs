//! Sessions of roles: `AssumeRole`, `AssumeRoleWithWebIdentity`, single sign-on.

use kube_iam_standin::{Key, Mfa, Principal, Role, Settings, SsoAccess, StandIn, Trust, WebIdentity};
use serde_json::json;

use crate::client::{Asked, Told, send};
use crate::signer::{Signer, query};
use crate::{USER, at_noon, key, noon};

const ADMIN: &str = "arn:aws:iam::111122223333:role/team/Admin";
const NEXT: &str = "arn:aws:iam::444455556666:role/Next";
const MFA: &str = "arn:aws:iam::111122223333:mfa/jo";

/// A stand-in with one role.
async fn with_role(role: Role) -> StandIn {
    at_noon(Settings { roles: vec![role], ..Settings::default() }).await.0
}

fn admin() -> Role {
    Role::new(ADMIN, "AROAADMINEXAMPLE")
}

fn request(role: &str, more: &[(&str, &str)]) -> Asked {
    signed(&key(), role, more)
}

fn signed(key: &Key, role: &str, more: &[(&str, &str)]) -> Asked {
    let mut parameters = vec![("Action", "AssumeRole"), ("Version", "2011-06-15"), ("RoleArn", role)];
    if !more.iter().any(|(name, _)| *name == "RoleSessionName") {
        parameters.push(("RoleSessionName", "jo"));
    }
    parameters.extend_from_slice(more);
    Signer::new(key, noon()).post(&parameters)
}

/// The key in an XML reply.
fn key_of(told: &Told) -> Key {
    assert_eq!(told.status, 200, "{}", told.body);
    Key {
        session_token: Some(told.element("SessionToken").to_owned()),
        ..Key::long_term(told.element("AccessKeyId"), told.element("SecretAccessKey"), Principal::new("", ""))
    }
}

#[tokio::test]
async fn a_session_is_somebody_for_as_long_as_asked() {
    let (standin, clock) = at_noon(Settings { roles: vec![admin()], ..Settings::default() }).await;
    let told = send(&standin, &request(ADMIN, &[("DurationSeconds", "900")])).await;
    let arn = "arn:aws:sts::111122223333:assumed-role/Admin/jo";
    assert_eq!(told.element("AssumedRoleId"), "AROAADMINEXAMPLE:jo");
    assert_eq!(told.element("Arn"), arn);
    assert_eq!(told.element("Expiration"), "2026-01-02T12:45:00Z");
    let session = key_of(&told);
    assert!(session.access_key_id.starts_with("ASIA"));
    let identity = send(&standin, &Signer::new(&session, noon()).token("prod")).await;
    assert_eq!((identity.arn(), identity.element("UserId")), (arn, "AROAADMINEXAMPLE:jo"));
    assert_eq!(identity.element("Account"), "111122223333");
    clock.advance(900);
    let late = Signer::new(&session, clock.now()).token("prod");
    assert_eq!(send(&standin, &late).await.refusal(), (403, "ExpiredToken"));
}

#[tokio::test]
async fn json_replies_hold_the_same() {
    let standin = with_role(admin()).await;
    let told = send(&standin, &request(ADMIN, &[]).json()).await.json();
    let result = &told["AssumeRoleResponse"]["AssumeRoleResult"];
    let user =
        json!({"AssumedRoleId": "AROAADMINEXAMPLE:jo", "Arn": "arn:aws:sts::111122223333:assumed-role/Admin/jo"});
    assert_eq!(result["AssumedRoleUser"], user);
    assert_eq!(result["Credentials"]["Expiration"], noon().as_second() + 3600);
}

#[tokio::test]
async fn each_session_has_credentials_of_its_own() {
    let standin = with_role(admin()).await;
    let one = key_of(&send(&standin, &request(ADMIN, &[])).await);
    let other = key_of(&send(&standin, &request(ADMIN, &[])).await);
    assert_ne!(one.access_key_id, other.access_key_id);
    let mixed = Key { session_token: other.session_token, ..one };
    let told = send(&standin, &Signer::new(&mixed, noon()).token("prod")).await;
    assert_eq!(told.refusal(), (403, "InvalidClientTokenId"));
}

#[tokio::test]
async fn only_those_trusted_may_take_a_role() {
    let denied = (403, "AccessDenied");
    let trusting = |arn: &str| Role { trust: Trust::Principals(vec![arn.to_owned()]), ..admin() };
    for trusted in [USER, "arn:aws:iam::111122223333:root"] {
        let standin = with_role(trusting(trusted)).await;
        key_of(&send(&standin, &request(ADMIN, &[])).await);
        assert_eq!(send(&standin, &request(NEXT, &[])).await.refusal(), denied);
    }
    for trusted in ["arn:aws:iam::111122223333:user/other", "arn:aws:iam::444455556666:root"] {
        let standin = with_role(trusting(trusted)).await;
        let told = send(&standin, &request(ADMIN, &[])).await;
        assert_eq!(told.refusal(), denied);
        assert_eq!(
            told.element("Message"),
            format!("User: {USER} is not authorized to perform: sts:AssumeRole on resource: {ADMIN}")
        );
    }
    let standin = with_role(admin()).await;
    let forged = Key { secret_access_key: "not the secret".to_owned(), ..key() };
    assert_eq!(send(&standin, &signed(&forged, ADMIN, &[])).await.refusal(), (403, "SignatureDoesNotMatch"));
}

#[tokio::test]
async fn an_external_id_and_a_code_are_demanded() {
    let denied = (403, "AccessDenied");
    let standin = with_role(Role { external_id: Some("partner".to_owned()), ..admin() }).await;
    key_of(&send(&standin, &request(ADMIN, &[("ExternalId", "partner")])).await);
    for more in [[].as_slice(), &[("ExternalId", "other")]] {
        assert_eq!(send(&standin, &request(ADMIN, more)).await.refusal(), denied);
    }
    let mfa = Some(Mfa { serial: MFA.to_owned(), code: "123456".to_owned() });
    let standin = with_role(Role { mfa, ..admin() }).await;
    key_of(&send(&standin, &request(ADMIN, &[("SerialNumber", MFA), ("TokenCode", "123456")])).await);
    for more in [
        [].as_slice(),
        &[("SerialNumber", MFA)],
        &[("SerialNumber", MFA), ("TokenCode", "654321")],
        &[("SerialNumber", "arn:aws:iam::111122223333:mfa/other"), ("TokenCode", "123456")],
    ] {
        assert_eq!(send(&standin, &request(ADMIN, more)).await.refusal(), denied, "{more:?}");
    }
}

#[tokio::test]
async fn a_session_that_takes_a_role_has_it_for_an_hour() {
    let next = Role {
        trust: Trust::Principals(vec![ADMIN.to_owned()]),
        max_session_seconds: 43_200,
        ..Role::new(NEXT, "AROANEXTEXAMPLE")
    };
    let (standin, _) = at_noon(Settings { roles: vec![admin(), next], ..Settings::default() }).await;
    assert_eq!(send(&standin, &request(NEXT, &[])).await.refusal(), (403, "AccessDenied"));
    let session = key_of(&send(&standin, &request(ADMIN, &[])).await);
    let told = send(&standin, &signed(&session, NEXT, &[("DurationSeconds", "3600")])).await;
    assert_eq!(told.element("Arn"), "arn:aws:sts::444455556666:assumed-role/Next/jo");
    let told = send(&standin, &signed(&session, NEXT, &[("DurationSeconds", "3601")])).await;
    assert_eq!(told.refusal(), (400, "ValidationError"));
    assert!(told.element("Message").contains("role chaining"));
}

#[tokio::test]
async fn parameters_out_of_bounds_are_refused() {
    let standin = with_role(Role { max_session_seconds: 7200, ..admin() }).await;
    let longest = "n".repeat(64);
    for good in [
        ("DurationSeconds", "900"),
        ("DurationSeconds", "7200"),
        ("RoleSessionName", "ab"),
        ("RoleSessionName", "a_b+c=d,e.f@g-h"),
        ("RoleSessionName", longest.as_str()),
    ] {
        key_of(&send(&standin, &request(ADMIN, &[good])).await);
    }
    let too_long = "n".repeat(65);
    for (bad, said) in [
        (("DurationSeconds", "899"), "greater than or equal to 900"),
        (("DurationSeconds", "7201"), "MaxSessionDuration"),
        (("DurationSeconds", "43201"), "less than or equal to 43200"),
        (("RoleSessionName", "a"), "greater than or equal to 2"),
        (("RoleSessionName", too_long.as_str()), "less than or equal to 64"),
        (("RoleSessionName", "a b"), "regular expression pattern"),
        (("RoleSessionName", "a/b"), "regular expression pattern"),
    ] {
        let told = send(&standin, &request(ADMIN, &[bad])).await;
        assert_eq!(told.refusal(), (400, "ValidationError"), "{bad:?}");
        assert!(told.element("Message").contains(said), "{}", told.body);
    }
    let told = send(&standin, &request(ADMIN, &[("DurationSeconds", "long")])).await;
    assert_eq!(told.refusal(), (400, "MalformedInput"));
    let incomplete = [("Action", "AssumeRole"), ("Version", "2011-06-15"), ("RoleArn", ADMIN)];
    let told = send(&standin, &Signer::new(&key(), noon()).post(&incomplete)).await;
    assert_eq!(told.refusal(), (400, "ValidationError"));
    assert!(told.element("Message").contains("'roleSessionName'"));
}

#[tokio::test]
async fn a_web_identity_opens_its_role_alone() {
    let identity = WebIdentity {
        token: "web.identity.token".to_owned(),
        role_arn: ADMIN.to_owned(),
        subject: "system:serviceaccount:default:jo".to_owned(),
        audience: "sts.amazonaws.com".to_owned(),
        provider: "provider".to_owned(),
    };
    let (standin, _) = at_noon(Settings {
        roles: vec![admin(), Role::new(NEXT, "AROANEXTEXAMPLE")],
        web_identities: vec![identity],
        ..Settings::default()
    })
    .await;
    let ask = |role: &str, token: &str| {
        let parameters = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", role),
            ("RoleSessionName", "pod"),
            ("WebIdentityToken", token),
        ];
        Asked::get(format!("/?{}", query(&parameters)), "sts.amazonaws.com")
    };
    let told = send(&standin, &ask(ADMIN, "web.identity.token")).await;
    assert_eq!(told.element("SubjectFromWebIdentityToken"), "system:serviceaccount:default:jo");
    let asked = Signer::new(&key_of(&told), noon()).token("prod");
    assert_eq!(send(&standin, &asked).await.arn(), "arn:aws:sts::111122223333:assumed-role/Admin/pod");
    let told = send(&standin, &ask(ADMIN, "another.token")).await;
    assert_eq!(told.refusal(), (400, "InvalidIdentityToken"));
    let told = send(&standin, &ask(NEXT, "web.identity.token")).await;
    assert_eq!(told.refusal(), (403, "AccessDenied"));
}

#[tokio::test]
async fn the_portal_gives_credentials_for_what_was_signed_in_to() {
    let (standin, _) = at_noon(Settings {
        roles: vec![Role::new("arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0123456789abcdef", "AROASSO")],
        sso: vec![SsoAccess {
            access_token: "signed-in".to_owned(),
            account_id: "111122223333".to_owned(),
            permission_set: "Dev".to_owned(),
            role_arn: "arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0123456789abcdef".to_owned(),
            user: "jo@example.com".to_owned(),
        }],
        ..Settings::default()
    })
    .await;
    let ask = |query: &str, token: &str| {
        let target = format!("/federation/credentials?{query}");
        Asked::get(target, "portal.sso.us-east-1.amazonaws.com").with(&[("x-amz-sso_bearer_token", token)])
    };
    let whole = "role_name=Dev&account_id=111122223333";
    let told = send(&standin, &ask(whole, "signed-in")).await.json();
    let credentials = &told["roleCredentials"];
    assert_eq!(credentials["expiration"], (noon().as_second() + 3600) * 1000);
    let text = |name: &str| credentials[name].as_str().unwrap().to_owned();
    let session = Key {
        session_token: Some(text("sessionToken")),
        ..Key::long_term(text("accessKeyId"), text("secretAccessKey"), Principal::new("", ""))
    };
    assert_eq!(
        send(&standin, &Signer::new(&session, noon()).token("prod")).await.arn(),
        "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/jo@example.com"
    );
    for (query, token, status, code) in [
        (whole, "signed-out", 401, "UnauthorizedException"),
        ("role_name=Dev", "signed-in", 400, "InvalidRequestException"),
        ("role_name=Admin&account_id=111122223333", "signed-in", 403, "ForbiddenException"),
        ("role_name=Dev&account_id=444455556666", "signed-in", 403, "ForbiddenException"),
    ] {
        let told = send(&standin, &ask(query, token)).await;
        assert_eq!((told.status.as_u16(), told.header("x-amzn-errortype")), (status, code));
        assert_eq!(told.json()["__type"], format!("com.amazonaws.switchboard.portal#{code}"));
    }
    let elsewhere = Asked::get("/assignment/accounts", "portal.sso.us-east-1.amazonaws.com");
    assert_eq!(send(&standin, &elsewhere).await.status, 404);
}
