//! Rules by rule: each fires on its own example and not on the repaired one.

mod fixes;
mod rows;

use std::collections::BTreeSet;
use std::format;
use std::string::ToString;
use std::vec;

use proptest::prelude::*;

use super::*;
use crate::authenticator::Authenticator;
use crate::yaml;

const OURS: Deciding = Deciding::Known(Authenticator::KubeIam);
const GO: Deciding = Deciding::Known(Authenticator::AwsIamAuthenticator);
const EKS: Deciding = Deciding::Known(Authenticator::Eks);

/// The data of an aws-auth as the examples of the rules write it.
fn data(text: &str) -> BTreeMap<String, String> {
    let root = yaml::parse(text).unwrap().unwrap();
    let entry = |entry: &yaml::Entry<'_>| (entry.key.to_string(), entry.value.as_text().unwrap().to_string());
    root.entries().unwrap().iter().map(entry).collect()
}

fn roles(text: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("mapRoles".to_string(), text.to_string())])
}

/// Everything is known, and fits the repaired examples.
fn known() -> Context {
    Context {
        deciding: Deciding::Unknown,
        caller: Some("arn:aws:sts::111122223333:assumed-role/Admin/alice".parse().unwrap()),
        bound_groups: Some(["team", "other", "administrators"].map(ToString::to_string).into()),
        node_roles: Some(vec!["arn:aws:iam::111122223333:role/Node".parse().unwrap()]),
        partition: Some(Partition::Aws),
        account: Some("111122223333".parse().unwrap()),
    }
}

fn ids(remarks: &[Remark]) -> BTreeSet<&'static str> {
    remarks.iter().map(|remark| remark.finding.rule).collect()
}

/// Rules whose example would be too long for a page.
fn long_example(rule: &Rule) -> BTreeMap<String, String> {
    match rule.id {
        "size" => roles(&"#".repeat(limits::CONFIG_MAP_BYTES)),
        "more-findings" => roles(&"- 1\n".repeat(limits::FINDINGS + 1)),
        "alias-expansion" => {
            let list = "- g\n".repeat(2000);
            let base = format!("- username: a\n  rolearn: arn:aws:iam::111122223333:role/R\n  groups: &g\n{list}");
            // Merges count as well.
            roles(&(base.replace("- g", "    - g") + &"- {<<: {groups: *g}, username: a}\n".repeat(200)))
        }
        id => panic!("rule `{id}` has no example"),
    }
}

#[test]
fn every_rule_fires_on_its_example_and_not_on_its_repair() {
    for rule in RULES {
        let before = if rule.before.is_empty() { long_example(rule) } else { data(rule.before) };
        let remarks = lint(&before, &known());
        assert!(ids(&remarks).contains(rule.id), "`{}` does not fire: {remarks:#?}", rule.id);
        if !rule.after.is_empty() {
            let remarks = lint(&data(rule.after), &known());
            assert!(!ids(&remarks).contains(rule.id), "`{}` fires on its repair: {remarks:#?}", rule.id);
        }
    }
}

#[test]
fn rules_have_names_of_their_own_and_whole_pages() {
    let ids: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), RULES.len());
    for rule in RULES {
        assert_eq!(Rule::find(rule.id), Some(rule));
        assert!(rule.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", rule.id);
        assert!(!rule.summary.ends_with('.') && rule.why.ends_with('.') && rule.repair.ends_with('.'), "{}", rule.id);
        assert!(!rule.why.contains("  ") && !rule.repair.contains("  "), "{}", rule.id);
        assert_eq!(rule.before.is_empty(), rule.after.is_empty(), "{}", rule.id);
    }
    assert_eq!(Rule::find("nope"), None);
}

#[test]
fn the_page_of_a_rule() {
    insta::assert_snapshot!(rules::KEY_CASE.page(), @"
    # `key-case`

    *note*: a key of a row is not in the usual letter case.

    Authenticators ignore the letter case of keys, but not every tool that reads aws-auth does.

    ## Before

    ```yaml
    mapRoles: |
      - roleARN: arn:aws:iam::111122223333:role/Dev
        username: dev
        groups: [team]
    ```

    ## After

    ```yaml
    mapRoles: |
      - rolearn: arn:aws:iam::111122223333:role/Dev
        username: dev
        groups: [team]
    ```

    ## Repair

    `check --fix` rewrites the key; nobody gains or loses anything.
    ");
}

const CLEAN: &str = "
mapRoles: |
  # nodes
  - rolearn: arn:aws:iam::111122223333:role/Node
    username: system:node:{{EC2PrivateDNSName}}
    groups:
    - system:bootstrappers
    - system:nodes
  - rolearn: 'arn:aws:iam::111122223333:role/Admin'
    username: 'admin:{{SessionName}}'
    groups: [administrators]
mapUsers: |
  - {userarn: 'arn:aws:iam::111122223333:user/division/bob', username: bob, groups: [team]}
mapAccounts: |
  []
";

#[test]
fn a_clean_document_is_clean() {
    for deciding in [Deciding::Unknown, OURS, GO, EKS] {
        assert_eq!(lint(&data(CLEAN), &Context { deciding, ..known() }), []);
    }
    assert_eq!(lint(&data(CLEAN), &Context::default()), []);
    assert_eq!(lint(&BTreeMap::new(), &Context::default()), []);
}

#[test]
fn the_size_is_judged_at_its_limit() {
    let severity = |bytes: usize| {
        let remarks = lint(&roles(&"#".repeat(bytes - "mapRoles".len())), &Context::default());
        remarks.iter().find(|remark| remark.finding.rule == "size").map(|remark| remark.finding.severity)
    };
    assert_eq!(severity(limits::CONFIG_MAP_BYTES / 10 * 9 - 1), None);
    assert_eq!(severity(limits::CONFIG_MAP_BYTES), Some(Severity::Warn));
    assert_eq!(severity(limits::CONFIG_MAP_BYTES + 1), Some(Severity::Block));
}

#[test]
fn findings_are_bounded_and_the_gravest_are_kept() {
    let at_limit = lint(&roles(&"- 1\n".repeat(limits::FINDINGS)), &Context::default());
    assert_eq!(at_limit.len(), limits::FINDINGS);
    assert_eq!(ids(&at_limit), ["row-not-a-map"].into());
    let notes = "- {Username: a, groups: [g], rolearn: 'arn:aws:iam::111122223333:role/R'}\n".to_string()
        + &"- {}\n".repeat(600);
    let remarks = lint(&roles(&(notes + "- 1\n")), &Context::default());
    assert_eq!(remarks.len(), limits::FINDINGS);
    assert!(ids(&remarks).contains("row-not-a-map"));
    let last = &remarks.last().unwrap().finding;
    // 600 rows lack a principal, a username and groups each; two more findings.
    assert_eq!(last.message, format!("{} more findings are not shown", 1802 - (limits::FINDINGS - 1)));
}

#[test]
fn thousands_of_rows_about_one_principal_are_compared_with_the_last_only() {
    let row = |number| format!("- {{rolearn: 'arn:aws:iam::111122223333:role/R', username: u{number}, groups: [a]}}\n");
    let text: String = (0..6_000).map(row).collect();
    let remarks = lint(&roles(&text), &Context::default());
    assert_eq!(ids(&remarks), ["more-findings", "shadowed-row"].into());
    let below = |(index, remark): (usize, &Remark)| {
        remark.finding.message.contains(&format!("the one {} lines below", 5_999 - index))
    };
    assert!(remarks.iter().take(999).enumerate().all(below));
}

proptest! {
    #[test]
    fn any_text_is_checked_without_panic(roles in ".{0,200}", users in "\\PC{0,80}", accounts in "[-0-9 \n\"'\\[\\],]{0,60}") {
        let data = BTreeMap::from([("mapRoles", roles), ("mapUsers", users), ("mapAccounts", accounts)]);
        let data = data.into_iter().map(|(key, text)| (key.to_string(), text)).collect();
        let remarks = lint(&data, &known());
        fix(&data, &remarks);
    }

    #[test]
    fn pieces_of_yaml_are_checked_without_panic(pieces in prop::collection::vec(piece(), 0..60)) {
        let data = roles(&pieces.concat());
        let remarks = lint(&data, &known());
        let fixed = fix(&data, &remarks);
        lint(&fixed.data, &known());
    }
}

/// What rows are made of, and what breaks them.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "- ",
        "\n",
        "\r\n",
        "  ",
        "\t",
        "rolearn: ",
        "RoleArn: ",
        "userarn: ",
        "sso: ",
        "username: ",
        "groups: ",
        "userid: ",
        "arn:aws:iam::111122223333:role/a/b",
        "arn:aws:sts::111122223333:assumed-role/a/b",
        "arn:aws:iam:::role/x",
        "*",
        "&a ",
        "*a",
        "<<: ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "'",
        "\"",
        "{{SessionName}}",
        "|",
        ">-",
        "5",
        "yes",
        "# ü",
        "---",
        "ü",
        "!!str ",
        "permissionSetName: ",
        "accountID: 111122223333",
        "system:node:",
        "system:masters",
        "~",
        "? ",
        ": ",
    ])
}
