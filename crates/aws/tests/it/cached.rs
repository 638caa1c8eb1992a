//! `--cache`: the credential file between calls.

use std::os::unix::fs::PermissionsExt as _;

use kube_iam_standin::{Mfa, Role, Settings};

use crate::child::Asked;
use crate::world::{World, mode, role, session};

const FILE: &str = ".kube/cache/aws-iam-authenticator/credentials.yaml";

async fn world() -> World {
    let device = Mfa { serial: "arn:aws:iam::111122223333:mfa/jo".to_owned(), code: "123456".to_owned() };
    let guarded = |name| Role { mfa: Some(device.clone()), ..role(name) };
    let roles = vec![guarded("mfa"), guarded("other"), role("next")];
    let mut world = World::with(Settings { roles, ..Settings::default() }).await;
    world.config(&config("mfa"));
    world.set("AWS_PROFILE", "work");
    world
}

fn config(role_name: &str) -> String {
    format!(
        "[profile work]\nrole_arn = {}\nsource_profile = base\nrole_session_name = ses\n\
         mfa_serial = arn:aws:iam::111122223333:mfa/jo\n",
        role(role_name).arn
    )
}

fn asked() -> Asked {
    Asked { cache: true, code: Some("123456".to_owned()), ..Asked::default() }
}

#[tokio::test]
async fn the_second_call_asks_neither_person_nor_aws() {
    let world = world().await;
    let first = world.ask(&asked()).await.made();
    assert_eq!((first.questions.len(), first.warnings.len()), (1, 0));
    assert_eq!((mode(&world.path(FILE)), mode(world.path(FILE).parent().unwrap())), (0o600, 0o700));
    let second = world.ask(&Asked { code: None, ..asked() }).await.made();
    assert_eq!((second.questions.len(), second.warnings.len()), (0, 0));
    assert_eq!(world.actions(), ["AssumeRole"]);
    assert_eq!(world.caller_of(&second.token).await, session("mfa", "ses"));
    // What is kept is the source: the role of the flag is assumed with it.
    let role_arn = role("next").arn;
    world.ask(&Asked { role: Some(role_arn.clone()), ..asked() }).await.made();
    world.ask(&Asked { role: Some(role_arn), code: None, ..asked() }).await.made();
}

#[tokio::test]
async fn what_was_kept_is_not_used_for_another_caller() {
    let mut world = world().await;
    world.ask(&asked()).await.made();
    world.config(&config("other"));
    let made = world.ask(&asked()).await.made();
    assert_eq!(world.caller_of(&made.token).await, session("other", "ses"), "the profile was changed");
    let made = world.user().ask(&asked()).await.made();
    assert_eq!(world.caller_of(&made.token).await, crate::world::USER, "the environment has keys");
    assert_eq!(made.warnings, ["these credentials don't expire, so they are not cached"]);
}

#[tokio::test]
async fn a_file_that_others_can_read_is_left_alone() {
    let world = world().await;
    world.ask(&asked()).await.made();
    let file = world.path(FILE);
    let before = std::fs::read(&file).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let made = world.ask(&asked()).await.made();
    assert_eq!(made.questions.len(), 1);
    assert!(made.warnings.concat().contains("is not private"), "{:?}", made.warnings);
    assert_eq!((std::fs::read(&file).unwrap(), mode(&file)), (before, 0o644));
}

#[tokio::test]
async fn a_symlink_is_not_followed() {
    let world = world().await;
    let file = world.path(FILE);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    world.write("target", "");
    std::os::unix::fs::symlink(world.path("target"), &file).unwrap();
    let made = world.ask(&asked()).await.made();
    assert!(made.warnings.concat().contains("symlink"), "{:?}", made.warnings);
    assert_eq!(std::fs::read_to_string(world.path("target")).unwrap(), "");
}

#[tokio::test]
async fn the_file_may_be_elsewhere() {
    let mut world = world().await;
    let elsewhere = world.path("elsewhere/cache.yaml");
    world.set("AWS_IAM_AUTHENTICATOR_CACHE_FILE", elsewhere.to_str().unwrap()).ask(&asked()).await.made();
    assert!(std::fs::read_to_string(elsewhere).unwrap().contains("test.example.com"));
    assert!(!world.path(FILE).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_at_once_leave_a_whole_file() {
    let world = world().await;
    world.ask(&asked()).await.made();
    let (asked, variables) = (asked(), world.variables.clone());
    let all = (0..12).map(|_| {
        let (asked, variables) = (asked.clone(), variables.clone());
        tokio::spawn(async move { crate::child::told(&asked, &variables).await.made() })
    });
    for one in all.collect::<Vec<_>>() {
        let made = one.await.unwrap();
        assert_eq!((made.questions.len(), made.warnings), (0, Vec::<String>::new()));
    }
    assert_eq!(world.actions(), ["AssumeRole"]);
}
