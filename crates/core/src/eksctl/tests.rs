//! The decisions held against what eksctl was seen to do.

mod cases;

use std::borrow::ToOwned as _;
use std::string::ToString;
use std::{format, vec};

use super::*;
use crate::aws_auth::{Data, Document, Operation, Section};

fn data(sections: &[(Section, &str)]) -> Data {
    sections.iter().map(|(section, text)| (section.as_str().to_owned(), (*text).to_owned())).collect()
}

fn principal(arn: &str) -> Mapping {
    Mapping { arn: arn.to_owned(), username: "u".to_owned(), ..Mapping::default() }
}

fn account(account: &str) -> Mapping {
    Mapping { account: account.to_owned(), ..Mapping::default() }
}

/// The texts after a plan.
fn edited(data: &Data, plan: &Plan) -> Data {
    let document = Document::parse(data).unwrap();
    let mut after = data.clone();
    after.extend(document.edit(&plan.operations).unwrap().changed);
    after
}

const ROLE: &str = "arn:aws:iam::111122223333:role/x";

#[test]
fn a_user_misfiled_under_roles_counts_as_a_twin_of_another_kind() {
    let arn = "arn:aws:iam::111122223333:user/x";
    let data = data(&[(Section::MapRoles, &format!("- rolearn: {arn}\n  username: u\n"))]);
    let mapping = Mapping { no_duplicate_arns: true, ..principal(arn) };
    assert_eq!(create(&data, &[mapping], None, &[]).refusal, Some(Refusal::Shadowing(arn.to_owned())));
    let plan = create(&data, &[principal(arn)], None, &[]);
    assert_eq!(plan.log.len(), 3);
    assert!(matches!(&plan.operations[..], [Operation::Insert { section: Section::MapUsers, before: 0, .. }]));
}

#[test]
fn identical_is_by_kind_username_and_groups_in_any_order() {
    let data = data(&[(Section::MapRoles, &format!("- rolearn: {ROLE}\n  groups: [a, b, a]\n"))]);
    let create = |username: &str, groups: &[&str]| {
        let groups = groups.iter().map(ToString::to_string).collect();
        let mapping = Mapping { username: username.to_owned(), groups, no_duplicate_arns: true, ..principal(ROLE) };
        let plan = create(&data, &[mapping], None, &[]);
        assert_eq!(plan.operations, []);
        plan.refusal.is_none()
    };
    assert!(create("", &["b", "a", "a"]));
    assert!(!create("", &["b", "b", "a"]));
    assert!(!create("", &["a", "b"]));
    assert!(!create("u", &["a", "b", "a"]));
}

#[test]
fn the_first_twin_settles_the_matter() {
    let rows = format!("- rolearn: {ROLE}\n  username: u\n- rolearn: {ROLE}\n  username: other\n");
    let mapping = Mapping { no_duplicate_arns: true, ..principal(ROLE) };
    let plan = create(&data(&[(Section::MapRoles, &rows)]), &[mapping], None, &[]);
    assert_eq!((plan.refusal, plan.operations), (None, vec![]));
}

#[test]
fn later_mappings_see_earlier_ones() {
    let strict = Mapping { no_duplicate_arns: true, ..principal(ROLE) };
    let plan = create(&Data::new(), &[strict.clone(), strict, principal(ROLE), account("2"), account("1")], None, &[]);
    assert_eq!((plan.refusal.clone(), plan.operations.len()), (None, 4));
    let after = edited(&Data::new(), &plan);
    assert_eq!(get(&after, Some(ROLE)).unwrap().len(), 2);
    let accounts: vec::Vec<_> = get(&after, None).unwrap().into_iter().filter_map(|row| row.account).collect();
    assert_eq!(accounts, ["1", "2"]);
}

#[test]
fn accounts_are_added_and_removed_whatever_the_other_sections_are() {
    let data = data(&[(Section::MapRoles, "- [unterminated"), (Section::MapAccounts, "- '2' # second\n- 1\n- '2'\n")]);
    let plan = create(&data, &[account("3")], None, &[]);
    assert_eq!(plan.refusal, None);
    assert_eq!(plan.operations.len(), 4, "{:?}", plan.operations);
    let plan = delete(&data, Target::Account("2"));
    let section = Section::MapAccounts;
    assert_eq!(plan.operations, [Operation::Remove { section, index: 0 }]);
    assert_eq!(plan.after, []);
}

#[test]
fn deleting_one_of_several_warns_of_the_rest() {
    let rows = format!("- rolearn: {ROLE}\n  username: a\n- {{rolearn: {ROLE}, username: b}}\n- rolearn: {ROLE}\n");
    let data = data(&[(Section::MapRoles, &rows)]);
    let plan = delete(&data, Target::Arn { arn: ROLE, all: false });
    assert_eq!(plan.operations, [Operation::Remove { section: Section::MapRoles, index: 0 }]);
    let left = format!("there are 2 mappings left with same arn \"{ROLE}\" (use --all to delete them at once)");
    assert_eq!(plan.after, [Line { level: Level::Warning, text: left }]);
    let plan = delete(&data, Target::Arn { arn: ROLE, all: true });
    assert_eq!((plan.operations.len(), plan.log.len(), plan.after), (3, 3, vec![]));
    let plan = delete(&Data::new(), Target::Arn { arn: ROLE, all: true });
    assert_eq!(plan, Plan::default());
}

#[test]
fn a_service_is_known_by_role_arn_and_username() {
    let cluster = ClusterAccount { partition: "aws-cn".parse().unwrap(), account: "111122223333".to_owned() };
    let arn = "arn:aws-cn:iam::111122223333:role/AWSServiceRoleForAmazonEMRContainers";
    let service = Mapping {
        service_name: "emr-containers".to_owned(),
        namespace: "emr".to_owned(),
        arn: "ignored".to_owned(),
        ..Mapping::default()
    };
    let count = |rows: &str| {
        let data = data(&[(Section::MapRoles, rows)]);
        create(&data, core::slice::from_ref(&service), Some(&cluster), &[]).operations.len()
    };
    assert_eq!(count(""), 1);
    assert_eq!(count(&format!("- rolearn: {arn}\n  username: other\n")), 1);
    assert_eq!(count(&format!("- rolearn: {arn}\n  username: emr-containers\n  groups: [g]\n")), 0);
    let unknown = create(&Data::new(), core::slice::from_ref(&service), None, &[]);
    assert_eq!(unknown.refusal, Some(Refusal::AccountUnknown));
    let kinds: vec::Vec<_> = RbacObject::of(&service).iter().map(|object| object.kind).collect();
    assert_eq!(kinds, ["Role", "RoleBinding"]);
}

#[test]
fn a_refused_mapping_leaves_those_before_it() {
    let plan = create(&Data::new(), &[principal(ROLE), principal("x"), account("1")], None, &[]);
    assert_eq!((plan.refusal, plan.operations.len(), plan.reached), (Some(Refusal::ArnPrefix), 1, 2));
}

#[test]
fn one_unreadable_value_refuses_and_says_where() {
    let refusal = |section, text: &str| get(&data(&[(section, text)]), None).unwrap_err().to_string();
    let row = |rest: &str| format!("- rolearn: {ROLE}\n  {rest}\n");
    for (rest, place) in [
        ("groups: one", "line 2, column 11: `groups` must be a list of texts, this is a text"),
        ("groups: [5]", "line 2, column 12: `groups` must be a list of texts, this is a number"),
        ("username: yes", "line 2, column 13: `username` must be a text, this is a yes/no word"),
        ("username: 5", "line 2, column 13: `username` must be a text, this is a number"),
        ("username: {}", "line 2, column 13: `username` must be a text, this is a map"),
    ] {
        let text = refusal(Section::MapRoles, &row(rest));
        assert!(text.starts_with(&format!("unmarshalling \"mapRoles\": {place}")), "{text}");
    }
    assert!(refusal(Section::MapUsers, "a: b").starts_with("unmarshalling \"mapUsers\": "));
    assert!(refusal(Section::MapRoles, "- text").starts_with("unmarshalling \"mapRoles\": "));
    assert!(refusal(Section::MapAccounts, "- [1]").starts_with("unmarshalling \"mapAccounts\": "));
    let data = data(&[(Section::MapAccounts, "a: b")]);
    let alone = create(&data, &[account("1")], None, &[]).refusal.unwrap().to_string();
    assert!(alone.starts_with("unmarshalling mapAccounts: "), "{alone}");
    let delete = delete(&data, Target::Account("1")).refusal.unwrap().to_string();
    assert!(delete.starts_with("unmarshalling mapAccounts: "), "{delete}");
}

#[test]
fn what_go_reads_is_read() {
    let text = format!("- ROLEARN: {ROLE}\n  Username: a\n  GROUPS: [b, ~]\n- ~\n- rolearn: 5\n  sso: {{x: y}}\n");
    let rows = get(&data(&[(Section::MapRoles, &text), (Section::MapUsers, ""), (Section::MapAccounts, "\"\"")]), None);
    let rows = rows.unwrap();
    assert_eq!(rows[0].groups, ["b", ""]);
    assert_eq!((rows[1].clone(), rows[2].arn.as_str()), (Shown::default(), "5"));
    assert_eq!(OutputFormat::Yaml.print(&rows[1..2]), "- {}\n");
    assert_eq!(OutputFormat::Json.print(&rows[1..2]), "[\n    {}\n]");
}

#[test]
fn tables_are_padded_with_tabs_and_sorted() {
    let row = |arn: &str, groups: &str| Shown {
        arn: arn.to_owned(),
        username: "ops".to_owned(),
        groups: groups.split(',').map(str::to_owned).collect(),
        ..Shown::default()
    };
    let account = Shown { account: Some("111122223333".to_owned()), ..Shown::default() };
    let rows = [row("arn:aws:iam::111122223333:role/ops", "g1,g2"), account];
    assert_eq!(
        OutputFormat::Table.print(&rows),
        "ARN\t\t\t\t\tUSERNAME\tGROUPS\tACCOUNT\n\t\t\t\t\t\t\t\t111122223333\n\
         arn:aws:iam::111122223333:role/ops\tops\t\tg1,g2\t\n"
    );
    assert_eq!(OutputFormat::Table.print(&[]), "No iamidentitymappings found\n");
    assert_eq!((OutputFormat::Json.print(&[]), OutputFormat::Yaml.print(&[])), ("[]".into(), "[]\n".into()));
    // A cell of seven characters fits its stop, one of eight needs the next.
    let narrow = OutputFormat::Table.print(&[row("seven77", "é234567"), row("eight888", "g")]);
    assert_eq!(narrow, "ARN\t\tUSERNAME\tGROUPS\tACCOUNT\neight888\tops\t\tg\t\nseven77\t\tops\t\té234567\t\n");
    let unknown = "xml".parse::<OutputFormat>().unwrap_err();
    assert_eq!(unknown, r#"unknown output printer type: expected {"yaml","json","table"} but got "xml""#);
}

/// 120 texts with what Go's own libraries made of them: `sigs.k8s.io/yaml`
/// 1.6.0, `encoding/json` and `strconv` of Go 1.25.
#[test]
fn texts_are_written_as_go_writes_them() {
    let go: serde_json::Value = serde_json::from_str(include_str!("print/go.json")).unwrap();
    for case in go.as_array().unwrap() {
        let text = |key: &str| case[key].as_str().unwrap().to_owned();
        let plain = text("text");
        let named = Shown { username: plain.clone(), ..Shown::default() };
        let grouped = Shown { groups: vec![plain.clone()], ..Shown::default() };
        let both = Shown { groups: vec![plain.clone()], ..named.clone() };
        assert_eq!(OutputFormat::Yaml.print(&[named]), text("yaml_username"), "{plain:?}");
        assert_eq!(OutputFormat::Yaml.print(&[grouped]), text("yaml_group"), "{plain:?}");
        assert_eq!(OutputFormat::Json.print(&[both]), text("json"), "{plain:?}");
        assert_eq!(quoted(&plain), text("quoted"), "{plain:?}");
    }
}

#[test]
fn a_deletion_says_what_it_leaves_in_force() {
    let rows = format!("- rolearn: {ROLE}\n  username: a\n- rolearn: {ROLE}\n  username: b\n");
    let stored = data(&[(Section::MapRoles, &rows), (Section::MapAccounts, "['1', '1']")]);
    let left = advice::on_delete(&stored, Target::Arn { arn: ROLE, all: false });
    assert_eq!(left, [format!("row 1 of `mapRoles` was without effect; row 2 of `mapRoles` still lets `{ROLE}` in")]);
    assert_eq!(advice::on_delete(&stored, Target::Arn { arn: ROLE, all: true }), [""; 0]);
    assert_eq!(advice::on_delete(&stored, Target::Account("1")).len(), 1);
}

#[test]
fn the_form_that_will_match_is_named() {
    let hint = |arn: &str| validate(&[principal(arn)]).unwrap_err().hint().unwrap_or_default();
    let session = hint("arn:aws-cn:sts::111122223333:assumed-role/ops/alice");
    assert_eq!(session, "name the role of the session: `arn:aws-cn:iam::111122223333:role/ops`");
    assert!(hint("arn:aws:iam::111122223333:instance-profile/nodes").contains("the role in the instance profile"));
    for arn in ["", "x", "arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:group/x"] {
        assert_eq!(hint(arn), "", "{arn}");
    }
}
