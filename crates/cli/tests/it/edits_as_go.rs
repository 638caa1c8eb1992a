//! Edits of ugly texts, held against what Go's YAML library reads before and after.

use std::collections::BTreeMap;

use kube_iam_control_plane::{YamlOracle, required_in_ci};
use kube_iam_core::aws_auth::{Document, NewRow, Operation, Section};
use serde_json::{Value, json};

/// Rows in the styles that people write, `@` for the blanks before the dash.
const ROWS: &[&str] = &[
    "@- rolearn: arn:aws:iam::111122223333:role/a\n@  username: a\n@  groups:\n@  - x\n@  - y\n",
    "@- rolearn: arn:aws:iam::111122223333:role/b # here\n@  groups:\n@    # inner\n@    - \"x y\"\n@    - 'it''s'\n",
    "@-   groups: [x, \"y\", z-1]\n@    rolearn: arn:aws:iam::111122223333:role/c\n",
    "@- {rolearn: 'arn:aws:iam::111122223333:role/d', groups: [], note: {deep: [1, 2]}}\n",
    "@-\n@  # below its dash\n@  rolearn: arn:aws:iam::111122223333:role/e\n",
    "@- rolearn: >-\n@    arn:aws:iam::111122223333:role/f\n@  note: |\n@    - no row\n@      # no comment\n\n",
    "@- rolearn: arn:aws:iam::111122223333:role/g\n@  note: |+\n@    keeps\n\n\n",
    "@- rolearn: arn:aws:iam::111122223333:role/h\n@  note: >2-\n@      odd\n@    folds\n",
    "@- username: \"tab\\there \\u00e4\"\n@  rolearn: arn:aws:iam::111122223333:role/i\n@  groups: &g\n@  - x\n",
    "@- rolearn: arn:aws:iam::111122223333:role/j\n@  username: 'plain\n@    over lines'\n",
    "@- rolearn: \u{4e2d}\u{6587}\n@  username: \u{1f600}\n",
    "@- userid: 012\n@  rolearn: y\n@  on: off\n@  groups: [012, yes, ~]\n",
    "@- null\n",
    "@- text\n",
];

const BETWEEN: &[&str] = &["", "", "", "\n", "# comment\n", "      # far in\n", "  \n"];

/// A text of a seed, always the same.
fn text(mut seed: u64) -> String {
    let mut next = |bound: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % bound
    };
    let indent = " ".repeat([0, 0, 2, 3][next(4)]);
    let mut text = ["", "---\n", "# head\n"][next(3)].to_owned();
    for _ in 0..next(5) {
        text += BETWEEN[next(BETWEEN.len())];
        text += &ROWS[next(ROWS.len())].replace('@', &indent);
    }
    text += BETWEEN[next(BETWEEN.len())];
    match next(8) {
        0 => text.trim_end_matches('\n').to_owned(),
        1 => text.replace('\n', "\r\n"),
        2 if !text.contains('\u{4e2d}') => text + "...\n",
        _ => text,
    }
}

#[test]
fn go_reads_what_was_there_and_what_was_put_in() {
    let Some(oracle) = required_in_ci(YamlOracle::build_or_find()) else { return };
    let new = json!({ "rolearn": "arn:aws:iam::111122223333:role/new", "username": "n:{{SessionName}}", "groups": ["a", "012"] });
    let row = NewRow::arn(
        "arn:aws:iam::111122223333:role/new",
        Some("n:{{SessionName}}".to_owned()),
        vec!["a".to_owned(), "012".to_owned()],
    );
    let (mut befores, mut afters, mut refused) = (Vec::new(), Vec::new(), 0);
    for seed in 0..4_000 {
        let before = text(seed);
        let data = BTreeMap::from([("mapRoles".to_owned(), before.clone())]);
        let Ok(document) = Document::parse(&data) else { continue };
        let count = document.rows(Section::MapRoles).count();
        let at = usize::try_from(seed).unwrap() % (count + 1);
        let insert = Operation::Insert { section: Section::MapRoles, before: at, row: row.clone() };
        match document.edit(&[insert]) {
            Ok(edited) => {
                afters.push((at, edited.changed["mapRoles"].clone()));
                befores.push(before);
            }
            Err(_) => refused += 1,
        }
    }
    let read = |texts: Vec<&str>| oracle.read(&texts).unwrap();
    let old = read(befores.iter().map(String::as_str).collect());
    let edited = read(afters.iter().map(|(_, text)| text.as_str()).collect());
    let mut compared = 0;
    for (((before, (at, after)), old), edited) in befores.iter().zip(&afters).zip(old).zip(edited) {
        // What Go could not read before it need not read afterwards.
        let Ok(old) = old.json else { continue };
        let mut wanted = match old {
            Value::Null => Vec::new(),
            old => old.as_array().cloned().unwrap_or_else(|| panic!("{before}")),
        };
        wanted.insert(*at, new.clone());
        assert_eq!(edited.json.as_ref(), Ok(&Value::Array(wanted)), "{before}\n--- became ---\n{after}");
        compared += 1;
    }
    assert!(compared > 3_000 && refused < 200, "{compared} were compared, {refused} were refused");
}
