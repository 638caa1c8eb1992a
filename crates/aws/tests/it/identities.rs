//! Web identity and IAM Identity Center.

use kube_iam_standin::{Settings, SsoAccess, WebIdentity};

use crate::world::{Tripwire, World, role, session};

fn settings() -> Settings {
    let web = WebIdentity {
        token: "the-token".to_owned(),
        role_arn: role("pod").arn,
        subject: "system:serviceaccount:default:app".to_owned(),
        audience: "sts.amazonaws.com".to_owned(),
        provider: "oidc.example.com".to_owned(),
    };
    let sso = SsoAccess {
        access_token: "the-access-token".to_owned(),
        account_id: "111122223333".to_owned(),
        permission_set: "Developer".to_owned(),
        role_arn: role("AWSReservedSSO_Developer_0123456789abcdef").arn,
        user: "jo@example.com".to_owned(),
    };
    let roles = vec![role("pod"), role("AWSReservedSSO_Developer_0123456789abcdef")];
    Settings { roles, web_identities: vec![web], sso: vec![sso], ..Settings::default() }
}

#[tokio::test]
async fn the_web_identity_of_the_environment_comes_before_the_profile() {
    let mut world = World::with(settings()).await;
    world.config("[default]\ncredential_process = false\n");
    world.write("token", "the-token\n");
    let token = world.path("token").display().to_string();
    world
        .set("AWS_WEB_IDENTITY_TOKEN_FILE", &token)
        .set("AWS_ROLE_ARN", &role("pod").arn)
        .set("AWS_ROLE_SESSION_NAME", "web");
    assert_eq!(world.caller().await, session("pod", "web"));

    world.write("token", "another");
    let failed = world.mint().await.failed();
    assert_eq!(failed.error, "the AWS call `AssumeRoleWithWebIdentity` failed");
    assert!(failed.hint.contains("trust policy"), "{}", failed.hint);

    let failed = world.set("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent").mint().await.failed();
    assert_eq!(failed.error, "could not read the web identity token `/nonexistent`");
    assert!(failed.hint.contains("unset AWS_WEB_IDENTITY_TOKEN_FILE"), "{}", failed.hint);
}

#[tokio::test]
async fn a_profile_can_use_a_web_identity() {
    let mut world = World::with(settings()).await;
    world.write("token", "the-token");
    world.config(&format!(
        "[profile pod]\nrole_arn = {}\nweb_identity_token_file = {}\nrole_session_name = ses\n",
        role("pod").arn,
        world.path("token").display()
    ));
    assert_eq!(world.set("AWS_PROFILE", "pod").caller().await, session("pod", "ses"));
}

const PROFILES: &str = "[profile new]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = Developer
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = us-east-1
[profile other-role]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = Admin
[profile old]
sso_start_url = https://corp.awsapps.com/start
sso_region = us-east-1
sso_account_id = 111122223333
sso_role_name = Developer
[profile half]
sso_session = corp
sso_role_name = Developer
[profile lost]
sso_session = nowhere
";

/// SHA-1 of `corp`, the name of the session: what the file of its token is called.
const SESSION: &str = "ee0bfd2552fbd840c02cc48b6e823320543c450f";
/// SHA-1 of the start URL, for profiles without a session.
const START_URL: &str = "a51746d4aa793ae07b25e90c3a5db96fc7832bd7";

/// Writes what `aws sso login` leaves behind.
fn logged_in(world: &World, digest: &str, expires: &str) {
    let cache = world.path(".aws/sso/cache");
    std::fs::create_dir_all(&cache).unwrap();
    let token = format!(r#"{{"accessToken":"the-access-token","expiresAt":"{expires}"}}"#);
    std::fs::write(cache.join(format!("{digest}.json")), token).unwrap();
}

const FUTURE: &str = "2099-01-01T00:00:00Z";
const PAST: &str = "2020-01-01T00:00:00Z";

#[tokio::test]
async fn a_session_of_identity_center_gives_its_role() {
    let mut world = World::with(settings()).await;
    world.config(PROFILES);
    logged_in(&world, SESSION, FUTURE);
    let expected = session("AWSReservedSSO_Developer_0123456789abcdef", "jo@example.com");
    assert_eq!(world.set("AWS_PROFILE", "new").caller().await, expected);
    logged_in(&world, START_URL, FUTURE);
    assert_eq!(world.set("AWS_PROFILE", "old").caller().await, expected);
}

#[tokio::test]
async fn without_a_session_the_hint_is_to_log_in() {
    let mut world = World::with(settings()).await;
    world.config(PROFILES);
    for name in ["new", "old"] {
        let failed = world.set("AWS_PROFILE", name).mint().await.failed();
        assert_eq!(failed.error, format!("the SSO session of AWS profile `{name}` has expired or does not exist"));
        assert_eq!(failed.hint, format!("run `aws sso login --profile {name}`"));
    }
    logged_in(&world, SESSION, PAST);
    let failed = world.set("AWS_PROFILE", "new").mint().await.failed();
    assert_eq!(failed.hint, "run `aws sso login --profile new`");
    assert_eq!(world.actions(), [""; 0], "an expired session is not sent anywhere");
}

#[tokio::test]
async fn a_session_that_the_portal_no_longer_knows_means_to_log_in() {
    let mut world = World::with(Settings { sso: Vec::new(), ..settings() }).await;
    world.config(PROFILES);
    logged_in(&world, SESSION, FUTURE);
    assert_eq!(world.set("AWS_PROFILE", "new").mint().await.failed().hint, "run `aws sso login --profile new`");
}

#[tokio::test]
async fn a_role_that_was_not_given_is_named() {
    let mut world = World::with(settings()).await;
    world.config(PROFILES);
    logged_in(&world, SESSION, FUTURE);
    let failed = world.set("AWS_PROFILE", "other-role").mint().await.failed();
    assert!(failed.error.contains("no role `Admin` in account `111122223333`"), "{}", failed.error);
}

#[tokio::test]
async fn half_a_configuration_names_what_is_missing() {
    let mut world = World::with(settings()).await;
    world.config(PROFILES);
    for (name, wanted) in [("half", "`sso_account_id` is missing"), ("lost", "no `sso-session nowhere`")] {
        let failed = world.set("AWS_PROFILE", name).mint().await.failed();
        assert!(failed.error.contains(wanted), "{}", failed.error);
    }
}

#[tokio::test]
async fn a_portal_out_of_reach_is_not_taken_for_a_lost_session() {
    let mut world = World::with(settings()).await;
    world.config(PROFILES);
    logged_in(&world, SESSION, FUTURE);
    let gone = Tripwire::new().url();
    let failed = world.set("AWS_PROFILE", "new").set("HTTPS_PROXY", &gone).mint().await.failed();
    assert_eq!(failed.error, "the AWS call `GetRoleCredentials` failed");
    assert!(failed.hint.contains("HTTPS_PROXY"), "{}", failed.hint);
}
