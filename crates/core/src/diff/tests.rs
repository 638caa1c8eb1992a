use std::borrow::ToOwned;
use std::collections::BTreeMap;
use std::format;
use std::string::String;
use std::vec::Vec;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::aws_auth::Data;
use crate::change::Whom;

fn document(roles: &str, users: &str, accounts: &str) -> Document {
    let texts = [("mapRoles", roles), ("mapUsers", users), ("mapAccounts", accounts)];
    let data: Data = texts.into_iter().map(|(key, text)| (key.to_owned(), text.to_owned())).collect();
    Document::parse(&data).unwrap()
}

fn compared(before: &Document, after: &Document) -> String {
    let mut owners = Owners::default();
    let key = Whom::of_arn("arn:aws:iam::111122223333:role/dev").unwrap().key();
    owners.claim(&"ci".parse().unwrap(), Section::MapRoles, &key);
    text(&diff(before, after, &owners))
}

#[test]
fn each_difference_is_one_line() {
    let before = document(
        "\
# comment
- {rolearn: 'arn:aws:iam::111122223333:role/node', username: n}
- rolearn: arn:aws:iam::111122223333:role/team/dev
  username: dev
  groups: [a, b]
- {rolearn: 'arn:aws:iam::111122223333:role/gone', groups: [x, 'y z']}
- {rolearn: 'arn:aws:iam::111122223333:role/order', groups: [x, y], userid: AROA}
- {rolearn: nonsense, username: x}
- 5
",
        "- {userarn: 'arn:aws:iam::111122223333:user/bob', username: bob}\n",
        "['111122223333', '444455556666']",
    );
    let after = document(
        "\
- rolearn: arn:aws:iam::111122223333:role/node
  username: n
- {rolearn: 'arn:aws:iam::111122223333:role/order', username: '', groups: [y, x], userid: AROB, more: {}}
- groups: [b, c]
  username: \"dev\\e[0m\"
  rolearn: arn:aws:iam::111122223333:role/Dev
- {rolearn: nonsense, username: y}
- 6
- {sso: {permissionSetName: Admin, accountID: '111122223333'}, groups: [ops]}
",
        "",
        "- '012345678901'\n- '444455556666'\n",
    );
    assert_snapshot!(compared(&before, &after), @r"
    mapRoles:
      ~ arn:aws:iam::111122223333:role/order  username none -> ``  other keys `more` `userid`
      ~ arn:aws:iam::111122223333:role/Dev  written `arn:aws:iam::111122223333:role/team/dev` -> `arn:aws:iam::111122223333:role/Dev`  username `dev` -> `dev\u{1b}[0m`  groups -`a` +`c` (kept by ci)
      ~ nonsense  username `x` -> none  other keys `username`
      + a number (quote it to make it a text)
      - a number (quote it to make it a text)
      + sso/aws/111122223333/Admin  groups `ops`
      - arn:aws:iam::111122223333:role/gone  groups `x` `y z`
    mapUsers:
      - arn:aws:iam::111122223333:user/bob  username `bob`
    mapAccounts:
      + 012345678901
      - 111122223333
    ");
    assert_snapshot!(compared(&after, &before), @r"
    mapRoles:
      ~ arn:aws:iam::111122223333:role/team/dev  written `arn:aws:iam::111122223333:role/Dev` -> `arn:aws:iam::111122223333:role/team/dev`  username `dev\u{1b}[0m` -> `dev`  groups -`c` +`a` (kept by ci)
      + arn:aws:iam::111122223333:role/gone  groups `x` `y z`
      ~ arn:aws:iam::111122223333:role/order  username `` -> none  other keys `more` `userid`
      ~ nonsense  username none -> `x`  other keys `username`
      + a number (quote it to make it a text)
      - a number (quote it to make it a text)
      - sso/aws/111122223333/Admin  groups `ops`
    mapUsers:
      + arn:aws:iam::111122223333:user/bob  username `bob`
    mapAccounts:
      + 111122223333
      - 012345678901
    ");
    assert_eq!(compared(&before, &before), "");
    let json = serde_json::to_string_pretty(&diff(&before, &after, &Owners::default())[1]).unwrap();
    assert_snapshot!(json, @r#"
    {
      "kind": "changed",
      "mapping": {
        "arn": "arn:aws:iam::111122223333:role/Dev",
        "canonicalARN": "arn:aws:iam::111122223333:role/Dev",
        "username": "dev\u001b[0m",
        "groups": [
          "b",
          "c"
        ],
        "source": "aws-auth",
        "section": "mapRoles",
        "line": 4,
        "status": "Active"
      },
      "difference": {
        "spelling": {
          "before": "arn:aws:iam::111122223333:role/team/dev",
          "after": "arn:aws:iam::111122223333:role/Dev"
        },
        "username": {
          "before": "dev",
          "after": "dev\u001b[0m"
        },
        "addedGroups": [
          "c"
        ],
        "removedGroups": [
          "a"
        ]
      }
    }
    "#);
}

#[test]
fn rows_of_one_principal_are_compared_in_order() {
    let rows = |names: &str| -> Document {
        let row = |name| format!("- {{rolearn: 'arn:aws:iam::111122223333:role/x', username: {name}}}\n");
        document(&names.chars().map(row).collect::<String>(), "", "")
    };
    assert_snapshot!(compared(&rows("abc"), &rows("bc")), @"
    mapRoles:
      - arn:aws:iam::111122223333:role/x  username `a`
    ");
    assert_snapshot!(compared(&rows("ab"), &rows("ba")), @"
    mapRoles:
      ~ arn:aws:iam::111122223333:role/x  username `a` -> `b`
      ~ arn:aws:iam::111122223333:role/x  username `b` -> `a`
    ");
    assert_snapshot!(compared(&rows("ab"), &rows("acb")), @"
    mapRoles:
      + arn:aws:iam::111122223333:role/x  username `c`
    ");
}

/// Username by role, in some order.
fn mappings() -> impl Strategy<Value = Vec<(u8, u8)>> {
    proptest::collection::btree_map(0..8_u8, 0..3_u8, 0..8)
        .prop_flat_map(|map| Just(map.into_iter().collect::<Vec<_>>()).prop_shuffle())
}

proptest! {
    #[test]
    fn differences_are_those_of_the_model(before in mappings(), after in mappings()) {
        let write = |rows: &[(u8, u8)]| {
            let row = |(role, name): &(u8, u8)| format!("- {{rolearn: 'arn:aws:iam::111122223333:role/r{role}', username: n{name}}}\n");
            document(&rows.iter().map(row).collect::<String>(), "", "")
        };
        let (old, new): (BTreeMap<_, _>, BTreeMap<_, _>) = (before.iter().copied().collect(), after.iter().copied().collect());
        let mut wanted = Vec::new();
        for role in 0..8_u8 {
            match (old.get(&role), new.get(&role)) {
                (None, Some(_)) => wanted.push(format!("+{role}")),
                (Some(_), None) => wanted.push(format!("-{role}")),
                (Some(old), Some(new)) if old != new => wanted.push(format!("~{role}")),
                _ => {}
            }
        }
        let differences = diff(&write(&before), &write(&after), &Owners::default());
        let mut is: Vec<_> = differences
            .iter()
            .map(|difference| {
                let sign = match difference {
                    Difference::Added { .. } => '+',
                    Difference::Removed { .. } => '-',
                    Difference::Changed { .. } => '~',
                };
                let arn = difference.mapping().subject.text();
                format!("{sign}{}", arn.rsplit('r').next().unwrap())
            })
            .collect();
        is.sort();
        wanted.sort();
        prop_assert_eq!(is, wanted);
    }
}
