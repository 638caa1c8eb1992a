use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::{format, vec};

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::aws_auth::SsoPermissionSet;

fn roles(text: &str) -> Document {
    let data = Data::from([("mapRoles".to_string(), text.to_string())]);
    Document::parse(&data).unwrap_or_else(|problems| panic!("{problems:?} in\n{text}"))
}

fn admin() -> NewRow {
    NewRow::arn(
        "arn:aws:iam::111122223333:role/new",
        Some("new:{{SessionName}}".into()),
        vec!["system:masters".into(), "b c".into()],
    )
}

fn insert(before: usize, row: NewRow) -> Operation {
    Operation::Insert { section: Section::MapRoles, before, row }
}

fn remove(index: usize) -> Operation {
    Operation::Remove { section: Section::MapRoles, index }
}

fn set(index: usize, change: RowChange) -> Operation {
    Operation::Change { section: Section::MapRoles, index, change }
}

fn groups(groups: &[&str]) -> RowChange {
    RowChange { groups: Some(groups.iter().map(ToString::to_string).collect()), ..RowChange::default() }
}

/// The text of mapRoles after an edit.
fn after(text: &str, operations: &[Operation]) -> Result<String, EditError> {
    let edited = roles(text).edit(operations)?;
    Ok(edited.changed.get("mapRoles").cloned().unwrap_or_else(|| text.to_string()))
}

const STOCK: &str = "\
# nodes first
- rolearn: arn:aws:iam::111122223333:role/node # the nodes
  username: system:node:{{EC2PrivateDNSName}}
  groups:
    - system:bootstrappers
    # inner
    - system:nodes
    # - gone

# people
- groups: [dev, \"ops\"]
  ROLEARN: arn:aws:iam::111122223333:role/dev
  extra: {kept: yes}
# end
";

#[test]
fn a_new_row_looks_like_its_neighbours() {
    assert_snapshot!(after(STOCK, &[insert(2, admin())]).unwrap(), @r#"
    # nodes first
    - rolearn: arn:aws:iam::111122223333:role/node # the nodes
      username: system:node:{{EC2PrivateDNSName}}
      groups:
        - system:bootstrappers
        # inner
        - system:nodes
        # - gone

    # people
    - groups: [dev, "ops"]
      ROLEARN: arn:aws:iam::111122223333:role/dev
      extra: {kept: yes}
    - rolearn: arn:aws:iam::111122223333:role/new
      username: new:{{SessionName}}
      groups:
        - system:masters
        - b c
    # end
    "#);
    assert_snapshot!(after("  -   rolearn: a\n      groups:\n      - b", &[insert(1, admin())]).unwrap(), @"
    -   rolearn: a
        groups:
        - b
    -   rolearn: arn:aws:iam::111122223333:role/new
        username: new:{{SessionName}}
        groups:
        - system:masters
        - b c
    ");
    assert_snapshot!(after("[{\"rolearn\": \"a\"}]", &[insert(1, admin())]).unwrap(), @r#"[{"rolearn": "a"}, {"rolearn": "arn:aws:iam::111122223333:role/new", "username": "new:{{SessionName}}", "groups": ["system:masters", "b c"]}]"#);
    assert_snapshot!(after("[\n  {\"rolearn\": \"a\"},\n  {\"rolearn\": \"b\"}\n]\n", &[insert(2, admin()), insert(1, admin())]).unwrap(), @r#"
    [
      {"rolearn": "a"},
      {"rolearn": "arn:aws:iam::111122223333:role/new", "username": "new:{{SessionName}}", "groups": ["system:masters", "b c"]},
      {"rolearn": "b"},
      {"rolearn": "arn:aws:iam::111122223333:role/new", "username": "new:{{SessionName}}", "groups": ["system:masters", "b c"]}
    ]
    "#);
    assert_snapshot!(after("- {rolearn: a, groups: [x]}\n", &[insert(0, admin())]).unwrap(), @"
    - rolearn: arn:aws:iam::111122223333:role/new
      username: new:{{SessionName}}
      groups:
        - system:masters
        - b c
    - {rolearn: a, groups: [x]}
    ");
}

#[test]
fn the_first_row_replaces_what_stands_for_nothing() {
    for nothing in ["", "[]", "[]\n", "~", "null\n", "\"\"", "''\n", "``", "  []\n", "\n\n"] {
        let text = after(nothing, &[insert(0, NewRow::arn("a", None, vec![]))]).unwrap();
        assert_eq!(text.trim(), "- rolearn: a", "{nothing:?} became {text:?}");
    }
    assert_snapshot!(after("# a\n[] # b\n# c\n", &[insert(0, admin()), insert(0, admin())]).unwrap(), @"
    # a
    - rolearn: arn:aws:iam::111122223333:role/new
      username: new:{{SessionName}}
      groups:
        - system:masters
        - b c
    - rolearn: arn:aws:iam::111122223333:role/new
      username: new:{{SessionName}}
      groups:
        - system:masters
        - b c # b
    # c
    ");
    assert_snapshot!(after("# only a comment", &[insert(0, admin())]).unwrap(), @"
    # only a comment
    - rolearn: arn:aws:iam::111122223333:role/new
      username: new:{{SessionName}}
      groups:
        - system:masters
        - b c
    ");
    assert_snapshot!(after("--- [] # b\n", &[insert(0, admin())]).unwrap(), @"--- [{rolearn: arn:aws:iam::111122223333:role/new, username: 'new:{{SessionName}}', groups: [system:masters, b c]}] # b");
    let absent = Document::parse(&Data::new()).unwrap().edit(&[insert(0, admin())]).unwrap();
    assert_snapshot!(absent.changed["mapRoles"], @"
    - rolearn: arn:aws:iam::111122223333:role/new
      username: new:{{SessionName}}
      groups:
        - system:masters
        - b c
    ");
}

#[test]
fn a_removed_row_takes_only_its_own_lines_along() {
    assert_snapshot!(after(STOCK, &[remove(0)]).unwrap(), @r#"
    # nodes first

    # people
    - groups: [dev, "ops"]
      ROLEARN: arn:aws:iam::111122223333:role/dev
      extra: {kept: yes}
    # end
    "#);
    assert_snapshot!(after(STOCK, &[remove(1)]).unwrap(), @"
    # nodes first
    - rolearn: arn:aws:iam::111122223333:role/node # the nodes
      username: system:node:{{EC2PrivateDNSName}}
      groups:
        - system:bootstrappers
        # inner
        - system:nodes
        # - gone

    # people
    # end
    ");
    assert_snapshot!(after(STOCK, &[remove(0), remove(1)]).unwrap(), @"
    # nodes first
    []

    # people
    # end
    ");
    assert_snapshot!(after("[{rolearn: a}, {rolearn: b}, ]", &[remove(1)]).unwrap(), @"[{rolearn: a}, ]");
    assert_snapshot!(after("[{rolearn: a}, {rolearn: b}]", &[remove(0), remove(1), insert(2, NewRow::arn("c", None, vec![]))]).unwrap(), @"[{rolearn: c}]");
    assert_eq!(after("[{rolearn: a}, ]", &[remove(0)]).unwrap(), "[]");
}

#[test]
fn values_are_changed_where_they_stand() {
    assert_snapshot!(after(STOCK, &[set(0, groups(&["system:bootstrappers", "system:nodes", "eks:kube-proxy-windows"])), set(1, groups(&["ops"]))]).unwrap(), @r#"
    # nodes first
    - rolearn: arn:aws:iam::111122223333:role/node # the nodes
      username: system:node:{{EC2PrivateDNSName}}
      groups:
        - system:bootstrappers
        # inner
        - system:nodes
        - eks:kube-proxy-windows
        # - gone

    # people
    - groups: ["ops"]
      ROLEARN: arn:aws:iam::111122223333:role/dev
      extra: {kept: yes}
    # end
    "#);
    assert_snapshot!(after(STOCK, &[set(0, groups(&[])), set(1, RowChange { username: Some("it's: me".into()), ..groups(&[]) })]).unwrap(), @r#"
    # nodes first
    - rolearn: arn:aws:iam::111122223333:role/node # the nodes
      username: system:node:{{EC2PrivateDNSName}}
      groups: []
        # - gone

    # people
    - groups: []
      ROLEARN: arn:aws:iam::111122223333:role/dev
      extra: {kept: yes}
      username: "it's: me"
    # end
    "#);
    let arn = RowChange { arn: Some("arn:aws:iam::111122223333:role/other".into()), ..RowChange::default() };
    assert_snapshot!(after(STOCK, &[set(0, arn.clone()), set(1, arn)]).unwrap(), @r#"
    # nodes first
    - rolearn: arn:aws:iam::111122223333:role/other # the nodes
      username: system:node:{{EC2PrivateDNSName}}
      groups:
        - system:bootstrappers
        # inner
        - system:nodes
        # - gone

    # people
    - groups: [dev, "ops"]
      ROLEARN: arn:aws:iam::111122223333:role/other
      extra: {kept: yes}
    # end
    "#);
}

#[test]
fn aliases_and_merged_keys_are_written_out_where_they_change() {
    let text = "- &a\n  rolearn: x\n  groups: &g [a, b]\n- rolearn: y\n  groups: *g\n- <<: *a\n  rolearn: z\n";
    assert_snapshot!(after(text, &[set(1, groups(&["a"])), set(2, groups(&["c"])), insert(3, admin())]).unwrap(), @"
    - &a
      rolearn: x
      groups: &g [a, b]
    - rolearn: y
      groups: [a]
    - <<: *a
      rolearn: z
      groups:
        - c
    - rolearn: arn:aws:iam::111122223333:role/new
      username: new:{{SessionName}}
      groups:
        - system:masters
        - b c
    ");
    let text = "- rolearn: x\n  groups: &g [a, b]\n- rolearn: y\n  groups: *g\n- <<: {groups: *g}\n  rolearn: z\n";
    assert_snapshot!(after(text, &[set(1, groups(&["a"])), set(2, groups(&["c"])), insert(3, admin())]).unwrap(), @"
    - rolearn: x
      groups: &g [a, b]
    - rolearn: y
      groups: [a]
    - <<: {groups: *g}
      rolearn: z
      groups:
        - c
    - rolearn: arn:aws:iam::111122223333:role/new
      username: new:{{SessionName}}
      groups:
        - system:masters
        - b c
    ");
    // The anchor would go with the row that others need.
    let text = "- rolearn: x\n  groups: &g [a, b]\n- rolearn: y\n  groups: *g\n";
    assert_eq!(after(text, &[remove(0)]), Err(EditError::Unsafe(Section::MapRoles)));
}

#[test]
fn accounts_and_permission_sets_are_quoted() {
    let data = Data::from([("mapAccounts".to_string(), "- 111122223333\n- '444455556666'\n".to_string())]);
    let operations = [
        Operation::Insert { section: Section::MapAccounts, before: 1, row: NewRow::account("012345678901") },
        Operation::Remove { section: Section::MapAccounts, index: 1 },
    ];
    let edited = Document::parse(&data).unwrap().edit(&operations).unwrap();
    assert_eq!(edited.changed["mapAccounts"], "- 111122223333\n- \"012345678901\"\n");
    let set = SsoPermissionSet {
        partition: "aws-us-gov".parse().unwrap(),
        account: "111122223333".parse().unwrap(),
        name: "Admins".into(),
    };
    let row = NewRow { principal: NewPrincipal::Sso(set), username: None, groups: vec!["a".into()] };
    assert_snapshot!(after("", &[insert(0, row)]).unwrap(), @r#"
    - sso:
        permissionSetName: Admins
        accountID: "111122223333"
        partition: aws-us-gov
      groups:
        - a
    "#);
}

#[test]
fn what_cannot_be_done_in_place_is_refused_with_the_reason() {
    let cases = [
        ("- &x {rolearn: a}\n- *x\n", remove(1)),
        ("- rolearn: a\n  username: &u b\n", set(0, RowChange { username: Some("c".into()), ..Default::default() })),
        (
            "- rolearn: a\n  username: |\n    b\n",
            set(0, RowChange { username: Some("c".into()), ..Default::default() }),
        ),
        ("- rolearn: a\n", remove(1)),
    ];
    let reasons: Vec<_> = cases.map(|(text, operation)| after(text, &[operation]).unwrap_err().to_string()).into();
    assert_snapshot!(reasons.join("\n"), @"
    `mapRoles` can't be changed in place: an item of the list is an alias (`*name`)
    `mapRoles` can't be changed in place: the value carries an anchor or a tag
    `mapRoles` can't be changed in place: the value is written as a block of text (`|` or `>`)
    `mapRoles` has no such row
    ");
}

/// Texts that were seen in clusters, and worse.
const COLLECTED: &[&str] = &[
    STOCK,
    "- rolearn: a\n  username: b\n  groups:\n  - c",
    "- rolearn: a\r\n  groups:\r\n  - c\r\n# x\r\n- rolearn: b\r\n",
    "-\n  # first\n  rolearn: a\n-\n  rolearn: b\n",
    "---\n- rolearn: a\n- rolearn: b\n...\n",
    "%YAML 1.1\n---\n- rolearn: a\n- rolearn: b\n",
    "[{\"rolearn\":\"a\",\"groups\":[\"x\"]},{\"rolearn\":\"b\"}]",
    "[\r\n  {rolearn: a}, # one\r\n  {rolearn: b} # two\r\n]\r\n",
    "- rolearn: a\n  username: \"tab\\there\tand there\"\n- rolearn: \u{fc}\n  # \u{1f600}\n  username: '\u{4e2d}'\n",
    "- rolearn: a\n  note: |\n    text\n      more\n\n- rolearn: b\n  note: >-\n    fol\n    ded\n\n\n",
    "- rolearn: a\n  note: |+\n    keep\n\n\n- rolearn: b\n  note: |2-\n      odd\n",
    "- rolearn: a\n  deep:\n    - - x\n      - y\n    - {z: [1, 2]}\n- rolearn: b\n",
    "- {rolearn: a}\n-   rolearn: b\n    groups: []\n- rolearn: c\n  groups:\n        - far\n",
    "&all\n- rolearn: a\n  groups: &g\n  - x\n- rolearn: b\n  groups: *g\n",
    "- rolearn: >-\n    a\n  groups: [a,\n    b]\n- ? rolearn\n  : b\n",
    "- rolearn: a # x\n\n\n  # odd\n  groups: # y\n  # z\n  - c # d\n\n  # e\n- rolearn: b\n",
];

/// Bytes at both ends that two texts share.
fn shared(a: &str, b: &str) -> usize {
    let ahead = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let (rest_a, rest_b) = (&a.as_bytes()[ahead..], &b.as_bytes()[ahead..]);
    ahead + rest_a.iter().rev().zip(rest_b.iter().rev()).take_while(|(a, b)| a == b).count()
}

/// Law 2 for one text: rows put in and taken out one by one. `edit` itself
/// compares what is read with what was wanted; here the bytes are looked at.
fn nothing_is_lost(text: &str) -> usize {
    let data = Data::from([("mapRoles".to_string(), text.to_string())]);
    let Ok(document) = Document::parse(&data) else { return 0 };
    let count = document.rows(Section::MapRoles).count();
    let mut done = 0;
    for before in 0..=count {
        let Ok(grown) = after(text, &[insert(before, admin())]) else { continue };
        done += 1;
        if count == 0 {
            continue;
        }
        assert_eq!(shared(text, &grown), text.len(), "something was lost\n{text}\n---\n{grown}");
        assert_eq!(after(&grown, &[remove(before)]).as_deref(), Ok(text), "put in and taken out again");
    }
    for index in 0..count {
        let Ok(less) = after(text, &[remove(index)]) else { continue };
        done += 1;
        if count > 1 {
            assert_eq!(shared(text, &less), less.len(), "something was put in\n{text}\n---\n{less}");
        }
    }
    done
}

#[test]
fn collected_texts_lose_nothing() {
    for text in COLLECTED {
        let count = roles(text).rows(Section::MapRoles).count();
        let done = nothing_is_lost(text);
        assert!(done > count, "{done} of {} edits could be made in\n{text}", 2 * count + 1);
    }
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z:/]{1,6}[a-z]".prop_map(|text| text),
        1 => "'[a-z #:]{0,5}'",
        1 => "\"[a-z #:\\\\t\u{e4}]{0,5}\"".prop_map(|text| text.replace('\\', "\\\\")),
        1 => Just("system:node:{{EC2PrivateDNSName}}".to_string()),
        1 => Just("[a, \"b\" , 'c']".to_string()),
        1 => Just("{k: v}".to_string()),
        1 => Just("a\n      b".to_string()),
        1 => Just("|\n       text\n         # no comment\n".to_string()),
        1 => Just(">+\n       text\n\n       # none\n\n".to_string()),
        1 => Just("&x y".to_string()),
        1 => Just("".to_string()),
        1 => Just("\n      - a\n      # c\n      - b".to_string()),
        1 => Just("012".to_string()),
    ]
}

fn comment() -> impl Strategy<Value = String> {
    prop_oneof![6 => Just(String::new()), 1 => " {0,8}# [a-z:\\-]{0,4}\n", 1 => Just("\n".into()), 1 => Just("  \n".into())]
}

fn ugly_row() -> impl Strategy<Value = (String, usize, Vec<(String, String, String)>, bool)> {
    let pair = (
        prop_oneof![Just("rolearn"), Just("username"), Just("groups"), Just("userID"), Just("x-y")],
        value(),
        comment(),
    );
    let pair = pair.prop_map(|(key, value, comment)| (key.to_string(), value, comment));
    (comment(), 1..4_usize, proptest::collection::vec(pair, 1..4), proptest::bool::weighted(0.1))
}

fn ugly() -> impl Strategy<Value = String> {
    let rows = proptest::collection::vec(ugly_row(), 0..5);
    (rows, 0..3_usize, comment(), any::<bool>(), proptest::bool::weighted(0.2)).prop_map(
        |(rows, indent, end, newline, crlf)| {
            let mut text = String::new();
            for (above, gap, pairs, alone) in rows {
                text += &above;
                for (index, (key, value, below)) in pairs.iter().enumerate() {
                    let dash = match (index, alone) {
                        (0, false) => format!("{:indent$}-{:gap$}", "", ""),
                        (0, true) => format!("{:indent$}-\n{:indent$} {:gap$}", "", "", ""),
                        _ => format!("{:indent$} {:gap$}", "", ""),
                    };
                    text += &format!("{dash}{key}: {value}\n{below}");
                }
            }
            text += &end;
            if !newline {
                text.truncate(text.trim_end_matches('\n').len());
            }
            if crlf { text.replace('\n', "\r\n") } else { text }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn ugly_texts_lose_nothing(text in ugly()) {
        nothing_is_lost(&text);
    }

    #[test]
    fn values_change_or_the_edit_is_refused(text in ugly(), index in 0..4_usize, new in "[ -~\u{e4}\t]{0,8}", count in 0..4_usize) {
        let data = Data::from([("mapRoles".to_string(), text.clone())]);
        if let Ok(document) = Document::parse(&data) {
            let groups: Vec<String> = (0..count).map(|n| format!("{new}{n}")).collect();
            let change = RowChange { arn: None, username: Some(new), groups: Some(groups) };
            // What is read is compared inside; what is left are panics.
            let _ = document.edit(&[set(index, change)]);
        }
    }

    #[test]
    fn whatever_is_written_is_read_as_that(texts in proptest::collection::vec("\\PC{0,6}|[ -~\n\t]{0,6}", 1..4)) {
        for text in ["", "[{\"rolearn\": \"a\"}]", "- {rolearn: a}\n"] {
            let row = NewRow::arn(texts[0].clone(), texts.get(1).cloned(), texts.clone());
            prop_assert!(after(text, &[insert(0, row)]).is_ok(), "{:?} in {:?}", texts, text);
        }
    }
}
