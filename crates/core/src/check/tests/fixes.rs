//! Repairs: what they write, and what they leave alone.

use std::string::ToString as _;
use std::vec::Vec;
use std::{format, vec};

use super::*;
use crate::aws_auth::{MappingRow, Principal, read_section};

fn repaired(text: &str) -> String {
    let data = roles(text);
    let remarks = lint(&data, &Context::default());
    fix(&data, &remarks).data["mapRoles"].clone()
}

#[test]
fn each_repair_changes_its_own_bytes() {
    let cases = [
        // path, in each style; comments, order and line ends stay
        (
            "# c\r\n-   rolearn:  arn:aws:iam::111122223333:role/a/b/x # why\r\n    username: u\r\n    groups: [g]\r\n",
            "# c\r\n-   rolearn:  arn:aws:iam::111122223333:role/x # why\r\n    username: u\r\n    groups: [g]\r\n",
        ),
        (
            "[{\"rolearn\": \"arn:aws:iam::111122223333:role/a/x\", \"username\": \"u\", \"groups\": [\"g\"]}]",
            "[{\"rolearn\": \"arn:aws:iam::111122223333:role/x\", \"username\": \"u\", \"groups\": [\"g\"]}]",
        ),
        (
            "- rolearn: 'arn:aws:sts::111122223333:assumed-role/x/s'\n  username: ü\n  groups: [g]",
            "- rolearn: 'arn:aws:iam::111122223333:role/x'\n  username: ü\n  groups: [g]",
        ),
        // letter case
        (
            "- username: u\n  RoleArn: arn:aws:iam::111122223333:role/x\n  GROUPS: [g]\n",
            "- username: u\n  rolearn: arn:aws:iam::111122223333:role/x\n  groups: [g]\n",
        ),
        (
            "- sso: {PermissionSetName: D, accountid: 111122223333}\n  username: u\n  groups: [g]\n",
            "- sso: {permissionSetName: D, accountID: \"111122223333\"}\n  username: u\n  groups: [g]\n",
        ),
        // quotes
        (
            "- rolearn: arn:aws:iam::111122223333:role/x\n  username: {{SessionName}}\n  groups: [5, on]\n",
            "- rolearn: arn:aws:iam::111122223333:role/x\n  username: \"{{SessionName}}\"\n  groups: [\"5\", \"on\"]\n",
        ),
        // duplicates: the line ends and the comments around stay
        (
            "- rolearn: arn:aws:iam::111122223333:role/x\n  username: u\n  groups:\n  - g # g\n\n# next\n- {rolearn: 'arn:aws:iam::111122223333:role/X', username: u, groups: [g]}\n",
            "\n# next\n- {rolearn: 'arn:aws:iam::111122223333:role/X', username: u, groups: [g]}\n",
        ),
        (
            "- rolearn: arn:aws:iam::111122223333:role/a/x\n  groups: [g]\n  username: |-\n    u\n- {rolearn: 'arn:aws:iam::111122223333:role/x', username: u, groups: [g]}",
            "- {rolearn: 'arn:aws:iam::111122223333:role/x', username: u, groups: [g]}",
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(repaired(text), wanted);
        assert_eq!(repaired(wanted), wanted, "not idempotent");
    }
}

#[test]
fn what_is_not_safe_is_left_alone() {
    let cases = [
        // two spellings of one key
        "- roleARN: arn:aws:iam::111122223333:role/x\n  rolearn: arn:aws:iam::111122223333:role/y\n  username: u\n  groups: [g]\n",
        // duplicates that differ
        "- {rolearn: 'arn:aws:iam::111122223333:role/x', username: u, groups: [g]}\n- {rolearn: 'arn:aws:iam::111122223333:role/x', username: u, groups: [h]}\n",
        // a list in brackets
        "[{rolearn: 'arn:aws:iam::111122223333:role/x', username: u, groups: [g]}, {rolearn: 'arn:aws:iam::111122223333:role/x', username: u, groups: [g]}]",
        // an ARN behind an anchor, and one after `>`
        "- rolearn: &a arn:aws:iam::111122223333:role/p/x\n  username: u\n  groups: [g]\n",
        "- rolearn: >-\n    arn:aws:iam::111122223333:role/p/x\n  username: u\n  groups: [g]\n",
        // a row that ends with nothing
        "- username: u\n  rolearn: arn:aws:iam::111122223333:role/x\n  groups:\n- {username: u, rolearn: 'arn:aws:iam::111122223333:role/x'}\n",
    ];
    for text in cases {
        assert_eq!(repaired(text), text);
    }
}

#[test]
fn the_row_that_all_authenticators_match_stays() {
    let row = |arn: &str| format!("- {{rolearn: '{arn}', username: u, groups: [g]}}\n");
    let (plain, path) = (row("arn:aws:iam::111122223333:role/x"), row("arn:aws:iam::111122223333:role/a/x"));
    assert_eq!(repaired(&format!("{path}{plain}")), plain);
    // First the path goes, and then the row that says the same.
    assert_eq!(repaired(&format!("{plain}{path}")), format!("{plain}{plain}"));
    assert_eq!(repaired(&format!("{plain}{plain}")), plain);
}

#[test]
fn accounts_are_quoted() {
    let data = BTreeMap::from([
        ("mapRoles".to_string(), String::new()),
        ("mapAccounts".to_string(), "- 012345670123 # octal\n- '444455556666'\n- 12\n".to_string()),
    ]);
    let remarks = lint(&data, &Context::default());
    let fixed = fix(&data, &remarks);
    assert_eq!(fixed.data["mapAccounts"], "- \"012345670123\" # octal\n- '444455556666'\n- 12\n");
    assert_eq!(fixed.applied.len(), 1);
    assert!(!fixed.applied[0].fix.as_ref().unwrap().grants);
}

#[test]
fn repairs_that_bring_rows_alive_are_grants() {
    let text = "- RoleArn: arn:aws:iam::111122223333:role/a/x\n  username: 5\n  groups: [g]\n- sso: {permissionSetName: D, accountID: 111122223333}\n  username: u\n  groups: [g]\n";
    let remarks = lint(&roles(text), &Context::default());
    let grants: Vec<_> =
        remarks.iter().filter_map(|remark| Some((remark.finding.rule, remark.fix.as_ref()?.grants))).collect();
    assert_eq!(grants, [("key-case", false), ("role-path", true), ("wrong-type", true), ("account-unquoted", true)]);
}

#[test]
fn only_what_is_asked_for_is_repaired() {
    let text = "- RoleArn: arn:aws:iam::111122223333:role/a/x\n  username: u\n  groups: [g]\n";
    let data = roles(text);
    let remarks = lint(&data, &Context::default());
    let safe = remarks.iter().filter(|remark| remark.fix.as_ref().is_some_and(|fix| !fix.grants));
    assert_eq!(fix(&data, safe).data["mapRoles"], text.replace("RoleArn", "rolearn"));
    // Repairs of another text do no harm.
    assert_eq!(fix(&roles("- a"), &remarks).data, roles("- a"));
}

/// Rows, ugly and repairable, as they are found in the wild.
fn ugly_row() -> impl Strategy<Value = String> {
    let select = |words: &'static [&'static str]| prop::sample::select(words);
    let arn = select(&[
        "arn:aws:iam::111122223333:role/x",
        "arn:aws:iam::111122223333:role/X",
        "arn:aws:iam::111122223333:role/a/b/x",
        "arn:aws:sts::111122223333:assumed-role/x/session",
        "arn:aws:iam::111122223333:role/y",
        "arn:aws:iam::111122223333:user/a/bob",
    ]);
    let quote = select(&["", "'", "\""]);
    let key = select(&["rolearn", "roleARN", "ROLEARN"]);
    let username =
        select(&["u", "'u'", "\"ü {{SessionName}}\"", "5", "{{SessionName}}", ">-\n      folded", "|\n      literal"]);
    let groups = select(&["[]", "[a, b]", "\n    - a\n    - 'b'", "\n  - a\n  # c\n  - 7", "", "[a,\n     b]"]);
    let after = select(&["", " # comment", "\n\n  # below", "\n# below"]);
    let eol = select(&["\n", "\r\n"]);
    (arn, quote, key, username, groups, after, eol).prop_map(|(arn, quote, key, username, groups, after, eol)| {
        format!("- {key}: {quote}{arn}{quote}\n  username: {username}\n  Groups: {groups}{after}\n").replace('\n', eol)
    })
}

/// What a row means once it is repaired.
fn meaning(row: &MappingRow) -> (String, Option<String>, Vec<String>) {
    let principal = match &row.principal {
        Principal::Arn(arn) => arn.without_role_path().key().as_str().to_string(),
        sso @ Principal::Sso(_) => sso.to_string(),
    };
    (principal, row.username.clone(), row.groups.clone())
}

proptest! {
    #[test]
    fn a_repaired_text_says_the_same(rows in prop::collection::vec(ugly_row(), 1..8)) {
        let data = roles(&rows.concat());
        // Quotes make texts of numbers: those rows are not alive before.
        let remarks = lint(&data, &Context::default());
        let chosen = remarks.iter().filter(|remark| !["wrong-type", "placeholder-unquoted"].contains(&remark.finding.rule));
        let fixed = fix(&data, chosen);
        let before = read_section(Section::MapRoles, &data["mapRoles"]).unwrap();
        let after = read_section(Section::MapRoles, &fixed.data["mapRoles"]).unwrap();
        prop_assert_eq!(before.problems.len(), after.problems.len());
        let meanings = |rows: &[MappingRow]| rows.iter().map(meaning).collect::<Vec<_>>();
        let (mut left, kept) = (meanings(&before.mappings), meanings(&after.mappings));
        // Only the first of equal rows are gone, none is new, and the order is the same.
        left.reverse();
        for row in kept.iter().rev() {
            let position = left.iter().position(|other| other == row).unwrap();
            let gone: Vec<_> = left.drain(..=position).collect();
            prop_assert!(gone[..position].iter().all(|row| kept.contains(row)));
        }
        prop_assert!(left.iter().all(|row| kept.contains(row)));
    }

    #[test]
    fn repairs_come_to_an_end(rows in prop::collection::vec(ugly_row(), 1..8)) {
        let mut data = roles(&rows.concat());
        let mut texts = vec![data.clone()];
        for _ in 0..4 {
            let remarks = lint(&data, &Context::default());
            let fixed = fix(&data, &remarks);
            // Whatever was repaired is not remarked again at once.
            let again = lint(&fixed.data, &Context::default());
            for rule in ["role-path", "assumed-role-arn", "key-case", "wrong-type", "placeholder-unquoted"] {
                let repairable = |remark: &&Remark| remark.finding.rule == rule && remark.fix.is_some();
                prop_assert_eq!(again.iter().filter(repairable).count(), 0, "{}", rule);
            }
            data = fixed.data;
            texts.push(data.clone());
        }
        prop_assert_eq!(&texts[3], &texts[4]);
    }
}
