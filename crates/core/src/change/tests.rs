use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::format;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::aws_auth::Data;

const GO: Deciding = Deciding::Known(Authenticator::AwsIamAuthenticator);

fn document(roles: &str) -> Document {
    let users = "- userarn: arn:aws:iam::111122223333:user/team/ann\n  username: ann\n";
    let data = [("mapRoles", roles), ("mapUsers", users), ("mapAccounts", "- \"111122223333\"\n")];
    Document::parse(&data.map(|(key, text)| (key.to_owned(), text.to_owned())).into()).unwrap()
}

fn arn(text: &str) -> Subject {
    Subject::of_arn(text).unwrap().value
}

fn create(subject: &str, username: Option<&str>, groups: &[&str]) -> Change {
    let groups = groups.iter().map(ToString::to_string).collect();
    Change::Create { subject: arn(subject), username: username.map(ToOwned::to_owned), groups }
}

fn outcome(roles: &str, change: &Change) -> String {
    let document = document(roles);
    match plan(&document, change, GO) {
        Ok(plan) => {
            let edited = document.edit(&plan.operations).unwrap();
            let texts: Vec<_> = edited.changed.values().cloned().collect();
            format!("{} {}\n{}", plan.subjects.join(", "), plan.outcome.as_str(), texts.join("\n"))
        }
        Err(error) => format!("{error}\n  {}", error.hint().unwrap_or_default()),
    }
}

const ROLES: &str = "\
- rolearn: arn:aws:iam::111122223333:role/Dev
  username: dev
  groups: [view, edit]
- rolearn: nonsense
  username: x
- rolearn: arn:aws:iam::111122223333:role/a/twice
- rolearn: arn:aws:sts::111122223333:assumed-role/twice/me
";

#[test]
fn nobody_is_mapped_twice_however_he_is_spelt() {
    let dev = "arn:aws:iam::111122223333:role/dev";
    let results = [
        outcome(ROLES, &create(dev, Some("dev"), &["edit", "view"])),
        outcome(ROLES, &create(dev, Some("other"), &["edit", "view"])),
        outcome(ROLES, &create("arn:aws:iam::111122223333:role/some/path/DEV", Some("dev"), &["view"])),
        outcome(ROLES, &create("arn:aws:iam::444455556666:role/dev", Some("dev"), &["view"])),
        outcome(ROLES, &create("arn:aws:iam::111122223333:user/ann", None, &["view"])),
        outcome("", &create("arn:aws:sts::111122223333:assumed-role/ops/session", None, &["view"])),
        outcome(
            ROLES,
            &Change::Create {
                subject: Subject::Account("111122223333".parse().unwrap()),
                username: None,
                groups: Vec::new(),
            },
        ),
        outcome(
            ROLES,
            &Change::Create {
                subject: Subject::Account("444455556666".parse().unwrap()),
                username: None,
                groups: Vec::new(),
            },
        ),
    ];
    assert_snapshot!(results.join("\n---\n"), @r#"
    arn:aws:iam::111122223333:role/dev unchanged

    ---
    `arn:aws:iam::111122223333:role/dev` is mapped already, in `mapRoles`, line 1, column 3
      change it with `kube-iam set mapping`
    ---
    `arn:aws:iam::111122223333:role/DEV` is mapped already, in `mapRoles`, line 1, column 3
      change it with `kube-iam set mapping`
    ---
    arn:aws:iam::444455556666:role/dev created
    - rolearn: arn:aws:iam::111122223333:role/Dev
      username: dev
      groups: [view, edit]
    - rolearn: nonsense
      username: x
    - rolearn: arn:aws:iam::111122223333:role/a/twice
    - rolearn: arn:aws:sts::111122223333:assumed-role/twice/me
    - rolearn: arn:aws:iam::444455556666:role/dev
      username: dev
      groups:
        - view

    ---
    arn:aws:iam::111122223333:user/ann created
    - userarn: arn:aws:iam::111122223333:user/team/ann
      username: ann
    - userarn: arn:aws:iam::111122223333:user/ann
      username: arn:aws:iam::111122223333:user/ann
      groups:
        - view

    ---
    arn:aws:iam::111122223333:role/ops created
    - rolearn: arn:aws:iam::111122223333:role/ops
      username: arn:aws:iam::111122223333:role/ops
      groups:
        - view

    ---
    111122223333 unchanged

    ---
    444455556666 created
    - "111122223333"
    - "444455556666"
    "#);
}

#[test]
fn rows_are_changed_and_what_is_as_wanted_stays() {
    let set = |subject: &str, username: Option<&str>, groups: Groups| {
        outcome(ROLES, &Change::Set { subject: arn(subject), username: username.map(ToOwned::to_owned), groups })
    };
    let adjust = |add: &[&str], remove: &[&str]| Groups::Adjust {
        add: add.iter().map(ToString::to_string).collect(),
        remove: remove.iter().map(ToString::to_string).collect(),
    };
    let dev = "arn:aws:iam::111122223333:role/dev";
    let results = [
        set(dev, None, adjust(&["ops"], &["view", "none"])),
        set(dev, Some("dev"), adjust(&["edit"], &["none"])),
        set(dev, Some("new"), Groups::Replace(Vec::new())),
        set("arn:aws:iam::111122223333:role/twice", Some("x"), adjust(&[], &[])),
        set("arn:aws:iam::111122223333:user/bob", Some("bob"), adjust(&["ops"], &[])),
    ];
    assert_snapshot!(results.join("\n---\n"), @"
    arn:aws:iam::111122223333:role/dev configured
    - rolearn: arn:aws:iam::111122223333:role/Dev
      username: dev
      groups: [edit, ops]
    - rolearn: nonsense
      username: x
    - rolearn: arn:aws:iam::111122223333:role/a/twice
    - rolearn: arn:aws:sts::111122223333:assumed-role/twice/me

    ---
    arn:aws:iam::111122223333:role/dev unchanged

    ---
    arn:aws:iam::111122223333:role/dev configured
    - rolearn: arn:aws:iam::111122223333:role/Dev
      username: new
      groups: []
    - rolearn: nonsense
      username: x
    - rolearn: arn:aws:iam::111122223333:role/a/twice
    - rolearn: arn:aws:sts::111122223333:assumed-role/twice/me

    ---
    `arn:aws:iam::111122223333:role/twice` is mapped twice, in `mapRoles`, line 6, column 3, and in `mapRoles`, line 7, column 3
      take out what is too much with `kube-iam delete mapping` or `kube-iam edit`
    ---
    arn:aws:iam::111122223333:user/bob created
    - userarn: arn:aws:iam::111122223333:user/team/ann
      username: ann
    - userarn: arn:aws:iam::111122223333:user/bob
      username: bob
      groups:
        - ops
    ");
}

#[test]
fn every_row_of_somebody_is_taken_out() {
    let delete = |selector| outcome(ROLES, &Change::Delete(selector));
    let results = [
        delete(Selector::Arn("arn:aws:iam::111122223333:role/Twice".into())),
        delete(Selector::Arn("nonsense".into())),
        delete(Selector::Arn("arn:aws:iam::111122223333:role/def".into())),
        delete(Selector::Username("ann".into())),
        delete(Selector::Username("nobody".into())),
        delete(Selector::Subject(Subject::Account("111122223333".parse().unwrap()))),
    ];
    assert_snapshot!(results.join("\n---\n"), @"
    arn:aws:iam::111122223333:role/a/twice, arn:aws:sts::111122223333:assumed-role/twice/me deleted
    - rolearn: arn:aws:iam::111122223333:role/Dev
      username: dev
      groups: [view, edit]
    - rolearn: nonsense
      username: x

    ---
    nonsense deleted
    - rolearn: arn:aws:iam::111122223333:role/Dev
      username: dev
      groups: [view, edit]
    - rolearn: arn:aws:iam::111122223333:role/a/twice
    - rolearn: arn:aws:sts::111122223333:assumed-role/twice/me

    ---
    `arn:aws:iam::111122223333:role/def` has no mapping
      there is one for `arn:aws:iam::111122223333:role/Dev`
    ---
    arn:aws:iam::111122223333:user/team/ann deleted
    []

    ---
    username `nobody` has no mapping
      see all with `kube-iam get mappings`
    ---
    111122223333 deleted
    []
    ");
}

#[test]
fn words_that_cannot_be_meant_are_refused() {
    let mut refused = Vec::new();
    for text in [
        "",
        "arn:aws:iam::111122223333:instance-profile/x",
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::11112222333:role/x",
        "arn:aws:iam::111122223333:group/x",
    ] {
        let error = Subject::of_arn(text).unwrap_err();
        refused.push(format!("{error}\n  {}", error.hint().unwrap_or_default()));
    }
    for text in ["", " a", "a\n", "system:admin", "{{Nobody}}", "{{EC2PrivateDNSName}"] {
        refused.push(username(text).unwrap_err().to_string());
    }
    for text in ["", "a b", "a,b", "system:bootstrappers - system:nodes", "{{x"] {
        refused.push(group(text).unwrap_err().to_string());
    }
    assert_snapshot!(refused.join("\n"), @"
    `` is no ARN of a role or user: an ARN starts with `arn:`
      an ARN reads `arn:aws:iam::111122223333:role/name`
    `arn:aws:iam::111122223333:instance-profile/x` is no ARN of a role or user: an instance profile is not a principal; use the ARN of the role inside it
      name the role in the instance profile; `aws iam get-instance-profile` shows it
    `arn:aws:iam::111122223333:root` is neither a role nor a user
      map a role or a user, or a whole account with `--account`
    `arn:aws:iam::11112222333:role/x` is no ARN of a role or user: `11112222333` is not a twelve-digit account ID
      an ARN reads `arn:aws:iam::111122223333:role/name`
    `arn:aws:iam::111122223333:group/x` is no ARN of a role or user: `group` is not a principal; a user, role, assumed role, federated user or root is needed
      an ARN reads `arn:aws:iam::111122223333:role/name`
    `` can't be a username: it is empty
    ` a` can't be a username: it begins or ends with a blank
    `a
    ` can't be a username: it begins or ends with a blank
    `system:admin` can't be a username: names that begin with `system:` belong to Kubernetes
    `{{Nobody}}` can't be a username: it holds a placeholder that no authenticator knows
    `{{EC2PrivateDNSName}` can't be a username: it holds a placeholder that no authenticator knows
    `` can't be a group: it is empty
    `a b` can't be a group: it contains blanks
    `a,b` can't be a group: it contains a comma; repeat `--group` for each one
    `system:bootstrappers - system:nodes` can't be a group: it contains blanks
    `{{x` can't be a group: it holds a placeholder that no authenticator knows
    ");
    for text in ["system:node:{{EC2PrivateDNSName}}", "dev:{{SessionName}}", "ann@example.com"] {
        assert_eq!(username(text).as_deref(), Ok(text));
    }
}

#[test]
fn permission_sets_are_written_only_where_kube_iam_decides() {
    let set = crate::aws_auth::SsoPermissionSet {
        partition: "aws".parse().unwrap(),
        account: "111122223333".parse().unwrap(),
        name: "Admins".into(),
    };
    let change = Change::Create { subject: Subject::Sso(set), username: None, groups: Vec::from(["x".into()]) };
    for deciding in [GO, Deciding::Unknown, Deciding::Known(Authenticator::Eks)] {
        assert_eq!(plan(&document(""), &change, deciding), Err(ChangeError::OnlyKubeIam(deciding)));
    }
    let ours = Deciding::Known(Authenticator::KubeIam);
    let plan_of = plan(&document(""), &change, ours).unwrap();
    let after = document("").edit(&plan_of.operations).unwrap();
    let data = Data::from([("mapRoles".into(), after.changed["mapRoles"].clone())]);
    let again = plan(&Document::parse(&data).unwrap(), &change, ours).unwrap();
    assert_eq!(again.outcome, Outcome::Unchanged);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn created_twice_is_created_once_and_deleting_it_restores_every_byte(
        names in proptest::collection::vec("[a-d]{1,2}", 1..5),
        name in "[a-z]{1,3}",
        groups in proptest::collection::vec("[a-c]", 0..3),
    ) {
        let row = |name: &String| format!("- rolearn: arn:aws:iam::111122223333:role/{name} # c\n  groups: [{name}]\n");
        let roles: String = names.iter().map(row).collect();
        let before = document(&roles);
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let change = create(&format!("arn:aws:iam::111122223333:role/{name}"), None, &groups);
        if let Ok(first) = plan(&before, &change, GO) {
            let after = before.edit(&first.operations).unwrap();
            prop_assert_eq!(plan(&after.document, &change, GO).unwrap().outcome, Outcome::Unchanged);
            let gone = Change::Delete(Selector::Arn(format!("arn:aws:iam::111122223333:role/{name}")));
            let operations = plan(&after.document, &gone, GO).unwrap().operations;
            let restored = after.document.edit(&operations).unwrap();
            prop_assert_eq!(&restored.changed["mapRoles"], &roles);
        }
    }
}
