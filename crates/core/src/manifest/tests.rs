use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::format;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

fn data(pairs: &[(&str, &str)]) -> Data {
    pairs.iter().map(|(key, text)| (key.to_string(), text.to_string())).collect()
}

fn changes(pairs: &[(&str, Option<&str>)]) -> Changes {
    pairs.iter().map(|(key, text)| (key.to_string(), text.map(ToString::to_string))).collect()
}

fn set(text: &str, key: &str, value: &str) -> String {
    let manifest = Manifest::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let after = manifest
        .edit(&changes(&[(key, Some(value))]), &Changes::new())
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(Manifest::parse(&after).unwrap().data()[key], value, "{after}");
    after
}

const STOCK: &str = "\
# who gets in
apiVersion: v1
kind: ConfigMap
metadata:
  name: aws-auth # not to be renamed
  namespace: kube-system
data:
  mapRoles: | # roles
    # nodes
    - rolearn: a
      groups: [b]

    - rolearn: c
  other: kept
";

#[test]
fn lines_of_a_block_change_alone() {
    assert_snapshot!(set(STOCK, "mapRoles", "# nodes\n- rolearn: a\n  groups: [b]\n\n- rolearn: c\n- rolearn: d\n"), @"
    # who gets in
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: aws-auth # not to be renamed
      namespace: kube-system
    data:
      mapRoles: | # roles
        # nodes
        - rolearn: a
          groups: [b]

        - rolearn: c
        - rolearn: d
      other: kept
    ");
    assert_snapshot!(set(STOCK, "mapRoles", "# nodes\n\n- rolearn: c\n"), @"
    # who gets in
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: aws-auth # not to be renamed
      namespace: kube-system
    data:
      mapRoles: | # roles
        # nodes

        - rolearn: c
      other: kept
    ");
    assert_snapshot!(set(STOCK, "mapRoles", "[]"), @"
    # who gets in
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: aws-auth # not to be renamed
      namespace: kube-system
    data:
      mapRoles: |-
        []
      other: kept
    ");
    assert_snapshot!(set(STOCK.trim_end(), "mapUsers", "- userarn: a\n"), @"
    # who gets in
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: aws-auth # not to be renamed
      namespace: kube-system
    data:
      mapRoles: | # roles
        # nodes
        - rolearn: a
          groups: [b]

        - rolearn: c
      other: kept
      mapUsers: |
        - userarn: a
    ");
    let last =
        "kind: ConfigMap\nmetadata: {name: aws-auth}\ndata:\n  mapRoles: |-\n      - rolearn: a\n      - rolearn: b";
    assert_snapshot!(set(last, "mapRoles", "- rolearn: a\n- rolearn: b\n- rolearn: c"), @"
    kind: ConfigMap
    metadata: {name: aws-auth}
    data:
      mapRoles: |-
          - rolearn: a
          - rolearn: b
          - rolearn: c
    ");
    assert_snapshot!(set(last, "mapRoles", "- rolearn: a"), @"
    kind: ConfigMap
    metadata: {name: aws-auth}
    data:
      mapRoles: |-
          - rolearn: a
    ");
    assert_snapshot!(set(last, "mapRoles", "- rolearn: a\n- rolearn: x"), @"
    kind: ConfigMap
    metadata: {name: aws-auth}
    data:
      mapRoles: |-
          - rolearn: a
          - rolearn: x
    ");
}

#[test]
fn every_form_of_manifest_is_edited() {
    let rows = "- rolearn: a\n- rolearn: b\n";
    for text in [
        "mapRoles: |\n  - rolearn: a\n",
        "mapUsers: ''\n",
        "mapRoles: '[]' # none\nmapUsers: ''\n",
        "mapRoles: >\n  - rolearn: a\n\n  - rolearn: c\nmapUsers: ''\n",
        "mapRoles: >-\n  [{rolearn: a},\n  {rolearn: c}]",
        "mapRoles: \"- rolearn: a\\n\\\n  - rolearn: c\"  # c\n",
        "mapRoles: |+\n    - rolearn: a\n\n\nmapUsers: ''\n",
        "mapRoles: |2\n    - rolearn: a\n",
        "{\"mapRoles\": \"- rolearn: a\\n\"}",
        "{\n  \"kind\": \"ConfigMap\",\n  \"metadata\": {\n    \"name\": \"aws-auth\"\n  },\n  \"data\": {\n    \"mapUsers\": \"[]\"\n  }\n}\n",
        "kind: ConfigMap\nmetadata: {name: aws-auth}\n",
        "kind: ConfigMap\nmetadata: {name: aws-auth}\ndata:\n",
        "kind: ConfigMap\nmetadata: {name: aws-auth}\ndata: {}\n",
        "kind: ConfigMap\ndata: # c\nmetadata: {name: aws-auth}\n",
        "kind: ConfigMap\r\nmetadata:\r\n  name: aws-auth\r\ndata:\r\n  mapRoles: |\r\n    - rolearn: a\r\n",
        "---\nkind: Namespace\n---\nkind: ConfigMap\nmetadata:\n  name: aws-auth\ndata:\n  mapRoles: |\n    - rolearn: a\n---\nkind: Secret\n",
        "kind: List\nitems:\n- kind: ConfigMap\n  metadata:\n    name: aws-auth\n- kind: Secret\n",
        "kind: List\nitems:\n- kind: ConfigMap\n  metadata:\n    name: aws-auth\n  data:\n    mapUsers: x\n",
    ] {
        let after = set(text, "mapRoles", rows);
        for kept in ["# c", "# none", "Secret", "mapUsers"] {
            assert_eq!(text.contains(kept), after.contains(kept), "{text}\n---\n{after}");
        }
        assert_eq!(text.contains('\r'), after.contains('\r'));
        let owned = Manifest::parse(text).unwrap();
        if owned.has_metadata() {
            let note = data(&[("kube-iam.dev/owners", "{\"a\": 1}")]);
            let [write, clear] = [Some("{\"a\": 1}"), None].map(|text| changes(&[("kube-iam.dev/owners", text)]));
            let noted = Manifest::parse(&owned.edit(&Changes::new(), &write).unwrap()).unwrap();
            assert_eq!(noted.annotations(), note, "{}", noted.text());
            let cleared = noted.edit(&Changes::new(), &clear).unwrap();
            assert!(Manifest::parse(&cleared).unwrap().annotations().is_empty(), "{cleared}");
            assert_eq!(owned.edit(&Changes::new(), &clear).unwrap(), text);
        }
    }
}

#[test]
fn a_fresh_manifest_reads_as_it_was_written() {
    let data = data(&[("mapRoles", "- rolearn: a\n"), ("mapUsers", "[]"), ("x", "  odd\n\n")]);
    let text = Manifest::fresh(&data);
    assert_eq!(Manifest::parse(&text).unwrap().data(), data, "{text}");
    assert_snapshot!(text, @"
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: aws-auth
      namespace: kube-system
    data:
      mapRoles: |
        - rolearn: a
      mapUsers: '[]'
      x: |2+
          odd
    ");
}

#[test]
fn places_in_a_section_are_places_in_the_file() {
    let manifest = Manifest::parse(STOCK).unwrap();
    let mark = manifest.locate(Section::MapRoles, Mark { line: 2, column: 3 });
    assert_eq!(mark, Mark { line: 10, column: 7 });
    assert_eq!(STOCK.lines().nth(9).unwrap().get(6..), Some("rolearn: a"));
}

#[test]
fn files_that_are_no_aws_auth_are_refused_with_the_reason() {
    let reason = |text: &str| Manifest::parse(text).unwrap_err().to_string();
    let reasons: Vec<_> = [
        "",
        "kind: ConfigMap\nmetadata: {name: other}\n",
        "mapRoles: |\n  a\n---\nmapRoles: |\n  a\n",
        "mapRoles:\n- rolearn: a\n",
        "mapRoles: a\nmapRoles: b\n",
        "mapRoles: \"half",
        "a: b: c",
        "kind: ConfigMap\nmetadata: {name: aws-auth, namespace: other}\n",
    ]
    .map(reason)
    .into();
    assert_snapshot!(reasons.join("\n"), @"
    it holds neither a ConfigMap `kube-system/aws-auth` nor its bare data
    it holds neither a ConfigMap `kube-system/aws-auth` nor its bare data
    it holds aws-auth more than once, line 1, column 1 and line 4, column 1
    `mapRoles` must be a text, line 2, column 3; this is a list
    `mapRoles` stands twice in the data, line 2, column 1
    it is no readable YAML, line 1, column 11: while scanning a quoted scalar, found unexpected end of stream
    it is no readable YAML, line 1, column 5: mapping values are not allowed in this context
    it holds neither a ConfigMap `kube-system/aws-auth` nor its bare data
    ");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_in_any_form_is_replaced_by_any_other(
        old in "([- a:#]{0,4}\n){0,4}[ -~]{0,3}",
        new in "([- a:#\t\u{e4}]{0,4}\n){0,4}[ -~\r]{0,3}",
        form in 0..5_usize,
    ) {
        let lines = |indent: &str| old.split('\n').map(|line| format!("{indent}{line}\n")).collect::<String>();
        let value = match form {
            0 => format!("|\n{}", lines("    ")),
            1 => format!("|+\n{}", lines("   ")),
            2 => format!("|2-\n{}", lines("    ")),
            3 => format!(">\n{}", lines("    ")),
            _ => format!("{}\n", edit::scalar(&old, edit::Context::Json)),
        };
        let text = format!("kind: ConfigMap\nmetadata:\n  name: aws-auth\ndata:\n  mapRoles: {value}  mapUsers: x # c\n");
        if let Ok(manifest) = Manifest::parse(&text) {
            if let Ok(after) = manifest.edit(&changes(&[("mapRoles", Some(&new))]), &Changes::new()) {
                let read = Manifest::parse(&after).unwrap();
                prop_assert_eq!(&read.data()["mapRoles"], &new);
                prop_assert!(after.ends_with("  mapUsers: x # c\n") && after.starts_with("kind: ConfigMap\nmetadata:\n  name: aws-auth\ndata:\n"));
            } else {
                // Of a block without a single letter the parser does not tell the end.
                prop_assert!(old.trim().is_empty(), "refused: {}\n{:?}", text, new);
            }
        }
    }

    #[test]
    fn any_key_can_be_removed(count in 1..4_usize, at in 0..4_usize, form in 0..4_usize, crlf: bool) {
        let keys: Vec<_> = ["mapRoles", "mapUsers", "other", "mapAccounts"].into_iter().take(count).collect();
        let entries = |entry: &dyn Fn(&str) -> String, between: &str| {
            keys.iter().map(|key| entry(key)).collect::<Vec<_>>().join(between)
        };
        let data = match form {
            0 => format!("\n{}", entries(&|key| format!("  # of {key}\n  {key}: |\n    # a\n    - b\n"), "")),
            1 => format!("\n{}", entries(&|key| format!("  {key}: \"[]\" # {key}\n"), "")),
            2 => format!(" {{{}}}\n", entries(&|key| format!("{key}: '[]'"), ", ")),
            _ => format!("\n  {{\n{}\n  }}\n", entries(&|key| format!("    \"{key}\": \"[]\""), ",\n")),
        };
        let text = format!("kind: ConfigMap\ndata:{data}metadata:\n  name: aws-auth # c\n");
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let manifest = Manifest::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let mut wanted = manifest.data();
        let gone = ["mapRoles", "mapUsers", "other", "mapAccounts"][at];
        wanted.remove(gone);
        let after = manifest.edit(&changes(&[(gone, None)]), &Changes::new());
        let after = after.unwrap_or_else(|error| panic!("{error}\n{text}"));
        prop_assert_eq!(Manifest::parse(&after).unwrap().data(), wanted, "{}", after);
        prop_assert!(after.ends_with("name: aws-auth # c\n") || after.ends_with("name: aws-auth # c\r\n"), "{}", after);
        if at >= count {
            prop_assert_eq!(after, text);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[-kind:ConfigMap{}\\[\\]|>&*!\"' \n]{0,40}") {
        let _ = Manifest::parse(&text);
    }
}
