//! What single rows and values lead to.

use std::string::ToString as _;
use std::{format, vec};

use super::*;

/// A row with a good rest.
fn row(principal: &str) -> BTreeMap<String, String> {
    roles(&format!("- rolearn: {principal}\n  username: u\n  groups: [team]\n"))
}

fn only(data: &BTreeMap<String, String>, context: &Context) -> Remark {
    let mut remarks = lint(data, context);
    assert_eq!(remarks.len(), 1, "{remarks:#?}");
    remarks.remove(0)
}

fn at(line: usize, column: usize) -> Option<Mark> {
    Some(Mark { line, column })
}

#[test]
fn arns_that_never_match_are_named() {
    let cases = [
        ("arn:aws:iam::111122223333:instance-profile/x", "instance-profile"),
        ("arn:aws:iam:::role/x", "arn-account"),
        ("arn:aws:iam::11112222333:role/x", "arn-account"),
        ("arn:aws:sts::111122223333:role/x", "sts-arn"),
        ("arn:aws:sts::111122223333:assumed-role/x", "sts-arn"),
        ("arn:aws:iam::111122223333:assumed-role/x/y", "sts-arn"),
        ("arn:aws:iam::111122223333:role/x*", "wildcard"),
        ("arn:aws:iam::*:role/x", "wildcard"),
        ("\"arn:aws:iam::111122223333:role/x \"", "arn-invalid"),
        ("arn:aws:iam:us-east-1:111122223333:role/x", "arn-invalid"),
        ("arn:aws:iam::111122223333:policy/x", "arn-invalid"),
        ("arn:aws-gov:iam::111122223333:role/x", "arn-invalid"),
        ("x", "arn-invalid"),
        ("\"'arn:aws:iam::111122223333:role/x'\"", "extra-quotes"),
        ("arn:aws:iam::<account>:role/x", "angle-brackets"),
        ("arn:aws:iam::{{AccountID}}:role/x", "placeholder-place"),
        ("5", "wrong-type"),
    ];
    for (arn, rule) in cases {
        let remark = only(&row(arn), &Context::default());
        assert_eq!((remark.finding.rule, remark.finding.mark), (rule, at(1, 12)), "{arn}");
        assert_eq!((remark.finding.severity, remark.fix), (Severity::Block, None), "{arn}");
    }
}

#[test]
fn forms_that_only_kube_iam_matches_weigh_less_there() {
    let severity = |arn: &str, deciding| {
        let context = Context { deciding, ..Context::default() };
        let remarks = lint(&row(arn), &context);
        remarks.iter().find(|remark| remark.fix.is_some()).map(|remark| (remark.finding.rule, remark.finding.severity))
    };
    for (arn, rule) in [
        ("arn:aws:iam::111122223333:role/a/b/x", "role-path"),
        ("arn:aws:sts::111122223333:assumed-role/x/s", "assumed-role-arn"),
        (
            "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_D_0123456789abcdef",
            "sso-path",
        ),
    ] {
        assert_eq!(severity(arn, OURS), Some((rule, Severity::Note)));
        for deciding in [Deciding::Unknown, GO, EKS] {
            assert_eq!(severity(arn, deciding), Some((rule, Severity::Warn)));
        }
    }
}

#[test]
fn users_keep_their_path() {
    let text = "- {userarn: 'arn:aws:iam::111122223333:user/a/bob', username: bob, groups: [team]}";
    let data = BTreeMap::from([("mapRoles".to_string(), String::new()), ("mapUsers".to_string(), text.to_string())]);
    assert_eq!(lint(&data, &Context::default()), []);
}

#[test]
fn permission_sets_are_judged_by_who_decides() {
    let sso = |more: &str| {
        roles(&format!(
            "- sso: {{permissionSetName: Dev, accountID: '111122223333'{more}}}\n  username: u\n  groups: [team]\n"
        ))
    };
    let message = |data, deciding| only(&data, &Context { deciding, ..Context::default() }).finding.message;
    assert_eq!(lint(&sso(""), &Context { deciding: OURS, ..Context::default() }), []);
    assert!(message(sso(""), EKS).contains("EKS does not match"));
    assert!(message(sso(""), GO).contains("feature gate"));
    assert!(message(sso(", partition: aws"), GO).contains("never matches"));
    let suffix = row("arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0123456789abcdef");
    assert_eq!(only(&suffix, &Context::default()).finding.hint, None);
    let kube_iam = Context { deciding: OURS, ..Context::default() };
    assert!(only(&suffix, &kube_iam).finding.hint.unwrap().contains("permissionSetName: Dev"));
}

#[test]
fn nearest_names_are_suggested() {
    let hint = |data: BTreeMap<String, String>, rule: &str| {
        let remarks = lint(&data, &Context::default());
        remarks.into_iter().find(|remark| remark.finding.rule == rule).unwrap().finding.hint.unwrap()
    };
    let data_key = |key: &str| BTreeMap::from([(key.to_string(), String::new())]);
    for key in ["maproles", "MAPROLES", "mapRole", "map_roles", "mapRoels"] {
        assert_eq!(hint(data_key(key), "data-key-misspelt"), "did you mean `mapRoles`?", "{key}");
    }
    let text = "- rolearn: arn:aws:iam::111122223333:role/x\n  usrname: u\n  group: [g]\n";
    assert_eq!(hint(roles(text), "key-misspelt"), "did you mean `groups`?".replace("groups", "username"));
    let text = "- rolearn: arn:aws:iam::111122223333:role/x\n  username: 'u:{{sessionname}}'\n  groups: [g]\n";
    assert_eq!(hint(roles(text), "placeholder-unknown"), "did you mean `{{SessionName}}`?");
}

#[test]
fn unreadable_sections_name_their_line() {
    let place = |text: &str| {
        let remark = only(&roles(text), &Context::default());
        (remark.finding.rule, remark.finding.mark.unwrap().line)
    };
    assert_eq!(place("- rolearn: x\n  username: {{SessionName}}-y\n  groups: []\n"), ("placeholder-unquoted", 2));
    assert_eq!(place("- rolearn: x\n  groups: [a\n"), ("syntax", 3));
    let tabs = only(&roles("- rolearn: x\n\tusername: y\n"), &Context::default());
    assert_eq!((tabs.finding.rule, tabs.finding.hint.unwrap().contains("tabs")), ("syntax", true));
    // The other sections are still checked.
    let both = BTreeMap::from([("mapRoles".to_string(), "[".to_string()), ("mapUsers".to_string(), "- 5".to_string())]);
    assert_eq!(ids(&lint(&both, &Context::default())), ["syntax", "row-not-a-map"].into());
}

#[test]
fn groups_and_names_of_the_wrong_kind() {
    let ids_of = |rest: &str| {
        let remarks =
            lint(&roles(&format!("- rolearn: arn:aws:iam::111122223333:role/x\n{rest}")), &Context::default());
        remarks.iter().map(|remark| remark.finding.rule).collect::<Vec<_>>()
    };
    assert_eq!(ids_of("  username: 5\n  groups: [a]\n"), ["wrong-type"]);
    assert_eq!(ids_of("  username: yes\n  groups: [a]\n"), ["wrong-type"]);
    assert_eq!(ids_of("  username: u\n  groups: true\n"), ["wrong-type"]);
    assert_eq!(ids_of("  username: u\n  groups: [a, 5, on]\n"), ["wrong-type", "wrong-type"]);
    assert_eq!(ids_of("  username: u\n  groups: [a]\n  userid: 5\n"), ["wrong-type"]);
    assert_eq!(ids_of("  username:\n  groups: [a]\n"), ["username-missing"]);
    assert_eq!(ids_of("  username: ''\n  groups: [a]\n"), ["username-missing"]);
    assert_eq!(ids_of("  username: u\n  groups:\n"), ["groups-empty"]);
    assert_eq!(ids_of("  username: u\n  groups: ['']\n"), ["group-empty"]);
    assert_eq!(ids_of("  username: u\n  groups: ['a b']\n"), ["group-blank"]);
    assert_eq!(ids_of("  username: u\n  groups: ['a*']\n"), ["wildcard"]);
    assert_eq!(ids_of("  username: eks:x\n  groups: [a]\n"), ["reserved-username"]);
    assert_eq!(ids_of("  username: '{{SessionName}}'\n  groups: [a]\n"), ["session-chosen"]);
}

#[test]
fn overlapping_rows_name_each_other() {
    let row = |arn: &str, group: &str| format!("- {{rolearn: '{arn}', username: u, groups: [{group}]}}\n");
    let (plain, path) = ("arn:aws:iam::111122223333:role/x", "arn:aws:iam::111122223333:role/a/X");
    let remarks = lint(&roles(&(row(plain, "a") + &row(path, "b"))), &Context::default());
    assert_eq!(ids(&remarks), ["role-path", "shadowed-row"].into());
    let shadowed = &remarks[0].finding;
    assert_eq!((shadowed.rule, shadowed.mark), ("shadowed-row", at(1, 3)));
    assert!(shadowed.message.contains("the one 1 line below takes its place"), "{}", shadowed.message);
    // Rows of mapRoles win over those of mapUsers.
    let users = "- {userarn: 'arn:aws:iam::111122223333:user/bob', username: u, groups: [a]}\n";
    let mut data = roles(&row("arn:aws:iam::111122223333:user/BOB", "b"));
    data.insert("mapUsers".to_string(), users.to_string());
    let remarks = lint(&data, &Context::default());
    let shadowed = remarks.iter().find(|remark| remark.finding.rule == "shadowed-row").unwrap();
    assert_eq!(shadowed.finding.section, Some(Section::MapUsers));
    assert!(shadowed.finding.message.contains("the one in line 1 of `mapRoles`"));
}

#[test]
fn who_is_forgotten_depends_on_who_decides() {
    let ids_for = |data: &BTreeMap<String, String>, deciding| {
        let mut found = ids(&lint(data, &Context { deciding, ..known() }));
        found.retain(|id| ["caller-locked-out", "node-role-missing"].contains(id));
        found
    };
    let node = |arn: &str| {
        format!(
            "- {{rolearn: '{arn}', username: 'system:node:{{{{EC2PrivateDNSName}}}}', groups: [system:bootstrappers, system:nodes]}}\n"
        )
    };
    let admin =
        "- {rolearn: 'arn:aws:sts::111122223333:assumed-role/Admin/alice', username: a, groups: [administrators]}\n";
    let data = roles(&(node("arn:aws:iam::111122223333:role/nodes/Node") + admin));
    assert_eq!(ids_for(&data, OURS), [].into());
    for deciding in [Deciding::Unknown, GO, EKS] {
        assert_eq!(ids_for(&data, deciding), ["caller-locked-out", "node-role-missing"].into());
    }
    let data = roles(&node("arn:aws:iam::111122223333:role/NODE"));
    assert_eq!(ids_for(&data, Deciding::Unknown), ["caller-locked-out"].into());
    let plain = roles("- {rolearn: 'arn:aws:iam::111122223333:role/Node', username: a, groups: [team]}\n");
    let remarks = lint(&plain, &known());
    let node = remarks.iter().find(|remark| remark.finding.rule == "node-role-missing").unwrap();
    assert_eq!(node.finding.mark, at(1, 3));
}

#[test]
fn nobody_is_forgotten_where_aws_auth_is_not_consulted() {
    let context = Context { deciding: Deciding::NotConsulted, ..known() };
    assert_eq!(lint(&BTreeMap::new(), &context), []);
    assert_eq!(ids(&lint(&BTreeMap::new(), &known())), ["caller-locked-out", "node-role-missing"].into());
}

#[test]
fn only_rows_that_match_take_the_place_of_others() {
    let row = |arn: &str, group: &str| format!("- {{rolearn: '{arn}', username: u, groups: [{group}]}}\n");
    let text = row("arn:aws:iam::111122223333:role/x", "a") + &row("arn:aws:iam::111122223333:role/p/x", "b");
    let message = |deciding| {
        let remarks = lint(&roles(&text), &Context { deciding, ..Context::default() });
        let shadowed = remarks.into_iter().find(|remark| remark.finding.rule == "shadowed-row");
        shadowed.map(|remark| remark.finding.message)
    };
    assert!(message(Deciding::Unknown).unwrap().contains("in kube-iam"));
    assert!(message(OURS).is_some());
    assert_eq!((message(GO), message(EKS)), (None, None));
}

#[test]
fn a_whole_account_hides_rows_that_do_not_match() {
    let mut data = row("arn:aws:iam::111122223333:role/a/x");
    data.insert("mapAccounts".to_string(), "- '111122223333'\n".to_string());
    let message = |deciding| {
        let remarks = lint(&data, &Context { deciding, ..Context::default() });
        remarks.into_iter().find(|remark| remark.finding.rule == "account-wide").unwrap().finding.message
    };
    assert!(message(Deciding::Unknown).contains("hides"));
    assert!(!message(OURS).contains("hides"));
}

#[test]
fn aliases_are_read_once_and_never_repaired() {
    let text = "- &a {roleARN: 'arn:aws:iam::111122223333:role/p/x', username: u, groups: [g]}\n- *a\n- *a\n";
    let remarks = lint(&roles(text), &Context::default());
    assert_eq!(remarks.iter().filter(|remark| remark.finding.rule == "duplicate-row").count(), 2);
    assert!(remarks.iter().all(|remark| remark.fix.is_none()), "{remarks:#?}");
    let merged = "- &b {Username: u, groups: [g], rolearn: 'arn:aws:iam::111122223333:role/x'}\n- {<<: *b, rolearn: 'arn:aws:iam::111122223333:role/p/y'}\n";
    assert!(lint(&roles(merged), &Context::default()).iter().all(|remark| remark.fix.is_none()));
}

#[test]
fn text_of_others_is_cut_and_cleaned() {
    let long = format!("- {{rolearn: \"\\e[31m{}\", username: u, groups: [g]}}", "x".repeat(500));
    let remark = only(&roles(&long), &Context::default());
    assert!(!remark.finding.message.contains('\u{1b}'));
    assert!(remark.finding.message.chars().count() < 250);
    let vec = vec![remark];
    assert_eq!(ids(&vec), ["arn-invalid"].into());
}
