use std::borrow::ToOwned;
use std::format;
use std::string::String;
use std::vec::Vec;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::authenticator::Authenticator;
use crate::aws_auth::{Data, Section};

mod properties;

const OURS: Deciding = Deciding::Known(Authenticator::KubeIam);
const EKS: Deciding = Deciding::Known(Authenticator::Eks);

fn document(roles: &str, users: &str, accounts: &str) -> Document {
    let texts = [("mapRoles", roles), ("mapUsers", users), ("mapAccounts", accounts)];
    let data: Data = texts.into_iter().map(|(key, text)| (key.to_owned(), text.to_owned())).collect();
    Document::parse(&data).unwrap()
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn role(name: &str) -> Whom {
    Whom::of_arn(&format!("arn:aws:iam::111122223333:role/{name}")).unwrap()
}

fn create(whom: Whom, username: Option<&str>, groups: &[&str]) -> Change {
    Change::Create(Wanted { whom, username: username.map(ToOwned::to_owned), groups: strings(groups) })
}

fn set(whom: Whom, username: Option<&str>, groups: GroupsChange) -> Change {
    Change::Set { whom, username: username.map(ToOwned::to_owned), groups }
}

fn add(groups: &[&str]) -> GroupsChange {
    GroupsChange::AddRemove { add: strings(groups), remove: Vec::new() }
}

fn remove(groups: &[&str]) -> GroupsChange {
    GroupsChange::AddRemove { add: Vec::new(), remove: strings(groups) }
}

/// The sections after a change, those that are not empty, or the error and its hint.
fn after(document: &Document, change: &Change, deciding: Deciding) -> String {
    match plan(document, change, deciding) {
        Ok(planned) if planned.operations.is_empty() => "unchanged".to_owned(),
        Ok(planned) => {
            let edited = document.edit(&planned.operations).unwrap();
            let mut text: String = edited.changed.iter().map(|(key, text)| format!("{key}:\n{text}")).collect();
            text.extend(
                planned.findings.iter().map(|f| format!("{}: {}: {}\n", f.severity.as_str(), f.rule, f.message)),
            );
            text
        }
        Err(error) => {
            let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
            format!("error: {error}{hint}")
        }
    }
}

#[test]
fn words_that_name_nobody_are_refused_with_a_hint() {
    let mut report = String::new();
    for text in [
        "",
        "dev",
        "arn:aws:iam::111122223333:instance-profile/web",
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:group/admins",
        "arn:aws:iam::111122223333:policy/admins",
        "arn:aws:iam::111122223333:role/*",
        "arn:aws:iam::111122223333:role/{{SessionName}}",
        "arn:aws:iam::1111222233:role/x",
        "arn:aws:iam:::role/x",
        "arn:aws-us-govt:iam::111122223333:role/x",
        "arn:aws:iam::111122223333:role/x ",
        "arn:aws:sts::111122223333:assumed-role/x",
    ] {
        let error = Whom::of_arn(text).unwrap_err();
        let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        report += &format!("{error}{source}\n    {}\n", error.hint().unwrap_or_default());
    }
    for text in ["1111-2222-3333", "12345678901", "1e11", "１２３４５６７８９０１２"] {
        let error = Whom::of_account(text).unwrap_err();
        report += &format!("{error}\n    {}\n", error.hint().unwrap_or_default());
    }
    for error in [
        Whom::of_permission_set("a b", "111122223333", None).unwrap_err(),
        Whom::of_permission_set("Admin", "1", None).unwrap_err(),
        Whom::of_permission_set("Admin", "111122223333", Some("aws-us-govt")).unwrap_err(),
    ] {
        report += &format!("{error}\n    {}\n", error.hint().unwrap_or_default());
    }
    assert_snapshot!(report);
}

#[test]
fn arns_are_written_as_all_authenticators_match_them() {
    let cases = [
        ("arn:aws:iam::111122223333:role/a/b/Dev", Section::MapRoles, "arn:aws:iam::111122223333:role/Dev", true),
        (
            "arn:aws:sts::111122223333:assumed-role/Dev/me",
            Section::MapRoles,
            "arn:aws:iam::111122223333:role/Dev",
            true,
        ),
        ("arn:aws:iam:eu-west-1:111122223333:role/Dev", Section::MapRoles, "arn:aws:iam::111122223333:role/Dev", true),
        ("arn:aws-cn:iam::111122223333:role/Dev", Section::MapRoles, "arn:aws-cn:iam::111122223333:role/Dev", false),
        ("arn:aws:iam::111122223333:user/div/Bob", Section::MapUsers, "arn:aws:iam::111122223333:user/div/Bob", false),
        ("arn:aws:iam:x:111122223333:user/Bob", Section::MapUsers, "arn:aws:iam::111122223333:user/Bob", true),
        (
            "arn:aws:sts::111122223333:federated-user/Bob",
            Section::MapUsers,
            "arn:aws:sts::111122223333:federated-user/Bob",
            false,
        ),
    ];
    for (given, section, written, noted) in cases {
        let whom = Whom::of_arn(given).unwrap();
        assert_eq!(whom.section(), section, "{given}");
        assert_eq!(whom.to_write(), NewPrincipal::Arn(written.to_owned()), "{given}");
        assert_eq!(whom.note().is_some(), noted, "{given}");
        assert_eq!(whom.key().as_str(), written.to_lowercase(), "{given}");
    }
}

#[test]
fn a_new_mapping_goes_to_the_end_of_its_section() {
    let document = document("- {rolearn: 'arn:aws:iam::111122223333:role/a', groups: [a]}\n", "", "- '444455556666'\n");
    assert_snapshot!(after(&document, &create(role("team/b"), None, &["dev"]), EKS), @"
    mapRoles:
    - {rolearn: 'arn:aws:iam::111122223333:role/a', groups: [a]}
    - rolearn: arn:aws:iam::111122223333:role/b
      username: arn:aws:iam::111122223333:role/b
      groups:
        - dev
    note: canonical-arn: `arn:aws:iam::111122223333:role/team/b` is written as `arn:aws:iam::111122223333:role/b`: AWS reports the role of a caller without its path
    ");
    let bob = Whom::of_arn("arn:aws:iam::111122223333:user/div/bob").unwrap();
    assert_snapshot!(after(&document, &create(bob, Some("bob"), &[]), EKS), @"
    mapUsers:
    - userarn: arn:aws:iam::111122223333:user/div/bob
      username: bob
    ");
    let account = Whom::of_account("012345678901").unwrap();
    assert_snapshot!(after(&document, &create(account, None, &[]), EKS), @r#"
    mapAccounts:
    - '444455556666'
    - "012345678901"
    "#);
    let set = Whom::of_permission_set("Admin", "111122223333", None).unwrap();
    assert_snapshot!(after(&document, &create(set.clone(), None, &["ops"]), OURS), @r#"
    mapRoles:
    - {rolearn: 'arn:aws:iam::111122223333:role/a', groups: [a]}
    - sso:
        permissionSetName: Admin
        accountID: "111122223333"
      groups:
        - ops
    "#);
    assert_snapshot!(after(&document, &create(set, None, &["ops"]), Deciding::Unknown), @r#"
    error: a mapping by permission set works only where kube-iam decides; `Admin` must be mapped by its role
    hint: if kube-iam decides here, add `--authenticator kube-iam`; else map the role that `aws iam list-roles --path-prefix /aws-reserved/sso.amazonaws.com/ --query "Roles[?starts_with(RoleName, 'AWSReservedSSO_Admin_')].Arn" --output text` shows in account 111122223333
    "#);
}

#[test]
fn a_principal_is_mapped_once() {
    let document = document(
        "\
- rolearn: arn:aws:iam::111122223333:role/Dev
  username: dev
  groups: [b, a]
- rolearn: arn:aws:iam::111122223333:role/team/Path
  username: path
- rolearn: arn:aws:iam::111122223333:role/half
  username: 5
- rolearn: arn:aws:iam::111122223333:role/bare
  groups: [a]
",
        "- userarn: arn:aws:iam::111122223333:role/lost\n  username: lost\n",
        "[444455556666]",
    );
    let report = |change| after(&document, &change, EKS);
    assert_eq!(report(create(role("Dev"), Some("dev"), &["a", "b"])), "unchanged");
    assert_eq!(report(create(role("dEV"), Some("dev"), &["b", "a"])), "unchanged");
    assert_eq!(report(create(role("bare"), None, &["a"])), "unchanged");
    assert_eq!(report(create(role("lost"), Some("lost"), &[])), "unchanged");
    assert_eq!(report(create(Whom::of_account("444455556666").unwrap(), None, &[])), "unchanged");
    assert_snapshot!(report(create(role("Dev"), None, &["a", "b"])), @"
    error: `arn:aws:iam::111122223333:role/Dev` is already mapped in line 1 of `mapRoles`, with username `dev` and groups `b`, `a`
    hint: to change it, use `kube-iam set mapping`
    ");
    assert_snapshot!(report(create(role("Path"), Some("path"), &[])), @"
    error: `arn:aws:iam::111122223333:role/Path` is already mapped in line 4 of `mapRoles`, in a form that not every authenticator matches
    hint: to change it, use `kube-iam set mapping`
    ");
    assert_eq!(after(&document, &create(role("Path"), Some("path"), &[]), OURS), "unchanged");
    assert_snapshot!(report(create(role("half"), Some("5"), &[])), @"
    error: the row of `arn:aws:iam::111122223333:role/half` in line 6 of `mapRoles` can't be read: `username` must be a text, this is a number (quote it to make it a text)
    hint: `kube-iam check --fix` or `kube-iam edit` mends it
    ");
    assert_snapshot!(report(create(Whom::of_account("444455556666").unwrap(), Some("x"), &[])), @"
    error: a mapping of a whole account has neither username nor groups
    hint: give usernames and groups to the roles and users of the account
    ");
}

#[test]
fn set_changes_what_is_said_and_no_more() {
    let document = document(
        "\
- rolearn: arn:aws:iam::111122223333:role/Dev # ours
  username: dev
  groups:
  - a # first
  - b
  extra: 1
- rolearn: arn:aws:iam::111122223333:role/team/Path
  username: path
",
        "",
        "",
    );
    let report = |change| after(&document, &change, EKS);
    assert_snapshot!(report(set(role("dev"), None, add(&["c", "a"]))), @"
    mapRoles:
    - rolearn: arn:aws:iam::111122223333:role/Dev # ours
      username: dev
      groups:
      - a # first
      - b
      - c
      extra: 1
    - rolearn: arn:aws:iam::111122223333:role/team/Path
      username: path
    ");
    assert_snapshot!(report(set(role("dev"), Some("x"), remove(&["a", "zzz"]))), @"
    mapRoles:
    - rolearn: arn:aws:iam::111122223333:role/Dev # ours
      username: x
      groups:
      - b
      extra: 1
    - rolearn: arn:aws:iam::111122223333:role/team/Path
      username: path
    ");
    assert_snapshot!(report(set(role("dev"), None, GroupsChange::Replace(Vec::new()))), @"
    mapRoles:
    - rolearn: arn:aws:iam::111122223333:role/Dev # ours
      username: dev
      groups: []
      extra: 1
    - rolearn: arn:aws:iam::111122223333:role/team/Path
      username: path
    ");
    assert_eq!(report(set(role("dev"), Some("dev"), GroupsChange::Keep)), "unchanged");
    assert_eq!(report(set(role("dev"), None, remove(&["zzz"]))), "unchanged");
    assert_eq!(report(set(role("dev"), None, GroupsChange::Replace(strings(&["b", "a"])))), "unchanged");
    // A row that matches nobody here is given the form that does.
    assert_snapshot!(report(set(role("Path"), None, add(&["a"]))), @"
    mapRoles:
    - rolearn: arn:aws:iam::111122223333:role/Dev # ours
      username: dev
      groups:
      - a # first
      - b
      extra: 1
    - rolearn: arn:aws:iam::111122223333:role/Path
      username: path
      groups:
        - a
    ");
    assert_eq!(after(&document, &set(role("Path"), Some("path"), GroupsChange::Keep), OURS), "unchanged");
    // Whoever has no mapping gets one, unless something is only taken away.
    assert_snapshot!(report(set(role("new"), None, add(&["a"]))), @"
    mapRoles:
    - rolearn: arn:aws:iam::111122223333:role/Dev # ours
      username: dev
      groups:
      - a # first
      - b
      extra: 1
    - rolearn: arn:aws:iam::111122223333:role/team/Path
      username: path
    - rolearn: arn:aws:iam::111122223333:role/new
      username: arn:aws:iam::111122223333:role/new
      groups:
        - a
    ");
    assert_snapshot!(report(set(role("new"), None, remove(&["a"]))), @"error: there is no mapping of `arn:aws:iam::111122223333:role/new`");
}

#[test]
fn duplicates_stay_alike_or_are_refused() {
    let row = |username: &str| format!("- {{rolearn: 'arn:aws:iam::111122223333:role/Dev', username: {username}}}\n");
    let alike = document(&(row("a") + &row("a")), "", "");
    assert_snapshot!(after(&alike, &set(role("dev"), Some("b"), GroupsChange::Keep), EKS), @"
    mapRoles:
    - {rolearn: 'arn:aws:iam::111122223333:role/Dev', username: b}
    - {rolearn: 'arn:aws:iam::111122223333:role/Dev', username: b}
    ");
    let differing = document(&(row("a") + &row("b")), "", "");
    assert_snapshot!(after(&differing, &set(role("dev"), Some("b"), GroupsChange::Keep), EKS), @"
    error: `arn:aws:iam::111122223333:role/dev` is mapped more than once, and not alike: line 1 of `mapRoles`; line 2 of `mapRoles`
    hint: only the last one counts; take the others out with `kube-iam edit`, or all with `kube-iam delete mapping`
    ");
    assert_snapshot!(after(&differing, &create(role("dev"), Some("b"), &[]), EKS), @"
    error: `arn:aws:iam::111122223333:role/dev` is already mapped in line 1 of `mapRoles`, with username `a` and no groups
    hint: to change it, use `kube-iam set mapping`
    ");
}

#[test]
fn words_are_judged_before_they_are_written() {
    let document = document(
        "- {rolearn: 'arn:aws:iam::111122223333:role/node', username: 'system:node:{{EC2PrivateDNSName}}', groups: ['a b']}\n",
        "",
        "",
    );
    let report = |change| after(&document, &change, EKS);
    let node = "system:node:{{EC2PrivateDNSName}}";
    assert!(!report(create(role("n"), Some(node), &["system:nodes", "system:bootstrappers"])).contains("reserved"));
    let mut text = String::new();
    for (username, groups) in [
        (node, &["dev"] as &[_]),
        ("system:admin", &[]),
        ("", &[]),
        (" dev", &[]),
        ("a\nb", &["a\tb"]),
        ("dev:{{sessionName}}", &["{{Nope}}", "{{SessionName}}"]),
        ("dev", &["a b", "a,b", "", "system:bootstrappers - system:nodes"]),
    ] {
        text += &format!("{}\n", report(create(role("x"), Some(username), groups)));
    }
    assert_snapshot!(text);
    // What is there already is nobody's fault now.
    assert!(!report(set(role("node"), None, add(&["c"]))).contains("block"));
}

#[test]
fn delete_takes_every_row_of_the_principal() {
    let document = document(
        "\
- rolearn: arn:aws:iam::111122223333:role/Dev
  username: dev
- rolearn: ' arn:aws:iam::111122223333:role/Dev'
  username: odd
- rolearn: arn:aws:iam::111122223333:role/team/dev
  username: path
- rolearn: arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_0123456789abcdef
  username: ops
- sso: {permissionSetName: Ops, accountID: '111122223333'}
  username: ops
",
        "- {userarn: 'arn:aws:iam::111122223333:user/Bob', username: dev}\n",
        "- '444455556666'\n- 444455556666\n- '012345678901'\n",
    );
    let indices = |selector: &Selector| match plan(&document, &Change::Delete(selector.clone()), EKS) {
        Ok(planned) => planned
            .operations
            .iter()
            .map(|operation| match operation {
                Operation::Remove { section, index } => format!("{section} {index}"),
                other => panic!("{other:?}"),
            })
            .collect::<Vec<_>>()
            .join(", "),
        Err(error) => format!("{error} ({})", error.hint().unwrap_or_default()),
    };
    let arn = |text: &str| indices(&Selector::Arn(text.to_owned()));
    assert_eq!(arn("arn:aws:iam::111122223333:role/x/dev"), "mapRoles 0, mapRoles 2");
    assert_eq!(arn("arn:aws:sts::111122223333:assumed-role/Dev/me"), "mapRoles 0, mapRoles 2");
    assert_eq!(arn(" arn:aws:iam::111122223333:role/Dev"), "mapRoles 1");
    assert_eq!(
        arn("arn:aws:iam::111122223333:role/Devs"),
        "there is no mapping of `arn:aws:iam::111122223333:role/Devs` (did you mean `arn:aws:iam::111122223333:role/Dev`?)"
    );
    assert_eq!(indices(&Selector::Username("dev".to_owned())), "mapRoles 0, mapUsers 0");
    assert_eq!(
        indices(&Selector::Username("devx".to_owned())),
        "there is no mapping of username `devx` (did you mean `dev`?)"
    );
    let whom = |whom| indices(&Selector::Whom(whom));
    assert_eq!(whom(Whom::of_account("444455556666").unwrap()), "mapAccounts 0, mapAccounts 1");
    assert_eq!(whom(Whom::of_permission_set("Ops", "111122223333", None).unwrap()), "mapRoles 3, mapRoles 4");
    assert_eq!(
        whom(Whom::of_permission_set("Op", "111122223333", None).unwrap()),
        "there is no mapping of permission set `Op` in account 111122223333 ()"
    );
}
