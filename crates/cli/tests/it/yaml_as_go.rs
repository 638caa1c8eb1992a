//! Our reading of the sections, held against what Go's YAML library reads.

use kube_iam_control_plane::{YamlOracle, required_in_ci};
use kube_iam_core::aws_auth::{Section, read_section};
use serde_json::Value;

/// A row of mapRoles with a value for its username.
fn row(value: &str) -> String {
    format!("- rolearn: arn:aws:iam::111122223333:role/x\n  username: {value}\n")
}

/// Scalars of every kind that YAML 1.1 knows, and some that only look like one.
const SCALARS: &[&str] = &[
    "plain",
    "'quoted'",
    "\"double\"",
    "yes",
    "Yes",
    "y",
    "n",
    "on",
    "OFF",
    "true",
    "True",
    "null",
    "~",
    "''",
    "5",
    "-5",
    "+5",
    "012",
    "0o17",
    "0x1F",
    "0b101",
    "089",
    "1_000",
    "1.5",
    ".5",
    "5.",
    "1e3",
    "1e",
    "e5",
    ".inf",
    "-.inf",
    ".nan",
    "1:2",
    "12:30:45",
    "2001-01-01",
    "a: b",
    "0x",
    "-",
    "012345678901",
    "!!str 5",
    "dev:alice",
    "a#b",
    "a # comment",
    "[a]",
    "{a: b}",
    "|\n    block",
    ">\n    folded\n    text",
    "\"\\u0041\"",
    "'it''s'",
    "@at",
    "%percent",
    "`tick",
    "*nobody",
    "&anchor x",
    "!tag x",
    "<<",
    "=",
    "{{SessionName}}",
    "'{{SessionName}}'",
    "\u{fc}ml\u{e4}ut",
];

/// Where we differ on purpose: what Go reads, and why we do not.
const DIFFERENT: &[(&str, &str)] = &[
    // One row that can't be read is no reason to lose the section.
    ("{{SessionName}}", "Go refuses the whole section; we leave out the row"),
];

/// The username that we read, if the row can be read.
fn ours(text: &str) -> Option<Option<String>> {
    let rows = read_section(Section::MapRoles, text).ok()?;
    rows.mappings.first().map(|row| row.username.clone())
}

/// The username that Go's reading gives: a text, nothing, or a row of a wrong type.
fn theirs(json: &Result<Value, String>) -> Option<Option<String>> {
    match &json.as_ref().ok()?.get(0)?.get("username") {
        Some(Value::String(text)) => Some(Some(text.clone())),
        Some(Value::Null) | None => Some(None),
        Some(_) => None,
    }
}

#[test]
fn scalars_mean_what_they_mean_to_go() {
    let Some(oracle) = required_in_ci(YamlOracle::build_or_find()) else { return };
    let texts: Vec<_> = SCALARS.iter().map(|scalar| row(scalar)).collect();
    let readings = oracle.read(&texts.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    for ((scalar, text), reading) in SCALARS.iter().zip(&texts).zip(readings) {
        let (ours, theirs) = (ours(text), theirs(&reading.json));
        if DIFFERENT.iter().any(|(listed, _)| listed == scalar) {
            continue;
        }
        assert_eq!(ours, theirs, "username: {scalar} (Go: {:?})", reading.json);
    }
}

#[test]
fn account_lists_keep_what_was_written_as_go_keeps_it() {
    let Some(oracle) = required_in_ci(YamlOracle::build_or_find()) else { return };
    let text = "- 012345678901\n- '111122223333'\n- 012345670123\n- 123456789012\n";
    let reading = oracle.read(&[text]).unwrap().remove(0);
    let ours: Vec<_> =
        read_section(Section::MapAccounts, text).unwrap().accounts.iter().map(ToString::to_string).collect();
    assert_eq!(ours, reading.strings);
}

/// The corpus of the fuzz target: what Go reads as a list of rows with an ARN and
/// a username that is a text, we read too, and to the same username.
#[test]
fn what_go_reads_we_read() {
    let Some(oracle) = required_in_ci(YamlOracle::build_or_find()) else { return };
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/aws_auth_sections");
    let texts: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| std::fs::read_to_string(entry.unwrap().path()).ok())
        .filter(|text| !text.contains('\0'))
        .collect();
    let readings = oracle.read(&texts.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    let mut compared = 0;
    for (text, reading) in texts.iter().zip(readings) {
        let first = reading.json.as_ref().ok().and_then(|json| json.get(0)?.as_object().cloned());
        let Some(first) = first.filter(|row| row.get("rolearn").is_some_and(Value::is_string)) else { continue };
        let Some(username) = first.get("username").and_then(Value::as_str) else { continue };
        assert_eq!(ours(text), Some(Some(username.to_owned())), "{text}");
        compared += 1;
    }
    assert!(compared >= 2, "the corpus holds rows to compare");
}
