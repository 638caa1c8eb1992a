use std::format;
use std::string::{String, ToString as _};
use std::vec::Vec;

use super::*;
use crate::aws_auth::{Section, read_section};
use crate::mapping::RolePaths;
use crate::testing::identity;

fn snapshot(backend: Backend, roles: &str, users: &str, accounts: &str) -> Snapshot {
    let texts = [(Section::MapRoles, roles), (Section::MapUsers, users), (Section::MapAccounts, accounts)];
    let rows: Vec<_> = texts.iter().map(|(section, text)| read_section(*section, text).unwrap()).collect();
    assert!(rows.iter().all(|rows| rows.problems.is_empty()), "{rows:?}");
    Snapshot::new(backend, &rows, RolePaths::Match)
}

/// The username pattern that a caller resolves to, `account` or `none`.
fn username(snapshots: &[Snapshot], arn: &str) -> String {
    match resolve(snapshots, &identity(arn, "session")) {
        Resolution::Mapped { mapping, .. } => mapping.username.as_ref().unwrap().to_string(),
        Resolution::AccountAllowed { .. } => "account".into(),
        Resolution::NotMapped => "none".into(),
    }
}

fn row(arn: &str, username: &str) -> String {
    format!("- {{rolearn: '{arn}', username: {username}}}\n")
}

const CALLER: &str = "arn:aws:sts::111122223333:assumed-role/x/session";

#[test]
fn paths_and_sessions_in_rows_match_the_caller() {
    for arn in [
        "arn:aws:iam::111122223333:role/a/b/x",
        "arn:aws:iam::111122223333:role/x",
        "arn:aws:iam::111122223333:role/X",
        "arn:aws:sts::111122223333:assumed-role/x/other",
    ] {
        let snapshot = snapshot(Backend::EksConfigMap, &row(arn, "me"), "", "");
        assert_eq!(username(&[snapshot], CALLER), "me", "{arn}");
    }
}

#[test]
fn paths_match_nobody_when_go_is_imitated() {
    let rows = read_section(Section::MapRoles, &row("arn:aws:iam::111122223333:role/a/x", "me")).unwrap();
    let snapshot = Snapshot::new(Backend::EksConfigMap, [&rows], RolePaths::Go);
    assert_eq!(username(&[snapshot], CALLER), "none");
}

#[test]
fn users_keep_their_path() {
    let users = "- {userarn: 'arn:aws:iam::111122223333:user/a/bob', username: bob}\n";
    let snapshots = [snapshot(Backend::EksConfigMap, "", users, "")];
    assert_eq!(username(&snapshots, "arn:aws:iam::111122223333:user/a/bob"), "bob");
    assert_eq!(username(&snapshots, "arn:aws:iam::111122223333:user/bob"), "none");
}

#[test]
fn account_partition_and_kind_separate_principals() {
    let rows = row("arn:aws:iam::111122223333:role/x", "me");
    let snapshots = [snapshot(Backend::EksConfigMap, &rows, "", "")];
    for stranger in [
        "arn:aws:sts::444455556666:assumed-role/x/session",
        "arn:aws-cn:sts::111122223333:assumed-role/x/session",
        "arn:aws:iam::111122223333:user/x",
        "arn:aws:sts::111122223333:federated-user/x",
    ] {
        assert_eq!(username(&snapshots, stranger), "none", "{stranger}");
    }
}

#[test]
fn the_last_of_two_rows_wins_and_both_are_named() {
    let rows = row("arn:aws:iam::111122223333:role/x", "first") + &row("arn:aws:iam::111122223333:role/team/X", "last");
    let snapshot = snapshot(Backend::EksConfigMap, &rows, "", "");
    let [shadowed] = snapshot.shadowed() else { panic!("{:?}", snapshot.shadowed()) };
    assert_eq!((shadowed.hidden.1.line, shadowed.by.1.line), (1, 2));
    let answers: Vec<_> = (0..10_000).map(|_| username(std::slice::from_ref(&snapshot), CALLER)).collect();
    assert!(answers.iter().all(|answer| answer == "last"));
}

#[test]
fn exact_comes_before_permission_set_and_that_before_account() {
    let role = "AWSReservedSSO_Admin_0123456789abcdef";
    let caller = format!("arn:aws:sts::111122223333:assumed-role/{role}/bob");
    let exact = row(&format!("arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/{role}"), "exact");
    let set = "- {sso: {permissionSetName: Admin, accountID: '111122223333'}, username: set}\n";
    let account = "- '111122223333'\n";
    let of = |roles: &str, accounts: &str| username(&[snapshot(Backend::EksConfigMap, roles, "", accounts)], &caller);
    assert_eq!(of(&(exact.clone() + set), account), "exact");
    assert_eq!(of(set, account), "set");
    assert_eq!(of("", account), "account");
}

#[test]
fn permission_sets_match_their_suffix_exactly() {
    for partition in ["aws", "aws-us-gov", "aws-cn"] {
        let rows = format!(
            "- {{sso: {{permissionSetName: Foo, accountID: '111122223333', partition: {partition}}}, username: foo}}\n"
        );
        let snapshots = [snapshot(Backend::EksConfigMap, &rows, "", "")];
        let of = |account: &str, role: &str| {
            username(&snapshots, &format!("arn:{partition}:sts::{account}:assumed-role/{role}/bob"))
        };
        assert_eq!(of("111122223333", "AWSReservedSSO_Foo_0123456789abcdef"), "foo");
        assert_eq!(of("111122223333", "AWSReservedSSO_Foo_fedcba9876543210"), "foo");
        for (account, role) in [
            ("444455556666", "AWSReservedSSO_Foo_0123456789abcdef"),
            ("111122223333", "AWSReservedSSO_Foo_Bar_0123456789abcdef"),
            ("111122223333", "AWSReservedSSO_Foo_0123456789ABCDEF"),
            ("111122223333", "AWSReservedSSO_Foo_0123456789abcde"),
            ("111122223333", "AWSReservedSSO_Foo_0123456789abcdef0"),
            ("111122223333", "AWSReservedSSO_Foo_"),
            ("111122223333", "AWSReservedSSO_Foo"),
            ("111122223333", "Foo"),
        ] {
            assert_eq!(of(account, role), "none", "{partition} {account} {role}");
        }
    }
}

#[test]
fn the_first_backend_that_answers_wins() {
    let arn = "arn:aws:iam::111122223333:role/x";
    let glass = snapshot(Backend::BreakGlass, &row(arn, "glass"), "", "");
    let file = snapshot(Backend::MountedFile, "", "", "- '111122223333'\n");
    let cluster = snapshot(Backend::EksConfigMap, &row(arn, "cluster"), "", "");
    assert_eq!(username(&[glass.clone(), file.clone(), cluster.clone()], CALLER), "glass");
    assert_eq!(username(&[file.clone(), cluster.clone()], CALLER), "account");
    assert_eq!(username(&[cluster, file], CALLER), "cluster");
}

#[test]
fn no_characters_are_wildcards() {
    let snapshots = [snapshot(Backend::EksConfigMap, &row("arn:aws:iam::111122223333:role/*", "all"), "", "")];
    assert_eq!(username(&snapshots, CALLER), "none");
}
