use std::borrow::ToOwned;
use std::format;
use std::string::String;
use std::vec::Vec;

use insta::assert_snapshot;

use super::*;
use crate::authenticator::{Authenticator, Deciding};
use crate::aws_auth::{Data, Document};
use crate::owners::{OwnerName, Owners};

mod properties;

const EKS: Deciding = Deciding::Known(Authenticator::Eks);
const OURS: Deciding = Deciding::Known(Authenticator::KubeIam);

fn document(roles: &str, users: &str, accounts: &str) -> Document {
    let texts = [("mapRoles", roles), ("mapUsers", users), ("mapAccounts", accounts)];
    let data: Data = texts.into_iter().map(|(key, text)| (key.to_owned(), text.to_owned())).collect();
    Document::parse(&data).unwrap()
}

/// A role with a username and one group.
fn role(name: &str, group: &str) -> String {
    format!("- {{arn: 'arn:aws:iam::111122223333:role/{name}', username: {name}, groups: [{group}]}}\n")
}

fn row(name: &str, group: &str) -> String {
    role(name, group).replace("arn: ", "rolearn: ")
}

fn desired(rows: &[String]) -> Desired {
    let rows = if rows.is_empty() { "[]".to_owned() } else { format!("\n{}", rows.concat()) };
    Desired::parse(&format!("mappings: {rows}")).unwrap()
}

fn name(text: &str) -> OwnerName {
    text.parse().unwrap()
}

fn by(owner: &str) -> Options {
    Options { owner: Some(name(owner)), deciding: EKS, ..Options::default() }
}

fn nobody() -> Options {
    Options { deciding: EKS, ..Options::default() }
}

/// The document and record after an apply.
fn apply(document: &Document, owners: &Owners, desired: &Desired, options: &Options) -> (Document, Owners) {
    let plan = plan_desired(document, owners, desired, options).unwrap_or_else(|error| panic!("{error}"));
    let edited = document.edit(&plan.planned.operations).unwrap().document;
    let owners = plan.owners_in(&edited);
    (edited, owners)
}

fn roles_of(document: &Document) -> String {
    document.list(crate::aws_auth::Section::MapRoles).map(|list| list.text().to_owned()).unwrap_or_default()
}

/// What is said, or the error and its hint.
fn said(document: &Document, owners: &Owners, desired: &Desired, options: &Options) -> String {
    match plan_desired(document, owners, desired, options) {
        Ok(plan) => {
            let line = |finding: &crate::finding::Finding| {
                format!("{} {}: {}", finding.severity.as_str(), finding.rule, finding.message)
            };
            let lines: Vec<_> = plan.planned.findings.iter().map(line).collect();
            format!("{} operations\n{}", plan.planned.operations.len(), lines.join("\n"))
        }
        Err(error) => format!("error: {error}\nhint: {}", error.hint().unwrap_or_default()),
    }
}

#[test]
fn a_file_names_mappings_of_all_kinds() {
    let text = "\
apiVersion: kube-iam.dev/v1alpha1
kind: MappingList
mappings:
  - arn: arn:aws:iam::111122223333:role/team/dev
    username: dev:{{SessionName}}
    groups: [dev, 007]
  - sso: {permissionSetName: Admin, accountID: 111122223333}
  - account: 012345678901
";
    let read = Desired::parse(text).unwrap();
    let whom: Vec<_> = read.mappings().iter().map(|mapping| format!("{}", mapping.wanted.whom)).collect();
    assert_eq!(
        whom,
        [
            "`arn:aws:iam::111122223333:role/dev`",
            "permission set `Admin` in account 111122223333",
            "account 012345678901"
        ]
    );
    assert_eq!(read.mappings()[0].wanted.groups, ["dev", "007"]);
    let json = r#"{"mappings": [{"arn": "arn:aws:iam::111122223333:user/Bob", "groups": []}]}"#;
    assert_eq!(Desired::parse(json).unwrap().mappings().len(), 1);
    assert_eq!(Desired::parse("mappings: []").unwrap().mappings().len(), 0);
}

#[test]
fn every_problem_of_a_file_is_told_with_its_place() {
    let mut report = String::new();
    for text in [
        "",
        "# nothing\n",
        "mappings:\n",
        "- arn: x\n",
        "a: [\n",
        "mappings: []\n---\nmappings: []\n",
        "kind: ConfigMap\ndata: {}\n",
        "apiVersion: v1\nmapping: []\n",
        "\
mappings:
  - arn: arn:aws:iam::111122223333:role/dev
    usernam: dev
    groups: dev
  - rolearn: arn:aws:iam::111122223333:role/x
  - arn: arn:aws:iam::111122223333:instance-profile/x
    groups: [[a]]
    username: {a: b}
  - account: 11112222333
  - account: '111122223333'
    groups: [a]
    arn: arn:aws:iam::111122223333:role/x
  - account: '111122223333'
    username: x
  - sso: {permissionsetname: Admin, accountID: '1'}
  - sso: {permissionSetName: Admin, accountID: '1'}
  - arn: arn:aws:iam::111122223333:role/team/DEV
    groups: []
    groups: []
  - text
",
    ] {
        report += &format!("{text:?}\n");
        for problem in Desired::parse(text).unwrap_err() {
            let hint = problem.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            report += &format!("    {}: {}{hint}\n", problem.mark, problem.text);
        }
    }
    assert_snapshot!(report);
}

#[test]
fn aliases_make_no_file_larger_than_it_may_be() {
    let group = format!("&g {}", "g".repeat(1_000));
    let file = |count: usize| {
        let rows = (0..count).map(|index| role(&format!("r{index}"), "*g"));
        format!("mappings:\n{}{}", role("first", &group), rows.collect::<String>())
    };
    assert!(Desired::parse(&file(3_000)).is_ok());
    let problems = Desired::parse(&file(4_300)).unwrap_err();
    assert_eq!(problems[0].text, "with its aliases written out the file is larger than 4 MiB");
}

#[test]
fn permission_sets_become_todays_roles() {
    let read = |text: &str| Desired::parse(text).unwrap();
    let text = "mappings:\n- sso: {permissionSetName: Admin, accountID: '111122223333'}\n  groups: [ops]\n";
    let empty = document("", "", "");
    assert_snapshot!(said(&empty, &Owners::default(), &read(text), &nobody()), @r#"
    error: mappings by permission set work only where kube-iam decides; `Admin` in account 111122223333 must be mapped by role
    hint: map the role that `aws iam list-roles --path-prefix /aws-reserved/sso.amazonaws.com/ --query "Roles[?starts_with(RoleName, 'AWSReservedSSO_Admin_')].Arn" --output text` shows in account 111122223333; `kube-iam apply --override only-kube-iam-matches` writes it as it is
    "#);
    assert_snapshot!(said(&empty, &Owners::default(), &read(text), &Options { deciding: OURS, ..nobody() }), @"1 operations");
    let role = |_: &SsoPermissionSet| {
        "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef"
            .parse()
            .ok()
    };
    let with_roles = read(text).with_roles(role).unwrap();
    let (after, _) = apply(&empty, &Owners::default(), &with_roles, &nobody());
    assert_snapshot!(roles_of(&after), @"
    - rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef
      username: arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef
      groups:
        - ops
    ");
    let twice = format!("{text}- arn: arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef\n");
    let problems = read(&twice).with_roles(role).unwrap_err();
    assert_eq!(problems[0].mark.line, 4);
}

#[test]
fn owners_keep_to_their_own_rows() {
    let start = document(&(row("stock", "nodes") + "# note\n" + &row("same", "a")), "", "");
    let file = desired(&[role("same", "a"), role("mine", "a")]);
    let (first, owners) = apply(&start, &Owners::default(), &file, &by("a"));
    assert_snapshot!(roles_of(&first), @"
    - {rolearn: 'arn:aws:iam::111122223333:role/stock', username: stock, groups: [nodes]}
    # note
    - {rolearn: 'arn:aws:iam::111122223333:role/same', username: same, groups: [a]}
    - rolearn: arn:aws:iam::111122223333:role/mine
      username: mine
      groups:
        - a
    ");
    // The same again is no change, neither of rows nor of owners.
    assert_eq!(plan_desired(&first, &owners, &file, &by("a")).unwrap().planned, Default::default());
    assert_eq!(apply(&first, &owners, &file, &by("a")).1, owners);
    // Another's rows and nobody's are not changed.
    let other = desired(&[role("mine", "b"), role("stock", "b"), role("same", "a")]);
    assert_snapshot!(said(&first, &owners, &other, &by("b")), @"
    error: `arn:aws:iam::111122223333:role/mine` in line 4 of `mapRoles` is kept by `a`; `arn:aws:iam::111122223333:role/stock` in line 1 of `mapRoles` is kept by nobody and is not as wanted
    hint: `--owner NAME --take-ownership` makes such rows NAME's, and as the file wants them
    ");
    assert_snapshot!(said(&first, &owners, &other, &nobody()), @"
    error: `arn:aws:iam::111122223333:role/mine` in line 4 of `mapRoles` is kept by `a`
    hint: `--owner NAME --take-ownership` makes such rows NAME's, and as the file wants them
    ");
    // Taken over, they are changed and change hands.
    let take = Options { take_ownership: true, ..by("b") };
    let (taken, owners_after) = apply(&first, &owners, &other, &take);
    assert_snapshot!(roles_of(&taken), @"
    - {rolearn: 'arn:aws:iam::111122223333:role/stock', username: stock, groups: [b]}
    # note
    - {rolearn: 'arn:aws:iam::111122223333:role/same', username: same, groups: [a]}
    - rolearn: arn:aws:iam::111122223333:role/mine
      username: mine
      groups:
        - b
    ");
    assert_snapshot!(said(&taken, &owners_after, &file, &by("a")), @"
    error: `arn:aws:iam::111122223333:role/mine` in line 4 of `mapRoles` is kept by `b`
    hint: `--owner NAME --take-ownership` makes such rows NAME's, and as the file wants them
    ");
}

#[test]
fn pruning_takes_only_what_is_ones_own() {
    let start = document(&(row("stock", "nodes") + &row("odd", "[x]")), "", "");
    let (document, owners) = apply(&start, &Owners::default(), &desired(&[role("x", "a"), role("y", "a")]), &by("a"));
    let (document, owners) = apply(&document, &owners, &desired(&[role("y", "a"), role("z", "b")]), &by("b"));
    let none = desired(&[]);
    assert_snapshot!(said(&document, &owners, &none, &by("a")), @"
    0 operations
    note no-longer-wanted: 2 rows are kept by `a` and not in the file
    ");
    let (pruned, left) = apply(&document, &owners, &none, &Options { prune: true, ..by("a") });
    assert_snapshot!(roles_of(&pruned), @"
    - {rolearn: 'arn:aws:iam::111122223333:role/stock', username: stock, groups: [nodes]}
    - {rolearn: 'arn:aws:iam::111122223333:role/odd', username: odd, groups: [[x]]}
    - rolearn: arn:aws:iam::111122223333:role/y
      username: 'y'
      groups:
        - a
    - rolearn: arn:aws:iam::111122223333:role/z
      username: z
      groups:
        - b
    ");
    assert_eq!(left, apply(&pruned, &left, &none, &Options { prune: true, ..by("a") }).1);
    assert_snapshot!(said(&document, &owners, &none, &Options { prune: true, ..by("a") }), @"
    1 operations
    note shared-row: one row is no longer kept by `a`, but by others
    ");
    // Without an owner: what nobody keeps and can be read.
    assert_snapshot!(said(&document, &owners, &none, &Options { prune: true, ..nobody() }), @"
    1 operations
    note unreadable-row: one row is not readable and not pruned
    ");
    let (pruned, _) = apply(&document, &owners, &none, &Options { prune: true, ..nobody() });
    assert_snapshot!(roles_of(&pruned), @"
    - {rolearn: 'arn:aws:iam::111122223333:role/odd', username: odd, groups: [[x]]}
    - rolearn: arn:aws:iam::111122223333:role/x
      username: x
      groups:
        - a
    - rolearn: arn:aws:iam::111122223333:role/y
      username: 'y'
      groups:
        - a
    - rolearn: arn:aws:iam::111122223333:role/z
      username: z
      groups:
        - b
    ");
}

#[test]
fn without_an_owner_rows_of_nobody_are_made_as_wanted() {
    let start = document("- rolearn: arn:aws:iam::111122223333:role/x # kept\n  groups: [a]\n", "", "['111122223333']");
    let file = Desired::parse(
        "mappings:\n- {arn: 'arn:aws:iam::111122223333:role/x', username: u, groups: [b]}\n- account: '111122223333'\n- account: '444455556666'\n",
    )
    .unwrap();
    let (after, owners) = apply(&start, &Owners::default(), &file, &nobody());
    assert_snapshot!(roles_of(&after), @"
    - rolearn: arn:aws:iam::111122223333:role/x # kept
      groups: [b]
      username: u
    ");
    assert!(owners.is_empty());
    assert_eq!(after.list(crate::aws_auth::Section::MapAccounts).unwrap().text(), "['111122223333', '444455556666']");
}

#[test]
fn words_and_rows_that_are_in_the_way_are_told_together() {
    let start = document(
        &(row("twice", "a") + &row("twice", "b") + "- {rolearn: 'arn:aws:iam::111122223333:role/half', username: 5}\n"),
        "",
        "",
    );
    let file = desired(&[role("twice", "c"), role("half", "a"), role("new", "a")]);
    assert_snapshot!(said(&start, &Owners::default(), &file, &nobody()), @"
    error: `arn:aws:iam::111122223333:role/twice` is mapped more than once, and not alike: line 1 of `mapRoles`; line 2 of `mapRoles`; the row of `arn:aws:iam::111122223333:role/half` in line 3 of `mapRoles` can't be read: `username` must be a text, this is a number (quote it to make it a text)
    hint: only the last one counts; take the others out with `kube-iam edit`
    ");
    let file = desired(&[role("new", "''"), role("newer", "'{{Name}}'"), role("newest", "'a b'")]);
    assert_snapshot!(said(&start, &Owners::default(), &file, &nobody()), @"
    error: line 2: a group has no name; line 3: `{{Name}}` in group `{{Name}}` is not a placeholder (known are `{{EC2PrivateDNSName}}`, `{{AccountID}}`, `{{SessionName}}`, `{{SessionNameRaw}}`, `{{AccessKeyID}}`)
    hint: known are `{{EC2PrivateDNSName}}`, `{{AccountID}}`, `{{SessionName}}`, `{{SessionNameRaw}}`, `{{AccessKeyID}}`
    ");
    let file = desired(&[role("newest", "'a b'")]);
    assert_snapshot!(said(&start, &Owners::default(), &file, &nobody()), @"
    1 operations
    block group-blank: `a b` would be one group, blanks and commas included
    ");
}

#[test]
fn a_dead_spelling_in_both_is_said_and_left() {
    let start = document(&row("team/x", "a").replace("username: team/x", "username: x"), "", "");
    let given = |arn: &str| desired(&[role(arn, "a").replace(&format!("username: {arn}"), "username: x")]);
    assert_snapshot!(said(&start, &Owners::default(), &given("team/x"), &nobody()), @"
    0 operations
    warn only-kube-iam-matches: `arn:aws:iam::111122223333:role/x` is mapped in a form that not every authenticator matches
    ");
    assert_snapshot!(said(&start, &Owners::default(), &given("other/x"), &nobody()), @"
    1 operations
    note canonical-arn: `arn:aws:iam::111122223333:role/other/x` is written as `arn:aws:iam::111122223333:role/x`: AWS reports the role of a caller without its path
    ");
    assert_snapshot!(said(&start, &Owners::default(), &given("x"), &Options { deciding: OURS, ..nobody() }), @"0 operations");
}
