//! `compat.toml`: every deliberate difference is explained, and shown by a test.

use std::collections::BTreeSet;

use toml_edit::{DocumentMut, Table};

use crate::tree::{root, texts};

fn text<'a>(difference: &'a Table, key: &str) -> &'a str {
    difference.get(key).and_then(|value| value.as_str()).unwrap_or_else(|| panic!("no `{key}` in {difference:?}"))
}

#[test]
fn every_difference_is_complete_and_shown_by_a_test() {
    let document: DocumentMut = std::fs::read_to_string(root().join("compat.toml")).unwrap().parse().unwrap();
    assert_eq!(document.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["difference"]);
    let sources = texts(".rs");
    let mut ids = BTreeSet::new();
    for difference in document["difference"].as_array_of_tables().unwrap() {
        let keys: Vec<_> = difference.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["tool", "id", "what", "why", "test"], "{difference:?}");
        let (tool, id, test) = (text(difference, "tool"), text(difference, "id"), text(difference, "test"));
        assert!(["aws-iam-authenticator", "eksctl"].contains(&tool), "{id}: who is `{tool}`?");
        assert!(ids.insert(id.to_string()), "`{id}` is there twice");
        for key in ["what", "why"] {
            assert!(text(difference, key).len() > 10, "{id}: `{key}` says nothing");
        }
        let declaration = format!("fn {test}()");
        let is_test = |source: &str| {
            source.split_once(&declaration).is_some_and(|(before, _)| {
                let start = before.rfind(['{', '}', ';']).unwrap_or_default();
                ["test]", "test("].iter().any(|attribute| before[start..].contains(attribute))
            })
        };
        assert!(sources.iter().any(|(_, source)| is_test(source)), "{id}: there is no test `{test}`");
    }
    assert!(ids.len() > 10, "most of it got lost");
}
