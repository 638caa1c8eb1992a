//! Credentials from the environment and the shared configuration.

use jiff::{SignedDuration, Timestamp};
use kube_iam_standin::{Mfa, Role, Settings, Trust};

use crate::child::Asked;
use crate::world::{KEY, SECRET, Tripwire, USER, World, minutes_left, role, session};

#[tokio::test]
async fn keys_of_the_environment_need_neither_network_nor_certificates() {
    let mut world = World::new().await;
    let (proxy, metadata) = (Tripwire::new(), Tripwire::new());
    world.user().set("HTTPS_PROXY", &proxy.url()).set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata.url());
    world.unset("AWS_EC2_METADATA_DISABLED").set("AWS_CA_BUNDLE", "/nonexistent");
    let made = world.mint().await.made();
    proxy.assert_untouched();
    metadata.assert_untouched();
    assert_eq!((minutes_left(made.expires), made.warnings.len()), (14, 0));
    assert_eq!(world.caller_of(&made.token).await, USER);
}

#[tokio::test]
async fn keys_of_the_environment_come_before_the_profile() {
    let mut world = World::new().await;
    world.config("[default]\ncredential_process = false\n");
    assert_eq!(world.user().caller().await, USER);
    // Even an unusable proxy matters only once something is sent.
    assert_eq!(world.set("HTTPS_PROXY", "ftp://x").caller().await, USER);
}

#[tokio::test]
async fn both_files_and_the_selected_profile_are_read() {
    let mut world = World::new().await;
    world.write(".aws/credentials", &format!("[work]\naws_access_key_id={KEY}\naws_secret_access_key={SECRET}\n"));
    world.config("[profile work]\nregion = us-west-2\n");
    assert_eq!(world.set("AWS_PROFILE", "work").unset("AWS_REGION").caller().await, USER);
    assert_eq!(world.standin.calls().last().unwrap().host, "sts.us-west-2.amazonaws.com");

    let moved = world.path("elsewhere");
    std::fs::rename(world.path(".aws/credentials"), &moved).unwrap();
    assert_eq!(world.set("AWS_SHARED_CREDENTIALS_FILE", moved.to_str().unwrap()).caller().await, USER);
}

#[tokio::test]
async fn an_unknown_profile_is_named_with_those_there_are() {
    let mut world = World::new().await;
    world.config("");
    let failed = world.set("AWS_PROFILE", "typo").mint().await.failed();
    assert_eq!(failed.error, "there is no AWS profile `typo`");
    assert!(failed.hint.contains("export AWS_PROFILE=base"), "{}", failed.hint);
}

#[tokio::test]
async fn without_any_credentials_the_hint_says_how_to_get_some() {
    let world = World::new().await;
    let failed = world.mint().await.failed();
    assert!(failed.error.starts_with("found no AWS credentials"), "{}", failed.error);
    assert!(failed.hint.contains("aws configure"), "{}", failed.hint);
    world.config("");
    let failed = world.mint().await.failed();
    assert!(failed.hint.contains("export AWS_PROFILE=base"), "{}", failed.hint);
}

#[tokio::test]
async fn a_broken_file_is_named_with_its_line() {
    let world = World::new().await;
    world.config("[default\n");
    let failed = world.mint().await.failed();
    assert!(failed.causes.concat().contains("line 4"), "{failed:?}");
}

#[tokio::test]
async fn expired_keys_of_the_environment_are_not_used() {
    let mut world = World::new().await;
    let past = (Timestamp::now() - SignedDuration::from_mins(5)).to_string();
    let failed = world.user().set("AWS_CREDENTIAL_EXPIRATION", &past).mint().await.failed();
    assert!(failed.error.starts_with("the credentials from the environment have expired"), "{}", failed.error);
    assert!(failed.hint.contains("unset AWS_ACCESS_KEY_ID"), "{}", failed.hint);
    assert_eq!(world.actions(), [""; 0]);
    let soon = (Timestamp::now() + SignedDuration::from_mins(3)).to_string();
    let made = world.set("AWS_CREDENTIAL_EXPIRATION", &soon).mint().await.made();
    assert_eq!(minutes_left(made.expires), 2);
}

fn guarded() -> Settings {
    let external = Role { external_id: Some("shared".to_owned()), ..role("external") };
    let chained = Role { trust: Trust::Principals(vec![role("external").arn]), ..role("chained") };
    let device = Mfa { serial: "arn:aws:iam::111122223333:mfa/jo".to_owned(), code: "123456".to_owned() };
    let long = Role { max_session_seconds: 7200, ..role("long") };
    let closed = Role { trust: Trust::Principals(Vec::new()), ..role("closed") };
    let mfa = Role { mfa: Some(device), ..role("mfa") };
    Settings { roles: vec![external, chained, long, closed, mfa, role("open")], ..Settings::default() }
}

/// A profile that takes a role.
fn profile(name: &str, role_name: &str, more: &str) -> String {
    format!("[profile {name}]\nrole_arn = {}\n{more}\n", role(role_name).arn)
}

#[tokio::test]
async fn a_role_is_taken_with_session_name_and_external_id() {
    let mut world = World::with(guarded()).await;
    let more = "source_profile = base\nrole_session_name = jo\nexternal_id = ";
    world.config(
        &(profile("right", "external", &format!("{more}shared")) + &profile("wrong", "external", &format!("{more}x"))),
    );
    assert_eq!(world.set("AWS_PROFILE", "right").caller().await, session("external", "jo"));

    let failed = world.set("AWS_PROFILE", "wrong").mint().await.failed();
    assert_eq!(failed.error, format!("`{USER}` may not assume role `{}`", role("external").arn));
    assert!(failed.hint.contains(&format!("--role-arn {}", role("external").arn)), "{}", failed.hint);
}

#[tokio::test]
async fn without_a_session_name_one_is_made() {
    let mut world = World::with(guarded()).await;
    world.config(&profile("one", "open", "source_profile = base"));
    let caller = world.set("AWS_PROFILE", "one").caller().await;
    assert!(caller.starts_with(&session("open", "kube-iam-")), "{caller}");
}

#[tokio::test]
async fn roles_are_chained_by_source_profile() {
    let mut world = World::with(guarded()).await;
    world.config(
        &(profile("first", "external", "source_profile = base\nexternal_id = shared")
            + &profile("second", "chained", "source_profile = first\nrole_session_name = last")),
    );
    assert_eq!(world.set("AWS_PROFILE", "second").caller().await, session("chained", "last"));
    assert_eq!(world.actions(), ["AssumeRole", "AssumeRole", "GetCallerIdentity"]);
}

#[tokio::test]
async fn a_profile_can_name_itself_as_its_source() {
    let mut world = World::with(guarded()).await;
    let keys = format!("aws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\nrole_session_name = ses\n");
    world.config(&(profile("own", "open", &format!("source_profile = own\n{keys}")) + &profile("bare", "open", &keys)));
    for name in ["own", "bare"] {
        assert_eq!(world.set("AWS_PROFILE", name).caller().await, session("open", "ses"), "{name}");
    }
}

#[tokio::test]
async fn credential_source_environment_takes_its_keys() {
    let mut world = World::with(guarded()).await;
    // Keys in the environment win over the profile itself, so this is reached through another profile only.
    world.config(&profile("one", "open", "credential_source = Environment\nrole_session_name = ses"));
    assert_eq!(world.user().set("AWS_PROFILE", "one").caller().await, USER);
    world.unset("AWS_ACCESS_KEY_ID");
    assert!(world.mint().await.failed().error.contains("`credential_source = Environment`"));
}

#[tokio::test]
async fn profiles_that_make_no_sense_are_refused_by_name() {
    let mut world = World::with(guarded()).await;
    world.config(
        &(profile("a", "open", "source_profile = b")
            + &profile("b", "open", "source_profile = a")
            + &profile("both", "open", "source_profile = base\ncredential_source = Environment")
            + &profile("neither", "open", "")
            + &profile("gone", "open", "source_profile = nowhere")
            + &profile("odd", "open", "credential_source = Oracle")
            + &profile("days", "open", "source_profile = base\nduration_seconds = 1d")
            + "[profile login]\nlogin_session = arn:aws:iam::111122223333:user/jo\n"),
    );
    for (name, wanted) in [
        ("a", "does not end: a → b → a"),
        ("both", "both `source_profile` and `credential_source`"),
        ("neither", "neither `source_profile` nor `credential_source`"),
        ("gone", "no AWS profile `nowhere`"),
        ("odd", "`credential_source = Oracle`"),
        ("days", "`duration_seconds = 1d`"),
        ("login", "`login_session` is not supported"),
    ] {
        let failed = world.set("AWS_PROFILE", name).mint().await.failed();
        assert!(failed.error.contains(wanted), "{name}: {}", failed.error);
    }
    assert_eq!(world.actions(), [""; 0]);
}

#[tokio::test]
async fn duration_seconds_reaches_sts() {
    let mut world = World::with(guarded()).await;
    let more = "source_profile = base\nduration_seconds = 7200\n";
    world.config(&(profile("long", "long", more) + &profile("short", "open", more)));
    world.set("AWS_PROFILE", "long").mint().await.made();
    let failed = world.set("AWS_PROFILE", "short").mint().await.failed();
    assert!(failed.causes.concat().contains("MaxSessionDuration"), "{failed:?}");
}

#[tokio::test]
async fn mfa_is_asked_for_in_go_s_words() {
    let mut world = World::with(guarded()).await;
    let device = "source_profile = base\nrole_session_name = ses\nmfa_serial = arn:aws:iam::111122223333:mfa/jo";
    world.config(&profile("mfa", "mfa", device));
    world.set("AWS_PROFILE", "mfa");

    let right = Asked { code: Some("123456".to_owned()), ..Asked::default() };
    let made = world.ask(&right).await.made();
    assert_eq!(made.questions, ["Assume Role MFA token code: "]);
    assert_eq!(world.caller_of(&made.token).await, session("mfa", "ses"));

    let wrong = Asked { code: Some("654321".to_owned()), ..Asked::default() };
    let failed = world.ask(&wrong).await.failed();
    assert!(failed.error.starts_with("AWS did not accept the code"), "{}", failed.error);

    let before = world.actions().len();
    let failed = world.mint().await.failed();
    assert!(failed.error.contains("needs a code of the MFA device `arn:aws:iam::111122223333:mfa/jo`"));
    assert!(failed.hint.contains("in a terminal"), "{}", failed.hint);
    assert_eq!(world.actions().len(), before, "nothing is sent without a code");
}

#[tokio::test]
async fn a_credential_process_is_run() {
    let mut world = World::new().await;
    let output = format!(r#"{{"Version":1,"AccessKeyId":"{KEY}","SecretAccessKey":"{SECRET}"}}"#);
    world.config(&format!(
        "[profile right]\ncredential_process = printf %s '{output}'\n[profile wrong]\ncredential_process = exit 7\n"
    ));
    assert_eq!(world.set("AWS_PROFILE", "right").caller().await, USER);
    let failed = world.set("AWS_PROFILE", "wrong").mint().await.failed();
    assert_eq!(failed.error, "the `credential_process` of AWS profile `wrong` gave no credentials");
    assert!(failed.hint.contains("credential_process --profile wrong"), "{}", failed.hint);
}

#[tokio::test]
async fn what_is_about_to_end_is_fetched_once_more() {
    let mut world = World::new().await;
    let (script, runs) = (world.path("process"), world.path("runs"));
    let prints = |seconds: i64| {
        let ends = Timestamp::now() + SignedDuration::from_secs(seconds);
        let output =
            format!(r#"{{"Version":1,"AccessKeyId":"{KEY}","SecretAccessKey":"{SECRET}","Expiration":"{ends}"}}"#);
        std::fs::write(&script, format!("echo x >> {}\nprintf %s '{output}'\n", runs.display())).unwrap();
    };
    let count = || std::fs::read_to_string(&runs).map_or(0, |text| text.lines().count());
    world.config(&format!("[profile short]\ncredential_process = sh {}\n", script.display()));
    world.set("AWS_PROFILE", "short");

    prints(30);
    let failed = world.mint().await.failed();
    assert!(failed.error.starts_with("the credentials from profile `short` have expired"), "{}", failed.error);
    assert_eq!(count(), 2, "asked once more");
    prints(180);
    assert_eq!(minutes_left(world.mint().await.made().expires), 2);
    assert_eq!(count(), 3, "asked once");
}

#[tokio::test]
async fn the_role_of_the_flag_follows_the_profile() {
    let mut world = World::with(guarded()).await;
    world.config(&profile("first", "external", "source_profile = base\nexternal_id = shared\nrole_session_name = jo"));
    world.set("AWS_PROFILE", "first");
    let forward = Asked { role: Some(role("chained").arn), forward_session_name: true, ..Asked::default() };
    let made = world.ask(&forward).await.made();
    assert_eq!(minutes_left(made.expires), 14);
    assert_eq!(world.caller_of(&made.token).await, session("chained", "jo"));

    let named = Asked { role: Some(role("chained").arn), session_name: Some("mine".to_owned()), ..Asked::default() };
    assert_eq!(world.caller_of(&world.ask(&named).await.made().token).await, session("chained", "mine"));
    world.unset("AWS_PROFILE").user();
    let failed = world.ask(&forward).await.failed();
    assert!(failed.error.contains("has no session name to forward"), "{}", failed.error);
    let closed = Asked { role: Some(role("closed").arn), ..Asked::default() };
    let failed = world.ask(&closed).await.failed();
    assert_eq!(failed.error, format!("`{USER}` may not assume role `{}`", role("closed").arn));
}

#[tokio::test]
async fn keys_that_aws_does_not_know_are_said_so() {
    let mut world = World::with(guarded()).await;
    let asked = Asked { role: Some(role("open").arn), ..Asked::default() };
    let failed = world.user().set("AWS_SECRET_ACCESS_KEY", "wrong").ask(&asked).await.failed();
    assert_eq!(failed.error, format!("AWS does not accept the access key `{KEY}` from the environment"));
    assert!(failed.hint.contains("aws sts get-caller-identity"), "{}", failed.hint);
}
